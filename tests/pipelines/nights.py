"""Running nights in tests, and comparing the releases they end in.

`run_night` goes through Dagster as users do. `quick_night` takes the same steps in the same order without Dagster, in a third
of the time; `test_night.py` shows that both end in the same release.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import duckdb

import sources.spec
from models.configuration import load_configuration
from pipelines import configured
from pipelines.assets.resource import NightResource, parse_moment
from pipelines.configured import configured_catalog
from pipelines.launch import execute_night, failure_text
from pipelines.model_files import load_models
from pipelines.night.run import Night, open_night
from pipelines.nightly import build_definitions
from pipelines.progress import Reporter, Silent
from pipelines.warehouse import Release, Warehouse
from sources.spec import SourceCatalog, load_catalog

# Tables that tell of nights, not of customers: they may differ between two ways to the same release.
NIGHT_TABLES = {"release", "customer_id_history"}
# Columns by which a row tells of a night: rows of such a table are compared without those that name a release.
NIGHT_EVENTS = {"identity_event": "release_id is null"}
SALT = "5a" * 32


class CheckFailedError(Exception):
    """A blocking check of a quick night failed: the night stops there, as Dagster would stop it."""


def run_night(
    exports: Sequence[Path],
    warehouse: Path,
    config: Path | None = None,
    as_of: str = "",
    full: bool = False,
    reporter: Reporter | None = None,
) -> Release:
    """One night through Dagster on an instance of its own; raises AssertionError with the reasons when it fails."""
    with_salt(warehouse)
    configuration = load_configuration(config)
    night = NightResource(
        exports=[str(path) for path in exports],
        warehouse=str(warehouse),
        config=str(config or ""),
        as_of=as_of,
        full=full,
    )
    definitions = build_definitions(configuration, configured_catalog(configuration, config), night)
    before = Warehouse(warehouse).current()
    with dg.DagsterInstance.ephemeral() as instance:
        result = execute_night(definitions, instance, reporter or Silent())
    assert result.success, failure_text(result, before)
    return Warehouse(warehouse).require_current()


@contextmanager
def few_sources(*systems: str) -> Iterator[None]:
    """Within, this process knows of the shipped systems only those named, beside those a configuration adds.

    Every export is an asset, and a night through Dagster pays for each, used or not.
    """
    shipped = Path(sources.spec.__file__).parent

    def load(extra_folders: Sequence[Path] = ()) -> SourceCatalog:
        exports = load_catalog(extra_folders).exports
        kept = {n: s for n, s in exports.items() if s.system in systems or not s.folder.is_relative_to(shipped)}
        return SourceCatalog(kept)

    with patch.object(configured, "load_catalog", load):
        yield


def quick_night(
    exports: Sequence[Path],
    warehouse: Path,
    config: Path | None = None,
    as_of: str = "",
    full: bool = False,
    systems: Sequence[str] = (),
    report: bool = False,
) -> Release:
    """One night without Dagster, with all sources or those of some `systems`; raises its errors, and CheckFailedError.

    The `report` is written only where asked for: few tests look at it.
    """
    with_salt(warehouse)
    configuration = load_configuration(config)
    catalog = shipped_catalog() if config is None else configured_catalog(configuration, config)
    if systems:
        catalog = SourceCatalog({name: spec for name, spec in catalog.exports.items() if spec.system in systems})
    with open_night(warehouse, list(exports), configuration, catalog, as_of=parse_moment(as_of), full=full) as night:
        return take_steps(night, report)


def take_steps(night: Night, report: bool = False) -> Release:
    """All steps of an open night (the report where asked for), in an order that the asset graph allows."""
    night.register()
    waiting = dict(night.catalog.exports)
    while waiting:
        # What others look up comes first.
        ready = [
            name
            for name, spec in waiting.items()
            if not any(f"{spec.system}.{lookup}" in waiting for lookup in spec.lookups)
        ]
        for name in ready:
            night.ingest(name)
            del waiting[name]
    for table in ("touchpoint", "party_record", "channel_cost", "identifier_link"):
        night.collect(table)
    for table in ("channel_cost", "identifier_link"):
        check(night, table)
    night.identify()
    for book in ("quarantine", "export_file", "reconciliation", "identity_event"):
        night.write_book(book)
        check(night, book)
    for name in load_models():
        night.build(name)
        check(night, name)
    night.write_release_table()
    check(night, "release")
    night.publish_parquet()
    if report:
        night.write_report()
    return night.switch()


def check(night: Night, table: str) -> None:
    """Run a table's checks; raise on the first blocking one that fails."""
    for outcome in night.check(table):
        if not outcome.passed and outcome.severity == "fail":
            raise CheckFailedError(f"{table}: {outcome.message} ({outcome.offending_count} rows)")


@cache
def shipped_catalog() -> SourceCatalog:
    """The sources of the repository, read once: a catalog does not change."""
    return configured_catalog(load_configuration(None), None)


def keep_salt(warehouse: Path) -> Path:
    """Give a new warehouse the tests' secret, so that two warehouses make the same pseudonyms; returns the warehouse."""
    secret = warehouse / "secret" / "salt"
    secret.parent.mkdir(parents=True, mode=0o700)
    secret.write_text(SALT)
    secret.chmod(0o600)
    return warehouse


def with_salt(warehouse: Path) -> None:
    """Give a warehouse that has no secret yet that of the tests: customer ids are drawn with it."""
    if not (warehouse / "secret").exists():
        keep_salt(warehouse)


def copy_warehouse(source: Path, target: Path) -> Path:
    """A warehouse of its own in the same state; returns its folder."""
    shutil.copytree(source, target, symlinks=True)
    return target


def command(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, `variables` added to its environment."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120", "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
        cwd=cwd,
        timeout=300,
    )


def query(release: Release, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on a release."""
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        return con.execute(sql).fetchall()


def contents(release: Release) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of every published table in a canonical order, floating-point numbers rounded to nine digits."""
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        tables = [row[0] for row in con.execute("select table_name from duckdb_tables() order by 1").fetchall()]
        return {
            table: sorted(
                (plain(row) for row in con.execute(f'from "{table}" where {NIGHT_EVENTS.get(table, True)}').fetchall()),
                key=repr,
            )
            for table in tables
            if table not in NIGHT_TABLES
        }


def plain(value: Any) -> Any:
    """A value that compares equal when it says the same: sums of doubles may differ in their last digit."""
    if isinstance(value, float):
        return value if math.isnan(value) or math.isinf(value) or value == 0 else float(f"{value:.9g}")
    if isinstance(value, tuple | list):
        return tuple(plain(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, plain(item)) for key, item in value.items())
    return value


def assert_same(left: Release, right: Release, but: Sequence[str] = ()) -> None:
    """Both releases hold the same rows in every table `but` some; the message names table and first differing rows."""
    assert_same_contents(contents(left), contents(right), but)


def assert_same_contents(
    first: Mapping[str, list[tuple[Any, ...]]], second: Mapping[str, list[tuple[Any, ...]]], but: Sequence[str] = ()
) -> None:
    """`assert_same` on what `contents` gave."""
    assert first.keys() == second.keys()
    differences = []
    for table, rows in first.items():
        if table not in but and rows != second[table]:
            only_left = [row for row in rows if row not in second[table]][:2]
            only_right = [row for row in second[table] if row not in rows][:2]
            differences.append(f"{table}: {len(rows)} and {len(second[table])} rows; {only_left} against {only_right}")
    assert not differences, "\n".join(differences)

"""Running nights in tests, and comparing the releases they end in."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from models.configuration import load_configuration
from pipelines.assets.resource import NightResource, configured_catalog
from pipelines.nightly import build_definitions
from pipelines.launch import execute_night, failure_text
from pipelines.progress import Silent
from pipelines.warehouse import Release, Warehouse

# Tables that tell of nights, not of customers: they may differ between two ways to the same release.
NIGHT_TABLES = {"release"}


def run_night(
    exports: Sequence[Path], warehouse: Path, config: Path | None = None, as_of: str = "", full: bool = False
) -> Release:
    """One night through Dagster on an instance of its own; raises AssertionError with the reasons when it fails."""
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
        result = execute_night(definitions, instance, Silent())
    assert result.success, failure_text(result, before)
    return Warehouse(warehouse).require_current()


def command(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
        timeout=300,
        **options,
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
            table: sorted((plain(row) for row in con.execute(f'from "{table}"').fetchall()), key=repr)
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


def assert_same(left: Release, right: Release) -> None:
    """Both releases hold the same rows in every table; the message names table and first differing rows."""
    first, second = contents(left), contents(right)
    assert first.keys() == second.keys()
    differences = []
    for table, rows in first.items():
        if rows != second[table]:
            only_left = [row for row in rows if row not in second[table]][:2]
            only_right = [row for row in second[table] if row not in rows][:2]
            differences.append(f"{table}: {len(rows)} and {len(second[table])} rows; {only_left} against {only_right}")
    assert not differences, "\n".join(differences)

"""Runs one export file the way the night does (parse, type, skip, one winner per row_id, map) in memory.

Only what the tests of the systems share. The ledger's rules over several files and nights are tested with the night.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sources.read import parse
from sources.spec import ExportSpec, SourceCatalog, load_catalog
from sources.typed import lookup_columns, mapping_query, typed_select
from sources.web import offer_web, offer_web_functions

SHARED = Path(__file__).parents[4] / "shared" / "data" / "exports"


@dataclass
class Mapped:
    """What became of one file: rows read, problems, rows per skip rule, rows that gave way, and the canonical rows."""

    row_count: int
    problems: list[dict[str, Any]] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    superseded: int = 0
    winners: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def mapped_row_count(self) -> int:
        """Export rows that gave at least one canonical row."""
        return len({row["row_id"] for row in self.rows})

    @property
    def types(self) -> dict[str, int]:
        """Touchpoints per type."""
        return dict(Counter(row["touchpoint_type"] for row in self.rows))

    def balances(self) -> bool:
        """Rows read = mapped + problems + skipped + superseded, and no winner is forgotten."""
        skipped = sum(self.skipped.values())
        return (
            self.mapped_row_count == self.winners
            and self.row_count == self.mapped_row_count + len(self.problems) + skipped + self.superseded
        )

    def where(self, **wanted: Any) -> list[dict[str, Any]]:
        """Canonical rows whose columns have these values, in order of time."""
        found = [row for row in self.rows if all(row.get(name) == value for name, value in wanted.items())]
        return sorted(found, key=lambda row: (row.get("occurred_at") or datetime.min, str(row.get("touchpoint_type"))))

    def of_object(self, object_type: str, object_id: str) -> list[dict[str, Any]]:
        """Canonical rows that concern this object."""
        return [
            row for row in self.where() if (object_type, object_id) in {(o["type"], o["id"]) for o in row["objects"]}
        ]


def identifiers(row: dict[str, Any]) -> set[tuple[str, str]]:
    """The identifiers that carry a value (the canonical step leaves the others out)."""
    return {(item["type"], str(item["value"])) for item in row["identifiers"] if item["value"]}


def typed(con: duckdb.DuckDBPyConnection, spec: ExportSpec, path: Path, folder: Path, table: str) -> None:
    """Parse and type one file into `<table>_all`, and the winning rows into `<table>`."""
    parsed = folder / f"{spec.name}-{path.name}.parquet"
    parse(path, spec, parsed)
    # As the night does: what a connector adds for itself begins with an underscore.
    present = [row[0] for row in con.execute(f"describe select * from '{parsed}'").fetchall() if row[0][0] != "_"]
    relation = f"(select *, 'file' as file_id from '{parsed}')"
    con.execute(f"create or replace table {table}_all as {typed_select(spec, relation, present)}").fetchall()
    con.execute(
        f"create or replace table {table} as select * from {table}_all where problem is null and skip_rule is null "
        "qualify row_number() over (partition by row_id order by version_key desc, content_hash, row_number) = 1"
    ).fetchall()


def map_file(catalog: SourceCatalog, name: str, path: Path, folder: Path, **lookup_files: Path) -> Mapped:
    """Map one file of the export `name`; `lookup_files` are the files of the exports that it looks up."""
    spec = catalog.exports[name]
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'").fetchall()
    offer_web_functions(con.execute)
    typed(con, spec, path, folder, "export_row")
    for lookup in spec.lookups:
        other = catalog.exports[f"{spec.system}.{lookup}"]
        if lookup in lookup_files:
            typed(con, other, lookup_files[lookup], folder, f"lookup_{lookup}")
        else:
            columns = ", ".join(f'"{column}" {kind}' for column, kind in lookup_columns(other))
            con.execute(f"create table lookup_{lookup} ({columns})").fetchall()

    def count(condition: str, table: str = "export_row_all") -> int:
        return int(con.execute(f"select count(*) from {table} where {condition}").fetchall()[0][0])

    result = Mapped(row_count=count("true"), winners=count("true", "export_row"))
    result.problems = [
        row[0] for row in con.execute("select problem from export_row_all where problem is not null").fetchall()
    ]
    result.skipped = dict(
        con.execute(
            "select skip_rule, count(*) from export_row_all where problem is null and skip_rule is not null group by 1"
        ).fetchall()
    )
    result.superseded = count("problem is null and skip_rule is null") - result.winners
    if spec.feeds != "lookup":
        offer_web(con, spec)
        cursor = con.execute(mapping_query(spec))
        names = [column[0] for column in cursor.description or []]
        result.rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return result


@pytest.fixture(scope="session")
def catalog() -> SourceCatalog:
    """All exports that the repository knows."""
    return load_catalog()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real exports beside the repository; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"the real exports are not here: {SHARED.parent.parent.name} is a folder beside the repository")
    return SHARED


@pytest.fixture
def run(catalog: SourceCatalog, tmp_path: Path) -> Callable[..., Mapped]:
    """`run(name, path, **lookups)`: map one file."""

    def _run(name: str, path: Path, **lookup_files: Path) -> Mapped:
        return map_file(catalog, name, path, tmp_path, **lookup_files)

    return _run


@pytest.fixture
def run_text(catalog: SourceCatalog, tmp_path: Path) -> Callable[..., Mapped]:
    """`run_text(name, text, **lookup_texts)`: map a file with this text."""

    def _run(name: str, text: str, **lookup_texts: str) -> Mapped:
        def written(export: str, content: str) -> Path:
            path = tmp_path / f"{export}.txt"
            path.write_text(content, encoding="utf-8", newline="")
            return path

        lookups = {export: written(export, content) for export, content in lookup_texts.items()}
        return map_file(catalog, name, written(name, text), tmp_path, **lookups)

    return _run

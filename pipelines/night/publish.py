"""Step 10 of a night: the release folder with its DuckDB file, Parquet files and description, and the switch to it.

Belongs here: writing published tables out. Does not belong here: what they contain, and the folder mechanics (`warehouse.py`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.contract import Contract, load_contracts
from pipelines.macros import load_macros
from pipelines.night.session import Session, quoted
from pipelines.warehouse import DATA_FILE, RELEASE_FILE, STATE_FILE, Release, Warehouse, sync_folder

# Raised when a published column goes or changes its type; additions leave it.
SCHEMA_VERSION = "2.0"
ROWS_PER_BATCH = 122_880


def published_tables(session: Session) -> list[Contract]:
    """Contracts of the tables in tonight's `customer360.duckdb`, by name."""
    names = {row[0] for row in session.rows("select table_name from duckdb_tables() where database_name = 'work'")}
    return [contract for name, contract in load_contracts().items() if name in names and contract.published]


def published_schema() -> dict[str, Any]:
    """Schema version, and each published table's columns with their types as BI tools find them in Parquet."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": {
            name: {column.name: column.type for column in contract.published_columns()}
            for name, contract in sorted(load_contracts().items())
            if contract.published
        },
    }


def release_folder(warehouse: Warehouse, release_id: str) -> Path:
    """The folder of a release in the making (it has no release.json yet, so nobody takes it for complete)."""
    folder = warehouse.releases_folder / release_id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_parquet(
    session: Session,
    warehouse: Warehouse,
    release_id: str,
    base: Release | None,
    rewrite_all: bool,
    report: Callable[[str, int, int], None],
) -> dict[str, int]:
    """Write `parquet/<table>/…`: unchanged months are hard links to the last release; returns files written and linked.

    Columns that name a person directly stay out. Field metadata carries description and unit.
    """
    root = release_folder(warehouse, release_id) / "parquet"
    shutil.rmtree(root, ignore_errors=True)
    counts = {"written": 0, "linked": 0}
    tables = published_tables(session)
    for number, contract in enumerate(tables):
        report(contract.table, number, len(tables))
        folder = root / contract.table
        folder.mkdir(parents=True)
        if not contract.partition_by:
            write_table(
                session, contract, f"select * from work.main.{contract.table}", folder / f"{contract.table}.parquet"
            )
            counts["written"] += 1
            continue
        month = f"date_trunc('month', {contract.partition_by})"
        changed = {
            row[0]
            for row in session.rows(
                "select distinct strftime(month, '%Y-%m') from scratch.main.changed_month where table_name = ?",
                [contract.table],
            )
        }
        present = [
            row[0]
            for row in session.rows(
                f"select distinct strftime({month}, '%Y-%m') from work.main.{contract.table} order by 1"
            )
        ]
        for text in present:
            part = folder / f"month={text}" / "part-0.parquet"
            part.parent.mkdir()
            before = base.folder / "parquet" / contract.table / f"month={text}" / "part-0.parquet" if base else None
            if not rewrite_all and text not in changed and before is not None and before.is_file():
                os.link(before, part)
                counts["linked"] += 1
            else:
                query = (
                    f"select * from work.main.{contract.table} where {contract.partition_by} >= date '{text}-01' "
                    f"and {contract.partition_by} < date '{text}-01' + interval '1' month"
                )
                write_table(session, contract, query, part)
                counts["written"] += 1
        if not present:
            # A reader of the folder finds the schema even in a table without rows.
            write_table(session, contract, f"select * from work.main.{contract.table}", folder / "empty.parquet")
            counts["written"] += 1
    return counts


def write_table(session: Session, contract: Contract, query: str, path: Path) -> None:
    """One Parquet file (zstd) of a query's rows in key order, so that equal tables give equal files."""
    columns = contract.published_columns()
    names = ", ".join(quoted(column.name) for column in columns)
    order = ", ".join(quoted(name) for name in contract.key if name in {column.name for column in columns})
    if contract.partition_by:
        order = f"{quoted(contract.partition_by)}, {order}"
    schema = contract.arrow_schema()
    fields = [schema.field(column.name) for column in columns]
    target = pa.schema(fields, metadata=schema.metadata)
    reader = session.con.sql(f"select {names} from ({query}) order by {order or '1'}").to_arrow_reader(ROWS_PER_BATCH)
    with pq.ParquetWriter(path, target, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch.cast(target) if batch.schema != target else batch)


def write_macros(session: Session) -> None:
    """Create the analysts' macros in tonight's `customer360.duckdb`; the file keeps their text."""
    session.look_in("work.main")
    for macro in load_macros().values():
        session.run(macro.text)
    session.look_in()


def describe_release(
    session: Session,
    release_id: str,
    data_date: str,
    created_at: str,
    checks: list[dict[str, Any]],
    night: dict[str, Any],
) -> dict[str, Any]:
    """Content of `release.json`: schema version, data date, row counts, checks, source files."""
    counts = {
        contract.table: int(session.value(f"select count(*) from work.main.{contract.table}") or 0)
        for contract in published_tables(session)
    }
    files = session.arrow(
        "select file_id, path, source_export, status, row_count from work.main.export_file order by path, file_id"
    ).to_pylist()
    return {
        "release_id": release_id,
        "schema_version": SCHEMA_VERSION,
        "data_date_at": data_date,
        "created_at": created_at,
        "row_counts": counts,
        "checks": describe_checks(checks),
        "source_files": files,
        "night": night,
    }


def describe_checks(checks: list[dict[str, Any]]) -> dict[str, Any]:
    """How many checks passed, and those that did not, by severity."""
    failed = [check for check in checks if not check["passed"]]
    return {
        "passed": len(checks) - len(failed),
        "warnings": [check for check in failed if check["severity"] == "warn"],
        "failures": [check for check in failed if check["severity"] == "fail"],
    }


def complete_release(warehouse: Warehouse, release_id: str, summary: dict[str, Any]) -> Release:
    """Move the closed DuckDB files into the release folder, write release.json last, and switch `current` to it."""
    folder = release_folder(warehouse, release_id)
    for name in (DATA_FILE, STATE_FILE):
        (warehouse.work_folder / name).replace(folder / name)
    temporary = folder / (RELEASE_FILE + ".new")
    temporary.write_text(json.dumps(summary, indent=2, default=str) + "\n", encoding="utf-8")
    for path in (*folder.glob("*.duckdb"), *folder.glob("index/*"), temporary):
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    temporary.replace(folder / RELEASE_FILE)
    sync_folder(folder)
    warehouse.switch(release_id)
    return Release(release_id, folder, summary)

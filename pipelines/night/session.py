"""The DuckDB session of a night: three attached databases and how relations are looked up in them.

`work` becomes the published `customer360.duckdb`, `state` the release's `state.duckdb`, `scratch` is thrown away.
Does not belong here: what the tables mean.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.warehouse import DATA_FILE, STATE_FILE
from sources.typed import identifier as quoted
from sources.typed import literal

__all__ = ["STORAGE_VERSION", "Session", "configure", "literal", "quoted"]

# Read by DuckDB 1.4, 1.5 and 2.x drivers alike.
STORAGE_VERSION = "v1.4.0"


def configure(con: duckdb.DuckDBPyConnection, folder: Path, memory_limit: str | None, threads: int | None) -> None:
    """Limits that make work spill instead of failing; no Python variable is ever taken for a table."""
    con.execute("set python_enable_replacements = false")
    con.execute("set enable_progress_bar = false")
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"set temp_directory = {literal(str(folder))}")
    if memory_limit:
        con.execute(f"set memory_limit = {literal(memory_limit)}")
    con.execute(f"set threads = {threads or os.cpu_count() or 1}")


BATCH_ROWS = 50_000


def in_batches(table: pa.Table) -> pa.Table:
    """The same rows in batches that DuckDB reads side by side: it gives a whole batch to one thread."""
    return pa.Table.from_batches(table.to_batches(max_chunksize=BATCH_ROWS), table.schema)


class Session:
    """Connection with `work`, `state` and `scratch` attached; small helpers that keep SQL readable elsewhere."""

    def __init__(self, folder: Path, memory_limit: str | None = None, threads: int | None = None) -> None:
        self.folder = folder
        self.con = duckdb.connect()
        configure(self.con, folder / "spill", memory_limit, threads)
        # The order of rows in a table carries no meaning here; giving it up halves the memory of large inserts.
        self.con.execute("set preserve_insertion_order = false")
        for alias, file in (("work", DATA_FILE), ("state", STATE_FILE), ("scratch", "scratch.duckdb")):
            path = folder / file
            version = "" if path.exists() else f"storage_version '{STORAGE_VERSION}', "
            # A killed night's work files are thrown away, so a write-ahead log would only cost (a flush to disk per
            # statement: a third of a small night's time).
            self.con.execute(f"attach {literal(str(path))} as {alias} ({version}recovery_mode 'no_wal_writes')")
        for schema in ("scope", "typed", "ingest"):
            self.con.execute(f"create schema if not exists scratch.{schema}")
        self.con.execute("create schema if not exists state.lookup")
        self.look_in()

    def look_in(self, *schemas: str) -> None:
        """Set where unqualified names are found; default: published tables, then state, then scratch."""
        path = ",".join(schemas or ("work.main", "state.main", "scratch.main"))
        self.con.execute(f"set search_path = {literal(path)}")

    def run(self, sql: str, parameters: Sequence[Any] | None = None) -> None:
        """Execute one statement."""
        # fetchall, because DuckDB 2.0 keeps the connection busy until a result is read.
        self.con.execute(sql, parameters).fetchall()

    def rows(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.con.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] | None = None) -> Any:
        """First column of the first row."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def arrow(self, sql: str) -> pa.Table:
        """A query's result as one Arrow table."""
        return self.con.sql(sql).to_arrow_table()

    def exists(self, database: str, table: str, schema: str = "main") -> bool:
        """Whether a table or view is there."""
        return bool(
            self.value(
                "select count(*) from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?",
                [database, schema, table],
            )
            or self.value(
                "select count(*) from duckdb_views() where database_name = ? and schema_name = ? and view_name = ?",
                [database, schema, table],
            )
        )

    def store(self, target: str, table: pa.Table) -> None:
        """Create or replace `target` (database.schema.table) from an Arrow table."""
        self.con.register("arrow_input", in_batches(table))
        try:
            self.run(f"create or replace table {target} as select * from arrow_input")
        finally:
            self.con.unregister("arrow_input")

    def append(self, target: str, table: pa.Table) -> None:
        """Insert an Arrow table into `target`, columns matched by name."""
        self.con.register("arrow_input", in_batches(table))
        try:
            self.run(f"insert into {target} by name select * from arrow_input")
        finally:
            self.con.unregister("arrow_input")

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for many small statements on one database: each alone would wait for the disk."""
        self.con.execute("begin")
        try:
            yield
        except BaseException:
            self.con.execute("rollback")
            raise
        self.con.execute("commit")

    def drop(self, relations: Iterable[str]) -> None:
        """Drop tables that may or may not be there."""
        for relation in relations:
            self.run(f"drop table if exists {relation}")

    def close(self) -> None:
        """Checkpoint and close, so that no `.wal` stays beside the files."""
        self.look_in("memory.main")
        for alias in ("scratch", "state", "work"):
            self.con.execute(f"checkpoint {alias}")
            self.con.execute(f"detach {alias}")
        self.con.close()

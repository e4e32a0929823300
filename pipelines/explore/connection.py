"""The connection to the current release and its index: read-only, locked, and new ones when another release becomes current.

Does not belong here: what is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.explore.index import Index, open_index
from pipelines.report.data import Data
from pipelines.warehouse import Release, Warehouse

QUERIES = Path(__file__).parent / "queries"
LOOKED_UP = ("customer_360", "touchpoint", "customer_identifier", "journey")


@dataclass(frozen=True)
class Opened:
    """One request's view of a release: the same from its first query to its last, whatever becomes current meanwhile."""

    release: Release
    cursor: duckdb.DuckDBPyConnection
    index: Index | None

    def run(self, query: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run SQL with bound parameters."""
        found = self.cursor.execute(query, dict(parameters) or None)
        return [column[0] for column in found.description or []], found.fetchall()

    def data(self) -> Data:
        """The explorer's queries on this release."""
        return Data(self.run, QUERIES)


class CurrentRelease:
    """Opens whatever is current. One connection a release, kept by the real path of `current`; one cursor a request."""

    def __init__(self, warehouse: Path) -> None:
        self._warehouse = Warehouse(warehouse.absolute())
        self._lock = threading.Lock()
        self._open: tuple[Path, Release, duckdb.DuckDBPyConnection, Index | None] | None = None

    def open(self) -> Opened:
        """A cursor on the release that is current now; raises WarehouseError when there is none.

        The connection to the release before closes when the last request that holds a cursor of it has ended.
        """
        path = self._warehouse.current_link.resolve()
        with self._lock:
            if self._open is None or self._open[0] != path:
                release = self._warehouse.require_current()
                self._open = (path, release, connect(release.data_file), open_index(release.folder.resolve()))
                threading.Thread(target=warm, args=(self._open[2].cursor(), self._open[3])).start()
            return Opened(self._open[1], self._open[2].cursor(), self._open[3])


def warm(cursor: duckdb.DuckDBPyConnection, index: Index | None) -> None:
    """Read what every question needs before the first one is asked: the index, and which customers are where."""
    if index is not None:
        index.touch()
    for table in LOOKED_UP:
        cursor.execute(f"select count(customer_id) from {table}").fetchall()


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection that can read this file and nothing else.

    DuckDB shares one instance between all connections of a process to one file; where another one has locked it, it is
    locked already, by what stands here.
    """
    con = duckdb.connect(str(path), read_only=True)
    if con.execute("select current_setting('lock_configuration')").fetchall()[0][0]:
        return con
    con.execute("set python_enable_replacements = false")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con

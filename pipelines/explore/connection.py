"""The connection to the current release and its index: read-only, locked, and new ones when another release becomes current.

Does not belong here: what is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.report.data import Data
from pipelines.warehouse import Release, Warehouse, WarehouseError

if TYPE_CHECKING:
    from pipelines.explore.index import Index

QUERIES = Path(__file__).parent / "queries"
# What questions look through from end to end: read once, it stays in memory (at 10 million touchpoints about 200 MB).
LOOKED_THROUGH = {
    "customer": ("customer_id", "full_name"),
    "customer_360": ("customer_id", "lifecycle_stage"),
    "customer_identifier": ("customer_id", "identifier_value"),
    "journey": ("customer_id",),
    "journey_way": (
        "journey_definition", "status", "started_at", "customer_id", "change_count",
        "forward_1_code", "forward_2_code", "forward_3_code", "forward_4_code",
        "backward_1_code", "backward_2_code", "backward_3_code",
    ),
    "touchpoint": ("customer_id",),
}  # fmt: skip


class Held:
    """A release that is open: one connection, from which each request takes a cursor, and the index."""

    def __init__(self, release: Release) -> None:
        self.release = release
        # links may change under a running server: what is open stays what it is
        self.folder = release.folder.resolve()
        self.connection = connect(release.data_file)
        self._lock = threading.Lock()
        self._is_warm = False

    @cached_property
    def _index(self) -> Index | None:
        # Here, because the arrays' libraries are a third of what a start takes, and its first page needs none.
        from pipelines.explore.index import open_index

        return open_index(self.folder)

    def warm(self) -> None:
        """Read once what questions look through, before the first one is asked: the index, and columns of the tables."""
        with self._lock:
            if self._is_warm:
                return
            self._is_warm = True
        from pipelines.explore import funnels  # noqa: F401 - for whoever asks the first funnel

        if self.index is not None:
            self.index.touch()
        with self.connection.cursor() as cursor:
            for table, columns in LOOKED_THROUGH.items():
                # of every value, for what statistics alone answer reads nothing
                read = ", ".join(f"bit_xor(hash({column}))" for column in columns)
                with suppress(
                    duckdb.CatalogException, duckdb.BinderException
                ):  # a release of an earlier version lacks some
                    cursor.execute(f"select {read} from {table}").fetchall()

    @property
    def index(self) -> Index | None:
        """The index, opened when it is first asked for; None where the release has none."""
        with self._lock:
            return self._index


@dataclass(frozen=True)
class Opened:
    """One request's view of a release: the same from its first query to its last, whatever becomes current meanwhile."""

    held: Held
    cursor: duckdb.DuckDBPyConnection

    @property
    def release(self) -> Release:
        """What is asked."""
        return self.held.release

    @property
    def index(self) -> Index | None:
        """Its index; None where it has none."""
        return self.held.index

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.cursor.close()

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
        self._held: tuple[Path, Held] | None = None

    def open(self) -> Opened:
        """A cursor on the release that is current now; raises WarehouseError when there is none.

        The connection to the release before closes when the last request that holds a cursor of it has ended.
        """
        path = self._warehouse.current_link.resolve()
        with self._lock:
            if self._held is None or self._held[0] != path:
                self._held = (path, Held(self._warehouse.require_current()))
            held = self._held[1]
            return Opened(held, held.connection.cursor())

    def warm(self) -> None:
        """Open what is current and read what every question needs; nothing where there is no release."""
        with suppress(WarehouseError), self.open() as opened:
            opened.held.warm()


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

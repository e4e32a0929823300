"""The index of a release: its touchpoints as sorted arrays in files that are mapped into memory, for funnels that answer at once.

`write_index` makes it at the end of a night, `open_index` reads it. `index/touchpoint.arrow`: every touchpoint that can take part
in a journey, by customer and within a customer in the total order, with the columns a funnel can be divided by as dictionaries;
`index/type.arrow`: the touchpoints of each type, as row numbers of it; `index/customer.arrow`: the customers and where theirs
begin. Uncompressed Arrow files, because mapped ones cost nothing to open and the pages of memory are shared. Does not belong
here: what a funnel is (`models/funnel_walk.py`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.funnel_walk import Block, Trail, merged

FOLDER = "index"
TOUCHPOINTS = "touchpoint.arrow"
TYPES = "type.arrow"
CUSTOMERS = "customer.arrow"
LAYOUT = "2"
# What a funnel can be divided by without a look at the touchpoints themselves.
DIVIDED = ("channel_detail", "campaign_name", "campaign_source", "campaign_medium", "device", "source_system")
NONE = "(none)"
PAGE_BYTES = 4096
# Touchpoints looked through at once: the tables of a block stay in the processor's cache, and blocks are shared out to its cores.
BLOCK_ROWS = 1 << 18
LARGEST_INT32 = 2**31 - 1
# More help little: the memory is as fast as it is.
MOST_WORKERS = 8

Result = TypeVar("Result")


def write_index(con: duckdb.DuckDBPyConnection, folder: Path, database: str = "work.main") -> int:
    """Write the index of the published tables in `database` to `folder`; returns how many touchpoints it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    customers = con.sql(f"select customer_id from {database}.customer order by customer_id").to_arrow_table()
    values = {
        name: con.sql(
            f"select coalesce({name}, '{NONE}') as value from {database}.touchpoint group by 1 order by 1"
        ).to_arrow_table()["value"]
        for name in DIVIDED
    }
    for name, words in values.items():
        con.register(f"index_{name}", pa.table({"value": words, "code": pa.array(range(len(words)), pa.int32())}))
    con.register(
        "index_customer",
        pa.table(
            {"customer_id": customers["customer_id"], "customer_rank": pa.array(range(len(customers)), pa.int32())}
        ),
    )
    codes = ",\n".join(f"index_{name}.code as {name}" for name in DIVIDED)
    joins = "\n".join(
        f"join index_{name} on index_{name}.value = coalesce(touchpoint.{name}, '{NONE}')" for name in DIVIDED
    )
    try:
        found = con.sql(
            f"""
            select
                index_customer.customer_rank,
                epoch_us(touchpoint.occurred_at) as moment,
                cast(touchpoint_type.touchpoint_type_code as smallint) as touchpoint_type_code,
                {codes}
            from {database}.touchpoint
            cross join {database}.setting
            join {database}.touchpoint_type using (touchpoint_type)
            join index_customer using (customer_id)
            {joins}
            where not touchpoint.is_bot and touchpoint.occurred_at <= setting.data_date_at
            order by
                index_customer.customer_rank,
                touchpoint.occurred_at,
                case touchpoint.occurred_at_precision when 'day' then 0 when 'minute' then 1 else 2 end,
                touchpoint_type.sort_rank,
                coalesce(touchpoint.source_row_number, 0),
                touchpoint.touchpoint_id
            """
        ).to_arrow_table()
    finally:
        for name in (*DIVIDED, "customer"):
            con.unregister(f"index_{name}")
    place = pa.int32() if len(found) <= LARGEST_INT32 else pa.int64()
    ranks = found["customer_rank"].to_numpy()
    starts = np.searchsorted(ranks, np.arange(len(customers), dtype=ranks.dtype))
    write(folder / CUSTOMERS, customers.append_column("first_place", pa.array(starts, place)), {})
    kinds = found["touchpoint_type_code"].to_numpy()
    order = np.argsort(kinds, kind="stable")
    ends = np.cumsum(np.bincount(kinds)) if len(kinds) else np.empty(0, np.int64)
    types = {code: [int(ends[code - 1]) if code else 0, int(end)] for code, end in enumerate(ends.tolist())}
    write(folder / TYPES, pa.table({"place": pa.array(order, place)}), {})
    columns: dict[str, pa.Array] = {
        "customer_rank": found["customer_rank"].combine_chunks(),
        "moment": found["moment"].combine_chunks(),
    }
    for name, words in values.items():
        narrow = pa.int16() if len(words) < 2**15 else pa.int32()
        columns[name] = pa.DictionaryArray.from_arrays(
            found[name].combine_chunks().cast(narrow), words.combine_chunks().cast(pa.string())
        )
    until = con.sql(f"select epoch_us(data_date_at) from {database}.setting").fetchall()[0][0]
    described = {"layout": LAYOUT, "types": json.dumps(types), "until": str(until)}
    # last, because it says that the others are there
    write(folder / TOUCHPOINTS, pa.table(columns), described)
    return len(found)


def write(path: Path, table: pa.Table, described: dict[str, str]) -> None:
    """One table as an Arrow file of one batch, so that each column is one piece of memory."""
    table = table.combine_chunks().replace_schema_metadata(described)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=max(1, len(table)))


@dataclass(frozen=True)
class Part:
    """One block of an index and where it stands in it: its touchpoints from row `start` to before `end`."""

    index: Index
    block: Block
    start: int
    end: int
    _trails: dict[tuple[int, ...], Trail] = field(default_factory=dict)

    def trail(self, codes: Sequence[int]) -> Trail:
        """Touchpoints of these types in the block."""
        key = tuple(sorted(set(codes)))
        if key not in self._trails:
            size = self.end - self.start
            if len(key) == 1:
                self._trails[key] = Trail(self.index.places(key[0], self.start, self.end), size)
            else:
                self._trails[key] = merged([self.trail([code]) for code in key], size)
        return self._trails[key]

    def values(self, name: str, places: NDArray[np.intp]) -> NDArray[np.integer]:
        """Column `name` of the touchpoints at these places of the block, as numbers of `Index.words`."""
        return self.index.codes(name)[self.start : self.end].take(places)


@dataclass(frozen=True)
class Index:
    """An open index: its arrays are views of the mapped files.

    first_place: per customer (rank) the row of the first touchpoint, and one more for the end of the last one's. type_places:
    rows by type, ascending within a type. until: the data date in microseconds since 1970.
    """

    customer_ids: NDArray[np.int64]
    first_place: NDArray[np.integer]
    customer: NDArray[np.int32]
    moment: NDArray[np.int64]
    type_places: NDArray[np.integer]
    types: dict[int, tuple[int, int]]
    until: int
    table: pa.Table

    def __len__(self) -> int:
        return len(self.moment)

    @cached_property
    def _bounds(self) -> list[tuple[int, int]]:
        """Blocks of about BLOCK_ROWS touchpoints, as ranks of their first customer and of the one after the last."""
        edges = np.searchsorted(self.first_place, np.arange(BLOCK_ROWS, len(self), BLOCK_ROWS))
        cuts = np.unique(np.concatenate([[0], edges, [len(self.customer_ids)]])).tolist()
        return list(pairwise(cuts))

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_WORKERS), thread_name_prefix="index")

    def each(self, work: Callable[[Part], Result]) -> list[Result]:
        """What `work` makes of each block, in order; the cores share them (numpy works without the interpreter's lock)."""
        return self.spread([partial(self._one, work, *bounds) for bounds in self._bounds])

    def _one(self, work: Callable[[Part], Result], first: int, end: int) -> Result:
        return work(self._part(first, end))

    def spread(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """The results of these tasks, in order, each worked on by some core. A task may not wait for others."""
        if len(tasks) == 1:
            return [tasks[0]()]
        return list(self._workers.map(lambda task: task(), tasks))

    def _part(self, first: int, end: int) -> Part:
        bounds = self.first_place[first : end + 1].astype(np.intp)
        low, high = int(bounds[0]), int(bounds[-1])
        return Part(
            self, Block(self.customer[low:high], self.moment[low:high], bounds - low, first), start=low, end=high
        )

    def places(self, code: int, start: int, end: int) -> NDArray[np.intp]:
        """The touchpoints of a type from row `start` to before `end`, counted from `start`."""
        places = self.type_places[slice(*self.types.get(code, (0, 0)))]
        low, high = np.searchsorted(places, np.array([start, end], places.dtype))
        return np.subtract(places[low:high], start, dtype=np.intp)

    def codes(self, name: str) -> NDArray[np.integer]:
        """A column of DIVIDED as numbers of `words`."""
        return self.table[name].chunk(0).indices.to_numpy() if len(self) else np.empty(0, np.int16)

    def words(self, name: str) -> list[str]:
        """What the numbers of a column of DIVIDED mean."""
        found: list[str] = self.table[name].chunk(0).dictionary.to_pylist() if len(self) else []
        return found

    def touch(self) -> int:
        """Look at each page of memory once, so that the first question does not wait for the disk; returns how many bytes.

        A page that was not looked at yet is read when it is: at 10 million touchpoints half of a first funnel's time.
        """
        arrays = (
            self.first_place, self.customer, self.moment, self.type_places, self.customer_ids, *map(self.codes, DIVIDED),
        )  # fmt: skip
        for array in arrays:
            array.view(np.uint8)[::PAGE_BYTES].max(initial=0)
        return sum(array.nbytes for array in arrays)


def open_index(release: Path) -> Index | None:
    """The index of a release folder; None where there is none of this layout (a release made by another version)."""
    folder = release / FOLDER
    if not all((folder / name).is_file() for name in (TOUCHPOINTS, TYPES, CUSTOMERS)):
        return None
    table = mapped(folder / TOUCHPOINTS)
    described: dict[bytes, bytes] = table.schema.metadata or {}
    if described.get(b"layout") != LAYOUT.encode():
        return None
    types: dict[str, Any] = json.loads(described[b"types"])
    customers = mapped(folder / CUSTOMERS)
    starts = numbers(customers, "first_place")
    return Index(
        customer_ids=numbers(customers, "customer_id"),
        first_place=np.append(starts, np.array([len(table)], starts.dtype)),
        customer=numbers(table, "customer_rank"),
        moment=numbers(table, "moment"),
        type_places=numbers(mapped(folder / TYPES), "place"),
        types={int(code): (start, end) for code, (start, end) in types.items()},
        until=int(described[b"until"]),
        table=table,
    )


def mapped(path: Path) -> pa.Table:
    """The table of an Arrow file, mapped; its memory lives as long as someone uses it, even when the file is deleted."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def numbers(table: pa.Table, name: str) -> NDArray[Any]:
    """A column as an array, without a copy."""
    column = table[name]
    return column.chunk(0).to_numpy() if column.num_chunks else np.empty(0, np.int64)

"""The index of a release: its touchpoints as sorted arrays in files that are mapped into memory, for funnels that answer at once.

`write_index` makes it at the end of a night, `open_index` reads it. One array a file (NumPy's format): every touchpoint that can
take part in a journey, by customer and within a customer in the total order (`customer.npy`, its rank; `moment.npy`; one of each
column a funnel can be divided by, as numbers of the words in `<column>.json`); the touchpoints of each type, as row numbers of
these (`type.npy`); the customers and where theirs begin (`customer_id.npy`, `first_place.npy`). `index.json`, written last, says
what they are. Plain arrays, because mapped ones cost nothing to open, need no library but NumPy, and the pages of memory are
shared. Does not belong here: what a funnel is (`models/funnel_walk.py`).
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
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.funnel_walk import Block, Trail, merged
from pipelines.explore.asked import DIVIDED

if TYPE_CHECKING:
    import duckdb

FOLDER = "index"
DESCRIPTION = "index.json"
LAYOUT = 2
NONE = "(none)"
PAGE_BYTES = 4096
# Touchpoints looked through at once: the tables of a block stay in the processor's cache, and blocks are shared out to its cores.
BLOCK_ROWS = 1 << 18
LARGEST_INT16, LARGEST_INT32 = 2**15 - 1, 2**31 - 1
# More help little: the memory is as fast as it is.
MOST_WORKERS = 8

Result = TypeVar("Result")


def write_index(con: duckdb.DuckDBPyConnection, folder: Path, database: str = "work.main") -> int:
    """Write the index of the published tables in `database` to `folder`; returns how many touchpoints it holds."""
    import pyarrow as pa

    folder.mkdir(parents=True, exist_ok=True)
    customers = con.sql(f"select customer_id from {database}.customer order by customer_id").to_arrow_table()
    words = {
        name: con.sql(
            f"select coalesce({name}, '{NONE}') as value from {database}.touchpoint group by 1 order by 1"
        ).to_arrow_table()["value"]
        for name in DIVIDED
    }
    for name, found in words.items():
        narrow = pa.int16() if len(found) < LARGEST_INT16 else pa.int32()
        con.register(f"index_{name}", pa.table({"value": found, "code": pa.array(range(len(found)), narrow)}))
    ranks = pa.array(range(len(customers)), pa.int32())
    con.register("index_customer", customers.append_column("customer", ranks))
    codes = ",\n".join(f"index_{name}.code as {name}" for name in DIVIDED)
    joins = "\n".join(
        f"join index_{name} on index_{name}.value = coalesce(touchpoint.{name}, '{NONE}')" for name in DIVIDED
    )
    try:
        rows = con.sql(
            f"""
            select
                index_customer.customer,
                epoch_us(touchpoint.occurred_at) as moment,
                cast(touchpoint_type.touchpoint_type_code as smallint) as type,
                {codes}
            from {database}.touchpoint
            cross join {database}.setting
            join {database}.touchpoint_type using (touchpoint_type)
            join index_customer using (customer_id)
            {joins}
            where not touchpoint.is_bot and touchpoint.occurred_at <= setting.data_date_at
            order by
                index_customer.customer,
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

    def write(name: str, values: NDArray[Any]) -> None:
        np.save(folder / f"{name}.npy", values)

    place = np.int32 if len(rows) <= LARGEST_INT32 else np.int64
    for name in ("customer", "moment", *DIVIDED):
        write(name, rows[name].to_numpy())
    for name, found in words.items():
        (folder / f"{name}.json").write_text(json.dumps(found.to_pylist()), encoding="utf-8")
    write("customer_id", customers["customer_id"].to_numpy())
    write("first_place", np.searchsorted(rows["customer"].to_numpy(), np.arange(len(customers) + 1)).astype(place))
    kinds = rows["type"].to_numpy()
    write("type", np.argsort(kinds, kind="stable").astype(place))
    ends = np.cumsum(np.bincount(kinds)).tolist() if len(kinds) else []
    described = {
        "layout": LAYOUT,
        "until": con.sql(f"select epoch_us(data_date_at) from {database}.setting").fetchall()[0][0],
        "types": {code: [ends[code - 1] if code else 0, end] for code, end in enumerate(ends)},
    }
    (folder / DESCRIPTION).write_text(json.dumps(described), encoding="utf-8")
    return len(rows)


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
        return self.index.divided[name][self.start : self.end].take(places)


@dataclass(frozen=True)
class Index:
    """An open index: its arrays are views of the mapped files.

    until: the data date in microseconds since 1970. first_place: per customer (rank) the row of the first touchpoint, and one
    more for the end of the last one's. type_places: rows by type, ascending within a type, that of a code from `types`. divided:
    the columns of DIVIDED as numbers of `words`.
    """

    folder: Path
    until: int
    types: dict[int, tuple[int, int]]
    customer_ids: NDArray[np.int64]
    first_place: NDArray[np.integer]
    customer: NDArray[np.int32]
    moment: NDArray[np.int64]
    type_places: NDArray[np.integer]
    divided: dict[str, NDArray[np.integer]]
    block_rows: int = BLOCK_ROWS

    def __len__(self) -> int:
        return len(self.moment)

    @cached_property
    def _bounds(self) -> list[tuple[int, int]]:
        """Blocks of about `block_rows` touchpoints, as ranks of their first customer and of the one after the last."""
        edges = np.searchsorted(self.first_place, np.arange(self.block_rows, len(self), self.block_rows))
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

    def words(self, name: str) -> list[str]:
        """What the numbers of a column of DIVIDED mean."""
        found: list[str] = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        return found

    def touch(self) -> int:
        """Look at each page of memory once, so that the first question does not wait for the disk; returns how many bytes.

        A page that was not looked at yet is read when it is: at 10 million touchpoints half of a first funnel's time.
        """
        arrays = (
            self.first_place, self.customer, self.moment, self.type_places, self.customer_ids, *self.divided.values(),
        )  # fmt: skip
        for array in arrays:
            array.view(np.uint8)[::PAGE_BYTES].max(initial=0)
        return sum(array.nbytes for array in arrays)


def open_index(release: Path, block_rows: int = BLOCK_ROWS) -> Index | None:
    """The index of a release folder; None where there is none of this layout (a release made by another version)."""
    folder = release / FOLDER
    try:
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if described.get("layout") != LAYOUT:
        return None
    return Index(
        folder=folder,
        until=described["until"],
        types={int(code): (start, end) for code, (start, end) in described["types"].items()},
        customer_ids=mapped(folder, "customer_id"),
        first_place=mapped(folder, "first_place"),
        customer=mapped(folder, "customer"),
        moment=mapped(folder, "moment"),
        type_places=mapped(folder, "type"),
        divided={name: mapped(folder, name) for name in DIVIDED},
        block_rows=block_rows,
    )


def mapped(folder: Path, name: str) -> NDArray[Any]:
    """An array, mapped; its memory lives as long as someone uses it, even when the file is deleted."""
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

"""The index of a release: its touchpoints as sorted arrays in files that are mapped into memory, for funnels that answer at once.

`write_index` makes it at the end of a night, `open_index` reads it. `index/touchpoint.arrow`: every touchpoint that can take part
in a journey, by type and within a type by customer and total order, with the columns a funnel can be divided by as dictionaries;
`index/customer.arrow`: the customers by rank. Uncompressed Arrow files, because mapped ones cost nothing to open and the pages
of memory are shared. Does not belong here: what a funnel is (`models/funnel_walk.py`).
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.funnel_walk import NUMBER_BITS, Trail, merged

FOLDER = "index"
TOUCHPOINTS = "touchpoint.arrow"
CUSTOMERS = "customer.arrow"
LAYOUT = "1"
# What a funnel can be divided by without a look at the touchpoints themselves.
DIVIDED = ("channel_detail", "campaign_name", "campaign_source", "campaign_medium", "device", "source_system")
NONE = "(none)"
# Those of one type are views; of several types copies, at 10 million touchpoints up to 100 MB each.
KEPT_TRAILS = 16
PAGE_BYTES = 4096


def write_index(con: duckdb.DuckDBPyConnection, folder: Path, database: str = "work.main") -> int:
    """Write the index of the published tables in `database` to `folder`; returns how many touchpoints it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    customers = con.sql(f"select customer_id from {database}.customer order by customer_id").to_arrow_table()
    write(folder / CUSTOMERS, customers, {})
    values = {
        name: con.sql(
            f"select {name} as value from {database}.touchpoint where {name} is not null group by 1 order by 1"
        ).to_arrow_table()["value"]
        for name in DIVIDED
    }
    for name, words in values.items():
        con.register(f"index_{name}", pa.table({"value": words, "code": pa.array(range(len(words)), pa.int32())}))
    con.register(
        "index_customer",
        pa.table(
            {"customer_id": customers["customer_id"], "customer_rank": pa.array(range(len(customers)), pa.int64())}
        ),
    )
    codes = ",\n".join(f"index_{name}.code as {name}" for name in DIVIDED)
    joins = "\n".join(f"left join index_{name} on index_{name}.value = touchpoint.{name}" for name in DIVIDED)
    try:
        found = con.sql(
            f"""
            select
                touchpoint_type.touchpoint_type_code,
                index_customer.customer_rank * {1 << NUMBER_BITS} + row_number() over (
                    partition by touchpoint.customer_id
                    order by
                        touchpoint.occurred_at,
                        case touchpoint.occurred_at_precision when 'day' then 0 when 'minute' then 1 else 2 end,
                        touchpoint_type.sort_rank,
                        coalesce(touchpoint.source_row_number, 0),
                        touchpoint.touchpoint_id
                ) as place,
                epoch_us(touchpoint.occurred_at) as moment,
                {codes}
            from {database}.touchpoint
            cross join {database}.setting
            join {database}.touchpoint_type using (touchpoint_type)
            join index_customer using (customer_id)
            {joins}
            where not touchpoint.is_bot and touchpoint.occurred_at <= setting.data_date_at
            order by touchpoint_type_code, place
            """
        ).to_arrow_table()
    finally:
        for name in (*DIVIDED, "customer"):
            con.unregister(f"index_{name}")
    kinds = found["touchpoint_type_code"].to_numpy()
    edges = [0, *(np.flatnonzero(kinds[1:] != kinds[:-1]) + 1).tolist(), len(kinds)] if len(kinds) else [0]
    types = {str(kinds[start]): [start, end] for start, end in pairwise(edges)}
    columns: dict[str, pa.Array] = {
        "place": found["place"].combine_chunks(),
        "moment": found["moment"].combine_chunks(),
    }
    for name, words in values.items():
        narrow = pa.int16() if len(words) < 2**15 else pa.int32()
        columns[name] = pa.DictionaryArray.from_arrays(
            found[name].combine_chunks().cast(narrow), words.combine_chunks().cast(pa.string())
        )
    until = con.sql(f"select epoch_us(data_date_at) from {database}.setting").fetchall()[0][0]
    described = {"layout": LAYOUT, "types": json.dumps(types), "until": str(until)}
    write(folder / TOUCHPOINTS, pa.table(columns), described)
    return len(found)


def write(path: Path, table: pa.Table, described: dict[str, str]) -> None:
    """One table as an Arrow file of one batch, so that each column is one piece of memory."""
    table = table.combine_chunks().replace_schema_metadata(described)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=max(1, len(table)))


@dataclass(frozen=True)
class Index:
    """An open index: its arrays are views of the mapped files. until: the data date in microseconds since 1970."""

    customer_ids: NDArray[np.int64]
    place: NDArray[np.int64]
    moment: NDArray[np.int64]
    types: dict[int, tuple[int, int]]
    until: int
    table: pa.Table
    _kept: OrderedDict[tuple[int, ...], Trail] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trail(self, codes: Sequence[int]) -> Trail:
        """Touchpoints of these types; the last ones asked for are kept, with what is known of them."""
        key = tuple(sorted(set(codes)))
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = merged([Trail(self.place[start:end], self.moment[start:end]) for start, end in map(self._span, key)])
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT_TRAILS:
                self._kept.popitem(last=False)
        return found

    def touch(self) -> int:
        """Look at each page of memory once, so that the first question does not wait for the disk; returns how many bytes.

        A page that was not looked at yet is read when it is: at 10 million touchpoints half of a first funnel's time.
        """
        seen = 0
        for column in self.table.columns:
            for chunk in column.chunks:
                values = chunk.indices if isinstance(chunk, pa.DictionaryArray) else chunk
                for buffer in values.buffers():
                    if buffer is not None:
                        np.frombuffer(buffer, np.uint8)[::PAGE_BYTES].max(initial=0)
                        seen += buffer.size
        return seen

    def _span(self, code: int) -> tuple[int, int]:
        return self.types.get(code, (0, 0))

    def values(self, name: str, codes: Sequence[int], places: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
        """Column `name` of the touchpoints of these types at `places`: a number for each, and what the numbers mean."""
        column = self.table[name].chunk(0) if len(self.table) else None
        found = np.full(len(places), -1, np.int64)
        words: list[str] = column.dictionary.to_pylist() if column is not None else []
        for code in dict.fromkeys(codes):
            start, end = self._span(code)
            here = self.place[start:end]
            if column is None or not len(here):
                continue
            at = np.minimum(np.searchsorted(here, places), len(here) - 1)
            hit = here[at] == places
            numbers = column.indices[start:end].fill_null(-1).to_numpy(zero_copy_only=False)
            found[hit] = numbers[at[hit]]
        found[found < 0] = len(words)
        return found, [*words, NONE]


def open_index(release: Path) -> Index | None:
    """The index of a release folder; None where there is none of this layout (a release made by another version)."""
    folder = release / FOLDER
    if not (folder / TOUCHPOINTS).is_file() or not (folder / CUSTOMERS).is_file():
        return None
    table = mapped(folder / TOUCHPOINTS)
    described: dict[bytes, bytes] = table.schema.metadata or {}
    if described.get(b"layout") != LAYOUT.encode():
        return None
    types: dict[str, Any] = json.loads(described[b"types"])
    return Index(
        customer_ids=numbers(mapped(folder / CUSTOMERS), "customer_id"),
        place=numbers(table, "place"),
        moment=numbers(table, "moment"),
        types={int(code): (start, end) for code, (start, end) in types.items()},
        until=int(described[b"until"]),
        table=table,
    )


def mapped(path: Path) -> pa.Table:
    """The table of an Arrow file, mapped; its memory lives as long as someone uses it, even when the file is deleted."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def numbers(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column as an array, without a copy."""
    column = table[name]
    return column.chunk(0).to_numpy() if column.num_chunks else np.empty(0, np.int64)

"""The parsed file: all columns as text (a log's are typed) beside `_row`, `_line`, `_raw`, `_problem`; written atomically.

Belongs here: the parsed file's shape and its atomic writing. Does not belong here: any input format.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sources.archive import ReadError
from sources.spec import RESERVED_COLUMNS, ExportSpec

BASE_SCHEMA = pa.schema([("_row", pa.int32()), ("_line", pa.int32()), ("_raw", pa.string()), ("_problem", pa.string())])
# DuckDB reads row groups in parallel; 122 880 rows is its own unit.
ROW_GROUP_ROWS = 122_880
# Raw text of a broken record is kept for a person to look at, not to restore a file from.
MAX_RAW_CHARACTERS = 10_000
# A file with more columns is no table.
MAX_COLUMNS = 5_000


def column_names(found: Sequence[str], spec: ExportSpec) -> list[str]:
    """Names for the columns of a file: the spec's spelling where it knows one, else as found; unique and never empty.

    An empty name becomes `column_<position>`, a repeated one gets `_2`, `_3`, …; a name that parsed or typed rows need
    for themselves, or that the spec gives to a column made of others, gets a trailing underscore. Raises `ReadError`
    for more than `MAX_COLUMNS`.
    """
    if len(found) > MAX_COLUMNS:
        raise ReadError(f"{len(found):,} columns, more than {MAX_COLUMNS:,}: no table that {spec.name} describes")
    used: set[str] = set()
    result = []
    for position, text in enumerate(found, 1):
        clean = text.strip().strip("\ufeff")
        name = spec.spellings.get(clean.casefold(), clean) or f"column_{position}"
        if name.casefold() in RESERVED_COLUMNS or name.casefold() in spec.made_columns:
            name += "_"
        unique, number = name, 2
        while unique.casefold() in used:
            unique, number = f"{name}_{number}", number + 1
        used.add(unique.casefold())
        result.append(unique)
    return result


class ParsedWriter:
    """Writes a parsed file. Columns may turn up late; the file appears under its name only when all of it is written.

    Use as a context manager; leaving it by an exception removes what was begun.
    """

    def __init__(self, out: Path, columns: Iterable[str] = (), constants: dict[str, str | None] | None = None) -> None:
        self.out = out
        self.columns: list[str] = list(columns)
        self._types: dict[str, pa.DataType] = {}
        # What holds for all rows of the file, as columns after the file's own (`_decimal`, `_time_zone`).
        self.constants = constants or {}
        # What the parsed file says about itself, beside its rows (`reading_of`).
        self.facts: dict[str, str] = {}
        # Why the file ends before its end, where it does.
        self.broken: str | None = None
        self.row_count = 0
        self.problem_count = 0
        self._parts: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        out.parent.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> ParsedWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._finish()
            return
        if self._writer is not None:
            self._writer.close()
        for part in self._parts:
            part.unlink(missing_ok=True)

    def set_types(self, types: Mapping[str, pa.DataType]) -> None:
        """Say before the first row that the reader writes these columns, already typed, instead of texts as found."""
        self._types = dict(types)
        self.columns = list(types)

    def write(self, table: pa.Table) -> None:
        """Add rows: the four base columns and any text columns (or those of `set_types`)."""
        if not table.num_rows:
            return
        self.row_count += table.num_rows
        self.problem_count += table.num_rows - table["_problem"].null_count
        new = [name for name in table.column_names if name not in BASE_SCHEMA.names and name not in set(self.columns)]
        if new:
            self.flush()
            self._close_part()
            self.columns += new
        self._pending.append(table)
        self._pending_rows += table.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self.flush()

    def problem(self, row: int, line: int | None, raw: str | None, reason: str) -> None:
        """Add one record that cannot be read."""
        self.write(problem_table([(row, line, raw, reason)]))

    @property
    def schema(self) -> pa.Schema:
        """The parsed file's schema with the columns known so far."""
        names = (*self.columns, *self.constants)
        return pa.schema([*BASE_SCHEMA, *((name, self._types.get(name, pa.string())) for name in names)])

    def flush(self) -> None:
        """Write the rows added so far as a row group of their own."""
        if not self._pending:
            return
        if self._writer is None:
            part = self.out.with_name(f".{self.out.name}.{os.getpid()}.{len(self._parts)}.part")
            self._parts.append(part)
            self._writer = self._open(part)
        table = pa.concat_tables([fit(table, self.schema) for table in self._pending])
        for name, value in self.constants.items():
            same = pa.repeat(pa.scalar(value, pa.string()), table.num_rows)
            table = table.set_column(table.column_names.index(name), name, same)
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        self._pending, self._pending_rows = [], 0

    def _open(self, part: Path) -> pq.ParquetWriter:
        if not self._types:
            return pq.ParquetWriter(part, self.schema, compression="zstd", compression_level=1)
        # Numbers as differences, texts as dictionaries, statistics of times only: half the size and a third of the time.
        # Without Arrow's own schema beside it, a column that was coded in memory reads as the text that it is.
        numbers = [f.name for f in self.schema if pa.types.is_integer(f.type) or pa.types.is_timestamp(f.type)]
        texts = [f.name for f in self.schema if f.name not in numbers and not pa.types.is_floating(f.type)]
        return pq.ParquetWriter(
            part,
            self.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=texts,
            column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
            write_statistics=[f.name for f in self.schema if pa.types.is_timestamp(f.type)],
            store_schema=False,
        )

    def _close_part(self) -> None:
        if self._writer is not None:
            self._writer.add_key_value_metadata(self.facts)
            self._writer.close()
            self._writer = None

    def _finish(self) -> None:
        self.flush()
        self._close_part()
        if len(self._parts) == 1 and pq.read_schema(self._parts[0]).names == self.schema.names:
            self._parts[0].replace(self.out)
            return
        # No rows at all, or columns that turned up late: one pass over the parts gives all rows all columns.
        temporary = self.out.with_name(f".{self.out.name}.{os.getpid()}.all.part")
        with pq.ParquetWriter(temporary, self.schema, compression="zstd", compression_level=1) as writer:
            for part in self._parts:
                for batch in pq.ParquetFile(part).iter_batches(ROW_GROUP_ROWS):
                    writer.write_table(fit(pa.Table.from_batches([batch]), self.schema))
            writer.add_key_value_metadata(self.facts)
        temporary.replace(self.out)
        for part in self._parts:
            part.unlink()


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def reading_of(parsed: Path) -> dict[str, str | None]:
    """How a file was read, as its parsed file remembers: `encoding`, `delimiter`, `quote`, `escape`, `decimal`, …"""
    metadata = pq.read_metadata(parsed).metadata or {}
    return dict(json.loads(metadata.get(b"reading", b"{}")))


def fit(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with exactly the schema's columns, absent ones as NULL."""
    have = set(table.column_names)
    return pa.table(
        [_cast(table[f.name], f.type) if f.name in have else pa.nulls(table.num_rows, f.type) for f in schema],
        schema=schema,
    )


def problem_table(problems: Sequence[tuple[int, int | None, str | None, str]]) -> pa.Table:
    """Records that cannot be read, as (row, line, raw text, reason)."""
    rows, lines, raws, reasons = zip(*problems, strict=True) if problems else ((), (), (), ())
    return pa.table(
        [rows, lines, [raw if raw is None else raw[:MAX_RAW_CHARACTERS] for raw in raws], reasons], schema=BASE_SCHEMA
    )


def printable(raw: bytes) -> str:
    """Raw bytes as text for `_raw`; a byte that is no UTF-8 is written as `\\xNN`."""
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")


def flattens(which: bool | tuple[str, ...], path: str) -> bool:
    """Whether `read.flatten` (all, or the dotted paths given) takes the object at a path apart."""
    return which if isinstance(which, bool) else path in which


def flattened(record: dict[str, Any], which: bool | tuple[str, ...], prefix: str = "") -> dict[str, Any]:
    """A nested record with the objects in it taken apart into dotted names."""
    result: dict[str, Any] = {}
    for name, value in record.items():
        path = prefix + str(name)
        if isinstance(value, dict) and value and flattens(which, path):
            result.update(flattened(value, which, path + "."))
        else:
            result[path] = value
    return result


def fill_down(table: pa.Table, columns: tuple[str, ...], carried: dict[str, str | None]) -> pa.Table:
    """Empty cells of the named columns take the value of the row above, also across blocks."""
    for name in columns:
        if name not in table.column_names:
            continue
        position = table.column_names.index(name)
        filled = pc.fill_null_forward(table[name].combine_chunks())
        if carried.get(name) is not None:
            filled = pc.fill_null(filled, carried[name])
        carried[name] = filled[-1].as_py()
        # A record that could not be read stays empty.
        kept = pc.if_else(pc.is_null(table["_problem"].combine_chunks()), filled, pa.scalar(None, pa.string()))
        table = table.set_column(position, name, kept)
    return table

"""Delimited text to parsed rows: fast in blocks where the text is regular, record by record where it is not.

A block takes the fast way (Arrow's CSV parser) only when its quotes stand where quotes may stand, every record has the
right number of fields and every byte is valid; then record and line numbers follow from the positions of the line ends.
Otherwise that block, and only that block, goes through Python's `csv` record by record: what cannot be read becomes a
problem row, and an unclosed quote costs its own line, not the rest of the file.

Does not belong here: what a column means, or any guess about the dialect.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from sources.archive import ReadError
from sources.lines import without_marks
from sources.opening import BLOCK_BYTES, text_blocks
from sources.spec import ExportSpec, Read
from sources.writing import BASE_SCHEMA, ParsedWriter, column_names, fill_down, printable, problem_table

# One record longer than this is an unclosed quote, not a record.
MAX_RECORD_BYTES = 1 << 20
MAX_LINE_BYTES = 64 << 20

_BLANKS = re.compile(rb"(?m)^[ \t]+\r?$")

csv.field_size_limit(MAX_RECORD_BYTES * 4)


@dataclass(frozen=True)
class Record:
    """One record of the careful way: where it starts (1-based line), its fields or what is wrong, its raw bytes."""

    line: int
    fields: list[str]
    raw: bytes
    problem: str | None = None


class _OpenQuoteError(Exception):
    """The block ends within a quoted field; more text may close it."""


def _parse(text: str, read: Read) -> list[str]:
    """The fields of one record. Raises csv.Error where quotes are wrong, `_OpenQuoteError` where one is open."""
    if not read.quote:
        return text.rstrip("\r\n").split(read.delimiter)
    try:
        rows = list(
            csv.reader(
                [text], delimiter=read.delimiter, quotechar=read.quote, escapechar=read.escape or None, strict=True
            )
        )
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise _OpenQuoteError from None
        raise
    fields = rows[0] if rows else []
    if not read.escape and read.quote in text and not _quotes_fit(text, read.delimiter, read.quote):
        # The csv module takes a quote within a field without quotes for text: after a quote that is never closed, the next
        # one would open or close a field in the wrong place, and cells would shift without a word.
        raise csv.Error("a quote stands within a field without quotes")
    return fields


@cache
def _quoted_record(delimiter: str, quote: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(a field that begins with a quote, a record of which every field is quoted as a whole or has no quote)."""
    mark, sign = re.escape(quote), re.escape(delimiter)
    field = rf"(?:{mark}(?:[^{mark}]|{mark}{mark})*+{mark}|[^{mark}{sign}]*+)"
    return re.compile(rf"(?:\A|{sign}){mark}"), re.compile(rf"{field}(?:{sign}{field})*+\Z")


def _quotes_fit(text: str, delimiter: str, quote: str) -> bool:
    """Whether a record quotes its fields as writers do; one that quotes none may have quotes in its text (5" pipe)."""
    starts, whole = _quoted_record(delimiter, quote)
    return starts.search(text) is None or whole.match(text.removesuffix("\n").removesuffix("\r")) is not None


def records(block: bytes, read: Read, line: int, last: bool, keep_blank: bool = False) -> Iterator[Record | bytes]:
    """The records of a block, carefully; then, as bytes, the unfinished rest that belongs before the next block.

    `line` is the number of the block's first line. A record whose quote never closes gives one problem for its first
    line, and reading goes on with the next line. Blank lines are left out unless asked for.
    """
    lines = block.split(b"\n")
    tail = lines.pop()
    if last and tail:
        lines.append(tail)
        tail = b""
    index = 0
    while index < len(lines):
        raw = lines[index]
        if not raw.strip(b" \r") and not keep_blank:
            index += 1
            continue
        text = raw.decode("utf-8", "surrogateescape")
        taken, problem, split = 1, None, False
        fields: list[str] = []
        while True:
            try:
                fields = _parse(text.removesuffix("\r"), read)
                break
            except csv.Error as error:
                pieces = raw.rstrip(b"\r").split(b"\r")
                if len(pieces) > 1:
                    # Old line ends among the others: each piece is a record, or a problem, of its own.
                    for piece in pieces:
                        found = records(piece, read, line + index, True)
                        yield from (item for item in found if isinstance(item, Record))
                    split = True
                    break
                problem = f"quotes are not well formed: {error}"
                break
            except _OpenQuoteError:
                if index + taken < len(lines) and len(text) < MAX_RECORD_BYTES:
                    # Up to the next line with a quote: no other line can close the field.
                    more = [lines[index + taken]]
                    size = len(text)
                    while read.quote.encode() not in more[-1] and index + taken + len(more) < len(lines):
                        size += len(more[-1])
                        if size > MAX_RECORD_BYTES:
                            break
                        more.append(lines[index + taken + len(more)])
                    text += "\n" + b"\n".join(more).decode("utf-8", "surrogateescape")
                    taken += len(more)
                    continue
                if not last and len(text) < MAX_RECORD_BYTES:
                    yield b"\n".join([*lines[index:], tail])
                    return
                problem = "a quoted field is never closed"
                break
        if split:
            index += 1
            continue
        if problem:
            taken = 1
            text = raw.decode("utf-8", "surrogateescape")
        elif "\0" in text:
            problem = "a NUL byte: no text has one, the file is damaged here"
        elif not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text):
            problem = f"invalid {read.encoding}: a byte that this encoding does not have"
        yield Record(line + index, [] if problem else fields, b"\n".join(lines[index : index + taken]), problem)
        index += taken
    yield tail


def read_header(block: bytes, read: Read, last: bool) -> tuple[list[str], int, bytes] | None:
    """Skip title rows, read the header rows: (names as found, number of lines used, rest of the block).

    With several header rows a name is the first that is not empty from the top, or that of `header_row_used`. None: the
    block is too short.
    """
    rest, used = block, 0
    for _ in range(read.skip_rows):
        _, end, rest = rest.partition(b"\n")
        if not end and not last:
            return None
        used += 1
    names: list[str] = []
    needed = read.header_rows
    while needed:
        item = next(records(rest, read, used + 1, last))
        if isinstance(item, bytes):
            if not last:
                return None
            break
        # A header field may hold line breaks (survey questions), so one header row may take many lines.
        fields = item.fields or printable(item.raw).split(read.delimiter)
        if read.header_row_used not in (None, read.header_rows - needed + 1):
            fields = []
        width = max(len(names), len(fields))
        above = names + [""] * (width - len(names))
        fields = fields + [""] * (width - len(fields))
        names = [name.strip() or field.strip() for name, field in zip(above, fields, strict=True)]
        needed -= 1
        lines = item.line - used + item.raw.count(b"\n")
        rest = rest.split(b"\n", lines)[lines] if rest.count(b"\n") >= lines else b""
        used += lines
    return (names if read.header_rows else list(read.columns)), used, rest


def parse_csv(path: Path, spec: ExportSpec, writer: ParsedWriter, block_bytes: int = BLOCK_BYTES) -> None:
    """Read the file into the writer. Memory is bounded by the block, whatever the file's size."""
    read = spec.read
    names: list[str] | None = None
    carry, row, line = b"", 1, 1
    carried: dict[str, str | None] = {}
    footer = re.compile(spec.read.footer) if spec.read.footer else None
    held: list[tuple[int, int | None, str | None, str]] = []
    header: list[str] | None = None
    old_mac = None
    for block, last, broken in text_blocks(path, spec.read.encoding, block_bytes):
        if old_mac is None:
            old_mac = b"\n" not in block and b"\r" in block
        if old_mac:
            block = block.replace(b"\r", b"\n")
        block = without_marks(carry + block)
        if names is None:
            block = _header_lines_ended(block, read)
            start = read_header(block, spec.read, last)
            if start is None:
                carry = block
                _check_length(path, 1, carry)
                continue
            found, used, block = start
            names = column_names(found, spec)
            writer.columns = list(names)
            line += used
            header = found if read.header_rows == 1 and len(found) > 1 else None
        if last and not broken:
            block = _without_footer(block, footer)
        # Where the file breaks off, the record that does not end is not all there: no value may be cut in silence.
        table, carry, rows, lines = _block_table(block, names, spec.read, row, line, last and not broken, header)
        _check_length(path, line + lines, carry)
        if table is not None:
            writer.write(fill_down(table, spec.read.fill_down, carried))
        row += rows
        line += lines
        if last and broken:
            writer.broken = broken
            held.append((row, line, printable(carry) if carry.strip() else None, broken))
    if held:
        writer.write(problem_table(held))


def _header_lines_ended(block: bytes, read: Read) -> bytes:
    """The block with line feeds for old line ends (CR) in its title and header lines, which may end otherwise than the rest.

    A carriage return within quotes is text and stays.
    """
    lines = block.split(b"\n", read.skip_rows + read.header_rows)
    rest = lines.pop() if len(lines) > read.skip_rows + read.header_rows else None
    is_quoted = False
    for index, line in enumerate(lines):
        pieces = line.removesuffix(b"\r").split(b"\r")
        if len(pieces) == 1:
            is_quoted ^= bool(read.quote) and line.count(read.quote.encode()) % 2 == 1
            continue
        ended = b""
        for piece in pieces:
            is_quoted ^= bool(read.quote) and piece.count(read.quote.encode()) % 2 == 1
            ended += piece + (b"\r" if is_quoted else b"\n")
        lines[index] = ended[:-1]
    return b"\n".join(lines if rest is None else [*lines, rest])


def _check_length(path: Path, line: int, unfinished: bytes) -> None:
    if len(unfinished) > MAX_LINE_BYTES:
        raise ReadError(f"{path}, line {line}: longer than {MAX_LINE_BYTES:,} bytes; no delimited text")


def _without_footer(block: bytes, footer: re.Pattern[str] | None) -> bytes:
    """Cut the lines at the end that the footer pattern matches (blank ones among them too).

    Only the end counts: a data row that happens to match in the middle stays, and no row is lost.
    """
    if footer is None:
        return block
    lines = block.splitlines(keepends=True)
    keep = len(lines)
    for index in range(len(lines) - 1, -1, -1):
        text = lines[index].decode("utf-8", "replace").strip("\r\n")
        if footer.search(text):
            keep = index
        elif text.strip():
            break
    return b"".join(lines[:keep])


def _block_table(
    block: bytes, names: list[str], read: Read, row: int, line: int, last: bool, header: list[str] | None
) -> tuple[pa.Table | None, bytes, int, int]:
    """One block as a table: (table, rest for the next block, records in it, lines in it).

    `header`: the fields of the header, which may stand in the block once more.
    """
    if not block:
        return None, b"", 0, 0
    fast = _fast_table(block, names, read, row, line, last, header)
    return fast if fast is not None else _careful_table(block, names, read, row, line, last, header)


def _fast_table(
    block: bytes, names: list[str], read: Read, row: int, line: int, last: bool, header: list[str] | None
) -> tuple[pa.Table | None, bytes, int, int] | None:
    """The fast way, or None where the block is not regular."""
    if last and not block.endswith(b"\n"):
        block += b"\n"
    if b"\0" in block or (len(names) == 1 and _BLANKS.search(block)):
        return None
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == 10)
    if len(ends) == 0 and not last:
        # No line ends here, so no record does.
        return None, block, 0, 0
    if read.escape and not read.quote and read.escape.encode() in block:
        return None
    if read.quote and read.quote.encode() in block:
        quotes = np.flatnonzero(data == ord(read.quote))
        if read.escape and read.escape.encode() in block:
            unescaped = _without_escaped(data, quotes, ord(read.escape))
            if unescaped is None:
                return None
            quotes = unescaped
        if not _quotes_are_regular(data, quotes, ord(read.delimiter), ord(read.quote)):
            return None
        outside = np.searchsorted(quotes, ends) % 2 == 0
        record_ends = ends[outside]
    else:
        record_ends = ends
    if len(record_ends) == 0:
        return None if last or len(block) > MAX_RECORD_BYTES else (None, block, 0, 0)
    size = int(record_ends[-1]) + 1
    if last and size != len(block):
        return None
    starts = np.concatenate(([0], record_ends[:-1] + 1))
    lengths = record_ends - starts
    # Blank lines are no records; a line of blanks only is left to the careful way.
    blank = (lengths == 0) | ((lengths == 1) & (data[starts] == 13))
    starts = starts[~blank]
    if len(starts) == 0:
        return None, block[size:], 0, len(ends[ends < size])
    try:
        # A row of another width stops Arrow (no handler for invalid rows: it would have to decode bytes that are no text).
        table = pacsv.read_csv(
            pa.BufferReader(memoryview(block)[:size]),
            read_options=pacsv.ReadOptions(column_names=names, block_size=size + 1, use_threads=True),
            parse_options=pacsv.ParseOptions(
                delimiter=read.delimiter,
                quote_char=read.quote or False,
                escape_char=read.escape or False,
                newlines_in_values=bool(read.quote),
                ignore_empty_lines=True,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=True,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    count = len(starts)
    if table.num_rows != count or (header is not None and _has_row(table, header)):
        return None
    base = pa.table(
        [
            pa.array(np.arange(row, row + count, dtype=np.int32)),
            pa.array((np.searchsorted(ends, starts) + line).astype(np.int32)),
            pa.nulls(count, pa.string()),
            pa.nulls(count, pa.string()),
        ],
        schema=BASE_SCHEMA,
    )
    table = pa.table([*base.columns, *table.columns], names=[*BASE_SCHEMA.names, *names])
    return table, block[size:], count, int(np.searchsorted(ends, size))


def _has_row(table: pa.Table, fields: list[str]) -> bool:
    """Whether the table has a row of just these texts."""
    same = pc.equal(table.column(0), fields[0])
    if not pc.any(same).as_py():
        return False
    return any(list(row.values()) == fields for row in table.filter(same).to_pylist())


def _without_escaped(data: np.ndarray, quotes: np.ndarray, escape: int) -> np.ndarray | None:
    """The quotes that no escape character stands before; None (the careful way) where escapes or line ends are escaped."""
    after = data[np.minimum(np.flatnonzero(data == escape) + 1, len(data) - 1)]
    if np.isin(after, (escape, 10, 13)).any():
        return None
    return quotes[(quotes == 0) | (data[np.maximum(quotes - 1, 0)] != escape)]


def _quotes_are_regular(data: np.ndarray, quotes: np.ndarray, delimiter: int, quote: int) -> bool:
    """Whether quotes open only at the start of a field, close only at its end, and are doubled within.

    A quote that is open at the end of the data is fine here: the record is not complete yet.
    """
    padded = np.concatenate(([10], data, [10]))
    opening, closing = quotes[0::2], quotes[1::2]
    before = padded[opening]
    after = padded[closing + 2]
    opens = (before == delimiter) | (before == 10) | (before == quote)
    closes = (after == delimiter) | (after == 10) | (after == 13) | (after == quote)
    return bool(opens.all() and closes.all())


def _careful_table(
    block: bytes, names: list[str], read: Read, row: int, line: int, last: bool, header: list[str] | None
) -> tuple[pa.Table | None, bytes, int, int]:
    """Record by record: each becomes a row or a problem."""
    columns: list[list[str | None]] = [[] for _ in names]
    base: list[list[Any]] = [[], [], [], []]
    rest = b""
    count = 0
    for item in records(block, read, line, last):
        if isinstance(item, bytes):
            rest = item
            break
        problem = item.problem
        if problem is None and len(item.fields) != len(names):
            problem = f"wrong number of fields: {len(item.fields)}, the header has {len(names)}"
        elif problem is None and header is not None and [field.strip() for field in item.fields] == header:
            problem = "the header once more: files were joined"
        raw = printable(item.raw) if problem else None
        for values, value in zip(base, (row + count, item.line, raw, problem), strict=True):
            values.append(value)
        for index, values in enumerate(columns):
            values.append(None if problem else item.fields[index] or None)
        count += 1
    used = block[: len(block) - len(rest)]
    table = None
    if count:
        arrays = [pa.array(values, type=f.type) for values, f in zip(base, BASE_SCHEMA, strict=True)]
        arrays += [pa.array(values, type=pa.string()) for values in columns]
        table = pa.table(arrays, names=[*BASE_SCHEMA.names, *names])
    return table, rest, count, used.count(b"\n")

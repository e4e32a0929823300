"""JSON lines and JSON documents to parsed rows: top-level keys become columns, nested values stay JSON text.

Numbers keep all their digits (19-digit ids too). A line that is no JSON object is a problem row; a document that breaks
off gives the records before the break and one problem row. Does not belong here: what a key means.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from sources.archive import ReadError
from sources.lines import cut, is_valid, line_table, without_marks
from sources.opening import BLOCK_BYTES, text_blocks
from sources.spec import ExportSpec
from sources.writing import (
    BASE_SCHEMA,
    MAX_COLUMNS,
    ParsedWriter,
    column_names,
    flattens,
    printable,
    problem_table,
)

MAX_RECORD_CHARACTERS = 64 << 20
_BATCH_RECORDS = 20_000


class Extractor:
    """Takes JSON objects as text apart into columns; remembers the keys seen, so that one key is one column."""

    def __init__(self, spec: ExportSpec) -> None:
        self._spec = spec
        # From JSON pointer to the dotted name of its column, in the order seen; those taken apart are no columns.
        self._columns: dict[str, str] = {}
        self._apart: dict[str, str] = {}
        self._con = duckdb.connect(":memory:")

    def table(self, lines: pa.Table) -> pa.Table:
        """Parsed rows of `lines` (`_row`, `_line`, `text`)."""
        con = self._con
        con.register("line_block", lines)
        con.execute(
            "create or replace temp table parsed as select _row, _line, text, "
            "case when json_valid(text) then json_type(text) = 'OBJECT' else false end as is_object from line_block"
        )
        con.unregister("line_block")
        self._learn("", "")
        names = column_names(list(self._columns.values()), self._spec)
        pointers = list(self._columns)
        cells = ", ".join(
            f"nullif(cells[{number}], '')"
            if pointer not in self._apart
            else f"case when not starts_with(cells[{number}], '{{') then nullif(cells[{number}], '') end"
            for number, pointer in enumerate(pointers, 1)
        )
        result = con.sql(
            "select _row, _line, case when not is_object then rtrim(text, chr(13) || chr(10)) end as _raw, "
            f"case when not is_object then 'not a JSON object' end as _problem{', ' if cells else ''}{cells} "
            "from (select *, case when is_object then json_extract_string(text, $pointers::varchar[]) end as cells "
            "from parsed) order by _row",
            params={"pointers": pointers},
        ).to_arrow_table()
        return result.rename_columns([*BASE_SCHEMA.names, *names])

    def _learn(self, pointer: str, prefix: str) -> None:
        """Note the keys of the objects at a pointer, and of objects in them that `read.flatten` takes apart."""
        # The document itself has an empty pointer, which DuckDB does not take.
        there = "is_object" if not pointer else "json_type(text, $pointer) = 'OBJECT'"
        keys = "json_keys(text)" if not pointer else "json_keys(text, $pointer)"
        found = self._con.execute(
            f"select keys from (select {keys} as keys, min(_row) as first_row from parsed where is_object and {there} "
            "group by all) order by first_row",
            {"pointer": pointer} if pointer else {},
        ).fetchall()
        flatten = self._spec.read.flatten
        fresh = False
        for (names,) in found:
            for key in names:
                inner = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
                if inner not in self._columns and inner not in self._apart:
                    fresh = True
                    (self._apart if flattens(flatten, prefix + key) else self._columns)[inner] = prefix + key
        if fresh and len(self._columns) + len(self._apart) > MAX_COLUMNS:
            raise ReadError(f"more than {MAX_COLUMNS:,} keys: no table that {self._spec.name} describes")
        if not found:
            return
        for inner, name in list(self._apart.items()):
            if inner.rpartition("/")[0] == pointer:
                self._learn(inner, name + ".")
                # A list, or a plain value where others have an object, keeps a column of its own.
                if inner not in self._columns and self._con.execute(
                    "select count(*) from parsed where is_object and json_type(text, $pointer) not in ('OBJECT', 'NULL')",
                    {"pointer": inner},
                ).fetchall() != [(0,)]:
                    self._columns[inner] = name


def parse_ndjson(path: Path, spec: ExportSpec, writer: ParsedWriter, block_bytes: int = BLOCK_BYTES) -> None:
    """One JSON object per line."""
    extractor = Extractor(spec)
    carry, row, line = b"", 1, 1
    for block, last, broken in text_blocks(path, spec.read.encoding, block_bytes):
        whole, carry = cut(without_marks(carry + block), last)
        if len(carry) > MAX_RECORD_CHARACTERS:
            raise ReadError(f"{path}, line {line}: a line of more than {MAX_RECORD_CHARACTERS:,} bytes; no JSON lines")
        for part, problem_text in _valid_parts(whole):
            if problem_text is not None:
                reason = f"invalid {spec.read.encoding}: a byte that this encoding does not have"
                writer.problem(row, line, problem_text, reason)
                row, line = row + 1, line + 1
                continue
            lines = line_table(part, row, line)
            line += part.count(b"\n")
            if lines.num_rows:
                row += lines.num_rows
                writer.write(extractor.table(lines))
        if broken:
            writer.broken = broken
            writer.problem(row, line, None, broken)


def _valid_parts(block: bytes) -> Iterator[tuple[bytes, str | None]]:
    """The block in runs of valid lines, and between them each line that is not valid UTF-8, as printable text."""
    if is_valid(block):
        if block:
            yield block, None
        return
    run: list[bytes] = []
    for text in (
        block.splitlines(keepends=True) if b"\r" not in block else [item + b"\n" for item in block.split(b"\n")[:-1]]
    ):
        if is_valid(text):
            run.append(text)
            continue
        if run:
            yield b"".join(run), None
            run = []
        yield b"", printable(text)
    if run:
        yield b"".join(run), None


def parse_json(path: Path, spec: ExportSpec, writer: ParsedWriter, block_bytes: int = BLOCK_BYTES) -> None:
    """A JSON document whose array at `read.record` (dotted path; absent: the document itself) holds the records."""
    extractor = Extractor(spec)
    document = _Document(path, spec.read.encoding, block_bytes)
    reason = f"invalid {spec.read.encoding}: a byte that this encoding does not have"
    batch: list[str] = []
    row = 1
    size = 0

    def flush() -> None:
        nonlocal batch, row, size
        if not batch:
            return
        good: list[tuple[int, str]] = []
        bad: list[tuple[int, int | None, str | None, str]] = []
        for number, text in enumerate(batch, row):
            if text.isascii() or is_valid(text.encode("utf-8", "surrogateescape")):
                good.append((number, text))
            else:
                bad.append((number, None, printable(text.encode("utf-8", "surrogateescape")), reason))
        if good:
            numbers, texts = zip(*good, strict=True)
            lines = pa.table(
                {"_row": pa.array(numbers, pa.int32()), "_line": pa.nulls(len(good), pa.int32()), "text": texts}
            )
            writer.write(extractor.table(lines))
        if bad:
            writer.write(problem_table(bad))
        row += len(batch)
        batch, size = [], 0

    problem: str | None
    try:
        for text in document.records((spec.read.record or "").removeprefix("$").strip(".")):
            batch.append(text)
            size += len(text)
            if len(batch) >= _BATCH_RECORDS or size > block_bytes:
                flush()
        problem = document.broken
    except (json.JSONDecodeError, RecursionError) as error:
        problem = document.broken or f"invalid JSON: {error}"
    flush()
    writer.broken = document.broken
    if problem:
        writer.problem(row, None, printable(document.near().encode("utf-8", "surrogateescape")), problem)


class _Document:
    """A JSON document read piece by piece; only one record (or one value on the way to them) is in memory at a time."""

    def __init__(self, path: Path, encoding: str, block_bytes: int) -> None:
        self.broken: str | None = None
        self._path = path
        self._blocks = text_blocks(path, encoding, block_bytes)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._json = json.JSONDecoder()
        self._buffer = ""
        self._at = 0
        self._ended = False

    def records(self, path: str) -> Iterator[str]:
        """The text of each record of the array that the dotted path leads to; an object there is the only record."""
        for name in path.split(".") if path else []:
            if not self._enter(name):
                raise json.JSONDecodeError(f"no {path!r} in this document", "", 0)
        if self._peek() != "[":
            yield self._value()
            return
        self._at += 1
        while self._peek() != "]":
            yield self._value()
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != "]":
                raise json.JSONDecodeError("expected , or ] after a record", "", 0)

    def near(self) -> str:
        """Some text from where reading stopped."""
        return self._buffer[self._at : self._at + 500]

    def _more(self) -> bool:
        if self._ended:
            return False
        # At least as much again as is waiting: a large value is tried a few times only.
        wanted = max(1, len(self._buffer) - self._at)
        parts = [self._buffer[self._at :]]
        self._at = 0
        gained = 0
        while gained < wanted and not self._ended:
            block, last, broken = next(self._blocks)
            text = self._decoder.decode(block, last)
            parts.append(text)
            gained += len(text)
            self._ended, self.broken = last, broken
        self._buffer = "".join(parts)
        if len(self._buffer) > MAX_RECORD_CHARACTERS:
            raise ReadError(f"{self._path}: a JSON value of more than {MAX_RECORD_CHARACTERS:,} characters")
        return True

    def _peek(self) -> str:
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                raise json.JSONDecodeError("the document ends too early", "", 0)

    def _value(self) -> str:
        self._peek()
        while True:
            try:
                _, end = self._json.raw_decode(self._buffer, self._at)
                # A number at the very end of the buffer may go on in the next block.
                if end < len(self._buffer) or not self._more():
                    text = self._buffer[self._at : end]
                    self._at = end
                    return text
            except json.JSONDecodeError:
                if not self._more():
                    raise

    def _enter(self, name: str) -> bool:
        """From the start of an object to the start of the value under a key."""
        if self._peek() != "{":
            return False
        self._at += 1
        while self._peek() != "}":
            key = json.loads(self._value())
            if self._peek() != ":":
                raise json.JSONDecodeError("expected : after a key", "", 0)
            self._at += 1
            if key == name:
                return True
            self._value()
            if self._peek() == ",":
                self._at += 1
        return False

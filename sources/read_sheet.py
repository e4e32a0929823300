"""Workbooks (xlsx, xls) to parsed rows: one sheet, its cells as text; hidden rows and columns are read too.

What a cell becomes: a text as it stands, `=1+1` among them (formulas are never run; a formula's stored result is its
value); a number with the 15 digits that Excel keeps, without float noise, with the decimal sign that the spec declares
for its column; a date or time as ISO 8601 whatever its display format; a boolean TRUE or FALSE; an error nothing.

A workbook is held in memory as a whole (calamine), so it is measured first: its size unpacked, and the area its cells
span, since one cell in the last corner of a sheet would otherwise cost hundreds of gigabytes.

Does not belong here: what a column means, text files.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import python_calamine as calamine

from sources.archive import BROKEN_ZIP, ReadError
from sources.opening import as_file
from sources.spec import ExportSpec, Read
from sources.writing import BASE_SCHEMA, ParsedWriter, column_names, fill_down

MAX_WORKBOOK_BYTES = 1 << 30
MAX_SHEET_CELLS = 75_000_000
# Rows looked at to find a header.
TOP_ROWS = 200

_BATCH_ROWS = 10_000
_CHUNK = 1 << 20
# What the reference of a cell may look like, wherever it stands; and a cell that only has a format, which takes no room.
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_LONG = re.compile(rb"""["'][A-Za-z]{1,3}\d{6,7}["']""")
_WIDE = re.compile(rb"""["'][A-Za-z]{2}\d{1,7}["']""")
_WIDER = re.compile(rb"""["'][A-Za-z]{3}\d{1,7}["']""")
_FORMAT_ONLY = re.compile(rb"""<c(?:\s+\w+\s*=\s*"[^"<>]*")*\s*/>""")
_WHOLE_DIGITS = 2**53

# Number of the row in the sheet, from 1, and its values as calamine gives them, from column A.
Rows = Iterator[tuple[int, list[Any]]]


def parse_sheet(path: Path, spec: ExportSpec, writer: ParsedWriter) -> str:
    """Read the sheet that the spec names (else the first visible one that is not empty); returns its name."""
    with as_file(path) as file:
        book = Workbook(path, file)
        name, rows = book.rows(spec.read.sheet)
        found, rows = header(rows, spec.read)
        names = column_names(found, spec)
        writer.columns = list(names)
        commas = {index for index, column in enumerate(names) if _decimal(spec, column) == ","}
        carried: dict[str, str | None] = {}
        number = 1
        batch: list[tuple[int, list[Any]]] = []
        for item in _without_footer(rows, spec.read.footer):
            batch.append(item)
            if len(batch) == _BATCH_ROWS:
                writer.write(fill_down(_table(batch, names, commas, number), spec.read.fill_down, carried))
                number += len(batch)
                batch = []
        if batch:
            writer.write(fill_down(_table(batch, names, commas, number), spec.read.fill_down, carried))
    return name


class Workbook:
    """An open workbook. `path` is what messages say, `file` where it lies. Raises `ReadError` for one not to be read."""

    def __init__(self, path: Path, file: Path) -> None:
        self._path = path
        stat = file.stat()
        _measure(path, file, stat.st_size, stat.st_mtime_ns)
        self._book = self._safely(lambda: calamine.load_workbook(str(file)))

    def rows(self, sheet: str | None) -> tuple[str, Rows]:
        """(name, rows with something in them) of a sheet."""
        if sheet is not None:
            names = self._book.sheet_names
            name = next((item for item in names if item.strip().casefold() == sheet.strip().casefold()), None)
            if name is None:
                raise ReadError(
                    f"{self._path}: has no sheet {sheet!r} but {', '.join(names)}; see read.sheet in the spec"
                )
            return name, self._rows(name)
        visible = [
            item.name for item in self._book.sheets_metadata if item.visible == calamine.SheetVisibleEnum.Visible
        ]
        for name in visible or self._book.sheet_names:
            rows = self._rows(name)
            first = next(rows, None)
            if first is not None:
                return name, _chain(first, rows)
        return (visible or self._book.sheet_names or [""])[0], iter(())

    def visible(self) -> list[str]:
        """The visible sheets with something in them."""
        shown = [item.name for item in self._book.sheets_metadata if item.visible == calamine.SheetVisibleEnum.Visible]
        return [name for name in shown if next(self._rows(name), None) is not None]

    def _rows(self, name: str) -> Rows:
        sheet = self._safely(lambda: self._book.get_sheet_by_name(name))
        start = sheet.start
        before = [""] * (start[1] if start else 0)
        for number, cells in enumerate(sheet.iter_rows(), 1):
            if cells.count("") < len(cells):
                yield number, before + cells

    def _safely(self, work: Any) -> Any:
        """calamine's complaints, and its panics (which are no `Exception`), as `ReadError`."""
        try:
            return work()
        except calamine.PasswordError:
            raise ReadError(f"{self._path}: is protected by a password; save it without") from None
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise ReadError(
                f"{self._path}: broken workbook ({reason}); save it again, or its sheet as CSV (UTF-8)"
            ) from None


def top_rows(path: Path, sheet: str | None) -> tuple[str, list[tuple[int, list[Any]]]]:
    """(name of the sheet, its first rows), to recognise a workbook by."""
    with as_file(path) as file:
        name, rows = Workbook(path, file).rows(sheet)
        return name, [row for row, _ in zip(rows, range(TOP_ROWS), strict=False)]


def sheet_names(path: Path) -> list[str]:
    """The visible sheets with something in them, in order: what a person may mean by the workbook."""
    with as_file(path) as file:
        return Workbook(path, file).visible()


def header(rows: Rows, read: Read) -> tuple[list[str], Rows]:
    """(column names as found, the rows below them) by `skip_rows`, `header_rows` and `header_row_used`."""
    names: list[str] = list(read.columns) if not read.header_rows else []
    taken = 0
    for number, cells in rows:
        if number <= read.skip_rows:
            continue
        if taken == read.header_rows:
            width = max(len(names), len(cells))
            return names + [""] * (width - len(names)), _chain((number, cells), rows)
        taken += 1
        if read.header_row_used in (None, taken):
            width = max(len(names), len(cells))
            above, below = (
                side + [""] * (width - len(side)) for side in (names, [cell_text(value) for value in cells])
            )
            names = [name.strip() or cell.strip() for name, cell in zip(above, below, strict=True)]
    return names, iter(())


def cell_text(value: Any, decimal: str = ".") -> str:
    """A cell's value as text; see the module's docstring. A text is never changed, a number gets the decimal sign."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _number(value).replace(".", decimal)
    if isinstance(value, datetime):
        # Excel counts days; what is left of a second after the milliseconds is noise of the division.
        rounded = value + timedelta(microseconds=500)
        text = rounded.strftime("%Y-%m-%d %H:%M:%S")
        milliseconds = rounded.microsecond // 1000
        return f"{text}.{milliseconds:03d}" if milliseconds else text
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return str(value)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < _WHOLE_DIGITS:
        return str(int(value))
    text = repr(value) if value.is_integer() else f"{value:.15g}"
    return format(Decimal(text), "f") if "e" in text else text


def _decimal(spec: ExportSpec, column: str) -> str:
    declared = spec.columns.get(column)
    return (declared.decimal if declared else None) or spec.read.decimal


def _chain(first: tuple[int, list[Any]], rest: Rows) -> Rows:
    yield first
    yield from rest


def _without_footer(rows: Rows, footer: str | None) -> Rows:
    """The rows without those at the end whose first filled cell matches."""
    if footer is None:
        yield from rows
        return
    pattern = re.compile(footer)
    held: list[tuple[int, list[Any]]] = []
    for item in rows:
        if pattern.search(next((text for value in item[1] if (text := cell_text(value)).strip()), "")):
            held.append(item)
            continue
        yield from held
        held = []
        yield item


def _table(batch: Sequence[tuple[int, list[Any]]], names: list[str], commas: set[int], row: int) -> pa.Table:
    count = len(batch)
    width = len(names)
    lines = [number for number, _ in batch]
    cells = [(values + [""] * (width - len(values)))[:width] for _, values in batch]
    columns = [
        [
            (value if value.__class__ is str else cell_text(value, "," if index in commas else ".")) or None
            for value in values
        ]
        for index, values in enumerate(zip(*cells, strict=True))
    ]
    base = [range(row, row + count), lines, [None] * count, [None] * count]
    arrays = [pa.array(values, type=field.type) for values, field in zip(base, BASE_SCHEMA, strict=True)]
    arrays += [pa.array(values, pa.string()) for values in columns]
    return pa.table(arrays, names=[*BASE_SCHEMA.names, *names])


# --- measuring ---------------------------------------------------------------------------------------------------------


@lru_cache(64)
def _measure(path: Path, file: Path, byte_count: int, modified_ns: int) -> None:
    """Refuse a workbook that would not fit into memory. A file that has not changed is measured once per process."""
    with file.open("rb") as start:
        if start.read(2) != b"PK":
            # xls: at most 65,536 rows of 256 columns per sheet, and not compressed.
            if byte_count > MAX_WORKBOOK_BYTES:
                raise ReadError(f"{path}: larger than {MAX_WORKBOOK_BYTES:,} bytes; save its sheet as CSV (UTF-8)")
            return
    total = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                # What is really in it counts, not what the archive says.
                entry.file_size = MAX_WORKBOOK_BYTES + 1
                is_sheet = entry.filename.lower().startswith("xl/worksheets/")
                most = _Bound()
                with archive.open(entry) as stream:
                    while chunk := stream.read(_CHUNK):
                        total += len(chunk)
                        if total > MAX_WORKBOOK_BYTES:
                            raise ReadError(
                                f"{path}: unpacks to more than {MAX_WORKBOOK_BYTES:,} bytes; save its sheet as CSV (UTF-8)"
                            )
                        if is_sheet:
                            most.look(chunk)
                if most.cells <= MAX_SHEET_CELLS:
                    continue
                with archive.open(entry) as stream:
                    rows, columns = _span(path, stream)
                if rows * columns > MAX_SHEET_CELLS:
                    raise ReadError(
                        f"{path}: its cells span {rows:,} rows and {columns:,} columns, more than "
                        f"{MAX_SHEET_CELLS:,} cells; delete what stands far outside the table, or save it as CSV (UTF-8)"
                    )
    except BROKEN_ZIP as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(f"{path}: broken workbook ({error}); save or export it again") from None


class _Bound:
    """How many cells a sheet can span at most, told from the lengths of the references in its XML: quick, never too low."""

    def __init__(self) -> None:
        self._before = b""
        self._long = self._wide = self._wider = False

    def look(self, chunk: bytes) -> None:
        """Take the next piece of the XML into account."""
        text = self._before + chunk
        self._long = self._long or _LONG.search(text) is not None
        self._wide = self._wide or _WIDE.search(text) is not None
        self._wider = self._wider or _WIDER.search(text) is not None
        self._before = text[-200:]

    @property
    def cells(self) -> int:
        """Rows times columns."""
        return (1_048_576 if self._long else 99_999) * (16_384 if self._wider else 702 if self._wide else 26)


def _span(path: Path, stream: IO[bytes]) -> tuple[int, int]:
    """(highest row, highest column) of the cells in a sheet's XML, without those that only have a format."""
    highest = width = 0
    rest = b""
    while chunk := stream.read(_CHUNK):
        text = rest + chunk
        end = text.rfind(b">") + 1
        text, rest = text[:end], text[end:]
        if len(rest) > _CHUNK:
            raise ReadError(f"{path}: broken workbook (a tag without end); save or export it again")
        found = _REFERENCE.findall(_FORMAT_ONLY.sub(b"", text))
        highest = max([highest, *{int(number) for _, number in found}])
        width = max([width, *{_column_number(letters) for letters in {letters for letters, _ in found}}])
    return highest, width


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number

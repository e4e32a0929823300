"""Writing export files and keeping the books about them: nights, row counts, planted defects.

A writer hands over formatted rows; this module decides nothing about their content. Every file is written once, in one
pass, with bytes that depend on the rows only.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Literal

import polars as pl

from pipelines.demo.company import DAY, END, START, TIME_ZONE

SLICE = 400_000


@cache
def layout(export: str) -> list[str]:
    """Column names of an export (`system/name`) in the order of the real system's file."""
    texts = json.loads(files("pipelines.demo").joinpath("layouts.json").read_text(encoding="utf-8"))
    value = texts[export]
    return value.split(" ") if isinstance(value, str) else value


@dataclass(frozen=True)
class Nights:
    """The moments (UTC seconds) at which each night's exports were taken; the last is the data date."""

    cuts: tuple[int, ...]

    @classmethod
    def make(cls, count: int) -> Nights:
        """`count` nights: the last ones a week apart (closer when there are many), the first takes all history."""
        if count < 1:
            raise ValueError(f"nights must be 1 or more, not {count}")
        step = min(7 * DAY, (END - START) // 2 // count)
        return cls(tuple(END - step * (count - 1 - k) for k in range(count)))

    @property
    def count(self) -> int:
        """How many nights."""
        return len(self.cuts)

    def window(self, night: int, overlap_days: int = 0) -> tuple[int, int]:
        """From (inclusive) and to (exclusive) of what night `night` (0-based) exports, repeating `overlap_days`."""
        before = -(2**62) if night == 0 else self.cuts[night - 1] - overlap_days * DAY
        return before, self.cuts[night]

    def since(self, night: int) -> int:
        """The cut of the night before (minus infinity for the first)."""
        return -(2**62) if night == 0 else self.cuts[night - 1]


@dataclass(frozen=True)
class Broken:
    """One planted defect: the raw bytes of a record, its kind, the column and value that are wrong."""

    raw: bytes
    kind: str
    column: str
    value: str
    expected: str = "quarantine"


@dataclass
class Sink:
    """Writes below `out/exports` and keeps the books of files, planted rows and repeated rows."""

    out: Path
    nights: Nights
    file_rows: list[dict[str, object]] = field(default_factory=list)
    broken_rows: list[dict[str, object]] = field(default_factory=list)
    row_count: int = 0

    def path(self, night: int, system: str, name: str) -> Path:
        """Where night `night` (0-based) keeps a file; the folder exists afterwards."""
        path = self.out / "exports" / f"night_{night + 1:02d}" / system / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def _open(self, path: Path) -> Iterator[IO[bytes]]:
        with path.open("wb") as raw:
            if path.suffix == ".gz":
                # Neither name nor time in the header: equal rows give equal bytes.
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=1) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield raw

    def csv(
        self,
        export: str,
        night: int,
        rows: pl.DataFrame | Iterable[pl.DataFrame],
        *,
        name: str | None = None,
        header: bytes | None = None,
        broken: Sequence[Broken] = (),
        repeated: int = 0,
        note: str = "",
        quote: Literal["necessary", "always"] = "necessary",
        line_end: str = "\n",
        last_line_end: bool = True,
        header_records: int = 1,
    ) -> None:
        """Write a CSV export in the layout of `export`; columns that the rows lack stay empty.

        `rows` may come in parts. `header` replaces the header line (several header rows); `broken` records follow at
        the end.
        """
        system, base = export.split("/")
        columns = layout(export)
        path = self.path(night, system, name or f"{base}.csv")
        parts = [rows] if isinstance(rows, pl.DataFrame) else rows
        count = 0
        with self._open(path) as file:
            if header is not None:
                file.write(header)
            else:
                pl.DataFrame({c: [] for c in columns}).write_csv(file, quote_style=quote, line_terminator=line_end)
            for part in parts:
                unknown = set(part.columns) - set(columns)
                if unknown:
                    raise ValueError(f"{export}: not in the layout: {sorted(unknown)}")
                for piece in part.iter_slices(SLICE):
                    full = piece.select(
                        pl.col(c) if c in piece.columns else pl.lit(None, dtype=pl.String).alias(c) for c in columns
                    )
                    full.write_csv(file, include_header=False, quote_style=quote, line_terminator=line_end)
                count += len(part)
            for index, item in enumerate(broken):
                file.write(item.raw + line_end.encode())
                self._plant(path, count + index + 1, item)
            if not last_line_end and (count or broken):
                file.seek(-len(line_end), 2)
                file.truncate()
        self.book(path, export, night, count + len(broken), len(broken), repeated, note)

    def lines(
        self,
        export: str,
        night: int,
        lines: Iterable[pl.Series],
        *,
        name: str,
        broken: Sequence[Broken] = (),
        repeated: int = 0,
        note: str = "",
    ) -> None:
        """Write a text export (a log, JSON lines), one record per line."""
        path = self.path(night, export.split("/")[0], name)
        count = 0
        with self._open(path) as file:
            for part in lines:
                if len(part):
                    file.write(("\n".join(part.to_list()) + "\n").encode())
                    count += len(part)
            for index, item in enumerate(broken):
                file.write(item.raw + b"\n")
                self._plant(path, count + index + 1, item)
        self.book(path, export, night, count + len(broken), len(broken), repeated, note)

    def text(
        self, export: str, night: int, text: str, rows: int, *, name: str, repeated: int = 0, note: str = ""
    ) -> None:
        """Write a whole file (XML) that holds `rows` records."""
        path = self.path(night, export.split("/")[0], name)
        path.write_bytes(text.encode())
        self.book(path, export, night, rows, 0, repeated, note)

    def copy(self, source_night: int, night: int, export: str, name: str, copy_name: str) -> None:
        """Plant an exact copy of an earlier night's file under another name."""
        system = export.split("/")[0]
        source = self.path(source_night, system, name)
        path = self.path(night, system, copy_name)
        path.write_bytes(source.read_bytes())
        rows = next(r for r in self.file_rows if r["path"] == self._relative(source))
        self.book(
            path,
            export,
            night,
            int(str(rows["row_count"])),
            0,
            int(str(rows["row_count"])),
            f"exact copy of {rows['path']}",
            duplicate=True,
        )

    def book(
        self,
        path: Path,
        export: str,
        night: int,
        rows: int,
        broken: int,
        repeated: int,
        note: str,
        duplicate: bool = False,
    ) -> None:
        """Write a finished file into the books."""
        self.row_count += rows
        self.file_rows.append(
            {
                "path": self._relative(path),
                "system": export.split("/")[0],
                "export": export,
                "night": night + 1,
                "row_count": rows,
                "broken_row_count": broken,
                "repeated_row_count": repeated,
                "is_exact_copy": duplicate,
                "is_late": note.startswith("late:"),
                "note": note,
                "byte_count": path.stat().st_size,
            }
        )

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.out / "exports").as_posix()

    def _plant(self, path: Path, row: int, item: Broken) -> None:
        self.broken_rows.append(
            {
                "path": self._relative(path),
                "row_number": row,
                "kind": item.kind,
                "column": item.column,
                "value": item.value,
                "expected": item.expected,
                "raw": item.raw.decode("utf-8", "backslashreplace"),
            }
        )


def repeated_count(at: pl.Series, since: int) -> int:
    """How many rows of a night lie before the previous cut, so that an earlier night has them already."""
    return int((at < since).sum())


def in_window(frame: pl.DataFrame, column: str, window: tuple[int, int]) -> pl.DataFrame:
    """Rows whose `column` (UTC seconds) lies in the window."""
    return frame.filter((pl.col(column) >= window[0]) & (pl.col(column) < window[1]))


def json_text(values: pl.Expr) -> pl.Expr:
    """A JSON string literal of a text column (texts of the demo company hold no control characters), or `null`."""
    escaped = values.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return pl.when(values.is_null()).then(pl.lit("null")).otherwise(pl.concat_str(pl.lit('"'), escaped, pl.lit('"')))


def utc(column: str | pl.Expr, style: str = "%Y-%m-%d %H:%M:%S") -> pl.Expr:
    """UTC seconds as text."""
    return pl.from_epoch(pl.col(column) if isinstance(column, str) else column).dt.strftime(style)


def local(column: str | pl.Expr, style: str = "%Y-%m-%d %H:%M:%S") -> pl.Expr:
    """UTC seconds as text of the company's wall clock."""
    moment = pl.from_epoch(pl.col(column) if isinstance(column, str) else column)
    return moment.dt.replace_time_zone("UTC").dt.convert_time_zone(TIME_ZONE).dt.strftime(style)


def choose(values: Sequence[str], index: str | pl.Expr) -> pl.Expr:
    """The text that a small code column stands for."""
    table = pl.Series(list(values), dtype=pl.String)
    column = pl.col(index) if isinstance(index, str) else index
    return column.map_batches(lambda s: table.gather(s.cast(pl.UInt32)), return_dtype=pl.String)

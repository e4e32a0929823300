"""Web server access logs to parsed rows: every line becomes a row, a reject with its reason, or was blank.

The format is told by the first lines (`log_formats.py`), the lines are cut in two tiers (`log_parse.py`), and what names a
person is masked before anything is written (`log_privacy.py`, `log_columns.py`). Lines that begin with `#` in a W3C log
are directives: `#Fields:` says the format of what follows, at any line.

Does not belong here: bots, sessions, channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from sources.archive import ReadError
from sources.log_columns import COLUMNS, request_table
from sources.log_formats import LINE_FORMATS, JsonFormat, LogFormat, detect, w3c_format
from sources.log_lines import kept_raw, text_lines
from sources.log_parse import Source, parse_lines, reject_frame
from sources.log_settings import LogSettings
from sources.opening import HEAD_BYTES, read_head, text_blocks
from sources.spec import ExportSpec
from sources.writing import ParsedWriter

# Below the size from which the C library asks the system for fresh memory each time.
BLOCK_BYTES = 24 << 20
# Of a longer line only the beginning is kept.
MAX_LINE_BYTES = 16 << 20
_KEPT_OF_LONG_LINE = 64 << 10

W3C = ("iis", "w3c", "cloudfront")
_DEFAULT = next(item for item in LINE_FORMATS if item.name == "combined")


@dataclass
class Accounting:
    """What became of a file's lines; `lines` is the sum of all others."""

    lines: int = 0
    rows: int = 0
    rejects: int = 0
    blanks: int = 0
    directives: int = 0

    def check(self, path: Path) -> None:
        """Raise when a line was lost or counted twice: that would be a mistake of this reader."""
        if self.lines != self.rows + self.rejects + self.blanks + self.directives:
            raise ReadError(f"{path}: the lines do not add up ({self}); please report this file's format")


def log_format(head: bytes, settings: LogSettings) -> LogFormat | None:
    """The format of a log that begins with these bytes; None when it is no access log."""
    lines = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace").splitlines()
    if len(head) >= HEAD_BYTES and len(lines) > 1:
        lines = lines[:-1]
    return detect(lines, settings.own_formats, settings.headers)


def parse_log(
    path: Path, spec: ExportSpec, writer: ParsedWriter, salt: bytes, block_bytes: int = BLOCK_BYTES
) -> Accounting:
    """Read the file into the writer; `salt` is the secret key of `visitor`."""
    settings = spec.read.log
    form = log_format(read_head(path), settings) or _DEFAULT
    writer.set_types(COLUMNS)
    source = Source(form, settings.own_formats, spec.time_zone)
    con = duckdb.connect(":memory:")
    books = Accounting()
    row, line = 1, 1
    for block, too_long, broken in _whole_lines(path, spec.read.encoding, block_bytes):
        is_json = isinstance(source.form, JsonFormat)
        for part, directives, change in _parts(block, source.form):
            if change is not None:
                source = Source(change, source.others, source.zone)
            line += directives
            books.lines += directives
            books.directives += directives
            if not part:
                continue
            lines, ends = text_lines(part, row, line, is_json)
            if lines.height:
                records = _with_raw(parse_lines(con, lines, source), part, ends, line)
                _write(writer, request_table(records, settings, salt), books)
            row += lines.height
            line += len(ends)
            books.lines += len(ends)
            books.blanks += len(ends) - lines.height
        if too_long is not None:
            reason = f"a line of more than {MAX_LINE_BYTES:,} bytes; its beginning is kept"
            reject = reject_frame([(row, line, kept_raw(too_long), reason)])
            _write(writer, request_table(reject, settings, salt), books)
            books.lines += 1
            row, line = row + 1, line + 1
        if broken:
            writer.problem(row, line, None, broken)
    books.check(path)
    return books


def _with_raw(records: pl.DataFrame, block: bytes, ends: np.ndarray, line: int) -> pl.DataFrame:
    """The records, the raw text of each reject made from the bytes of its line; `line` is the number of the first one."""
    if "_problem" not in records.columns or records["_problem"].null_count() == records.height:
        return records
    at = records["_problem"].is_not_null().arg_true()
    texts = []
    for number in (records["_line"].gather(at) - line).to_list():
        start = int(ends[number - 1]) + 1 if number else 0
        texts.append(kept_raw(block[start : int(ends[number])].removesuffix(b"\r")))
    return records.with_columns(records["_raw"].scatter(at, pl.Series(texts, dtype=pl.String)))


def _write(writer: ParsedWriter, table: pa.Table, books: Accounting) -> None:
    rejects = table.num_rows - table["_problem"].null_count
    books.rows += table.num_rows - rejects
    books.rejects += rejects
    writer.write(table)
    # A block's codes are its own: as a row group of its own it is written without coding it anew.
    writer.flush()


def _whole_lines(path: Path, encoding: str, block_bytes: int) -> Iterator[tuple[bytes, bytes | None, str | None]]:
    """(whole lines, the beginning of a line too long to be read, what broke off the file) until the end."""
    carry = b""
    skipping = False
    for block, last, broken in text_blocks(path, encoding, block_bytes):
        if skipping:
            end = block.find(b"\n")
            if end < 0 and not last:
                continue
            block = block[end + 1 :] if end >= 0 else b""
            skipping = False
        # One copy, not two: the block up to its last line end, with what the one before left.
        end = len(block) if last else block.rfind(b"\n") + 1
        whole = b"".join((carry, memoryview(block)[:end])) if end else b""
        carry = block[end:] if end else carry + block
        if last and whole and not whole.endswith(b"\n"):
            whole += b"\n"
        if len(carry) > MAX_LINE_BYTES:
            yield whole, carry[:_KEPT_OF_LONG_LINE], broken
            carry, skipping = b"", True
        else:
            yield whole, None, broken


def _parts(block: bytes, form: LogFormat) -> Iterator[tuple[bytes, int, LogFormat | None]]:
    """(lines, number of directives before them, the format they declare) of a block; W3C logs have directives."""
    if not block or form.name not in W3C or not (block.startswith(b"#") or b"\n#" in block):
        yield block, 0, None
        return
    directives = 0
    change: LogFormat | None = None
    at = 0
    while at < len(block):
        if block.startswith(b"#", at):
            end = block.find(b"\n", at) + 1
            text = block[at:end].decode("utf-8", "backslashreplace").strip()
            if text.startswith("#Fields:"):
                change = w3c_format(text)
            directives += 1
            at = end
            continue
        end = block.find(b"\n#", at) + 1
        end = end or len(block)
        yield block[at:end], directives, change
        directives, change = 0, None
        at = end
    if directives:
        yield b"", directives, change

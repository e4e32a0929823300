r"""Blocks of a log as lines: numbered, without their ends, blank ones left out, odd bytes made visible.

A byte that is not part of valid UTF-8 and a control character are written as `\xNN`, as the servers themselves do.

Does not belong here: what a line means.
"""

from __future__ import annotations

import codecs
import re

import numpy as np
import polars as pl
import pyarrow as pa

_INLINE = 12
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


def _escape_doubly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"\\\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("sources.escape_doubly", _escape_doubly)


def visible(block: bytes, is_json: bool) -> bytes:
    r"""The block as valid UTF-8 without control characters; in JSON the `\` of `\xNN` is escaped in turn."""
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError:
            block = block.decode("utf-8", "sources.escape_doubly" if is_json else "backslashreplace").encode()
    data = np.frombuffer(block, dtype=np.uint8)
    # Tabs separate fields; line ends are cut off later.
    odd = int(np.count_nonzero(data < 32)) - block.count(b"\n")
    if odd:
        odd -= block.count(b"\t")
    if odd and b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
        odd = int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) < 32)) - block.count(b"\n") - block.count(b"\t")
    if odd or b"\x7f" in block:
        sign = b"\\\\x%02x" if is_json else b"\\x%02x"
        block = _CONTROL.sub(lambda found: sign % found[0][0], block)
    return block


def text_lines(block: bytes, row: int, line: int) -> tuple[pl.DataFrame, int]:
    """(`_row`, `_line`, `text` of the lines that are not blank, number of lines). The block ends with a line end."""
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == 10)
    starts = np.concatenate(([0], ends[:-1] + 1))
    last = ends - 1
    # Trailing blanks are no content; few lines have any.
    while True:
        trailing = (last >= starts) & np.isin(data[np.maximum(last, 0)], (32, 9, 13))
        if not trailing.any():
            break
        last = last - trailing
    lengths = last - starts + 1
    keep = lengths > 0
    numbers = np.arange(line, line + len(ends), dtype=np.int32)
    if not keep.all():
        starts, lengths, numbers = starts[keep], lengths[keep], numbers[keep]
    frame = pl.DataFrame(
        {
            "_row": np.arange(row, row + len(starts), dtype=np.int32),
            "_line": numbers,
            "text": slices(block, starts, lengths),
        }
    )
    return frame, len(ends)


def slices(block: bytes, starts: np.ndarray, lengths: np.ndarray) -> pl.Series:
    """Slices of valid UTF-8 text as a column that refers to the text instead of copying it.

    Arrow's string views: the length, then either up to 12 bytes of the text itself, or its first four, the number of
    the buffer and the place in it.
    """
    padded = block + b"\0" * _INLINE
    data = np.frombuffer(padded, dtype=np.uint8)
    words = np.ndarray((len(padded) - 3,), dtype="<u4", buffer=padded, strides=(1,))
    views = np.empty((len(starts), 4), dtype="<u4")
    views[:, 0] = lengths
    views[:, 1] = words[starts]
    views[:, 2] = 0
    views[:, 3] = starts
    short = np.flatnonzero(lengths <= _INLINE)
    if len(short):
        # Bytes behind the text must be zero.
        inline = data[starts[short, None] + np.arange(_INLINE)]
        inline = np.where(np.arange(_INLINE) < lengths[short, None], inline, 0).astype(np.uint8)
        views[short, 1:] = np.ascontiguousarray(inline).view("<u4")
    buffers = [None, pa.py_buffer(views), pa.py_buffer(padded)]
    return pl.Series(pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(starts), buffers)), dtype=pl.String)

r"""Blocks of a log as lines: numbered, without their ends, blank ones left out, odd bytes made visible.

A byte that is not part of valid UTF-8 and a control character are written as `\xNN`, as the servers themselves do.

Does not belong here: what a line means.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pyarrow as pa

_INLINE = 12
_WINDOW = 1 << 20
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\r(?!\n)")


def _escape_doubly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"\\\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("sources.escape_doubly", _escape_doubly)


def as_text(block: bytes, is_json: bool) -> bytes:
    r"""The block as valid UTF-8; in JSON the `\` of `\xNN` is escaped in turn. Only lines that are not are touched."""
    if block.isascii():
        return block
    sign = "sources.escape_doubly" if is_json else "backslashreplace"
    parts: list[bytes | memoryview] = []
    view, done, at = memoryview(block), 0, 0
    while at < len(block):
        end = block.find(b"\n", min(at + _WINDOW, len(block) - 1)) + 1 or len(block)
        try:
            codecs.utf_8_decode(view[at:end], "strict", True)
            at = end
        except UnicodeDecodeError as error:
            place = at + error.start
            start, at = block.rfind(b"\n", 0, place) + 1, block.find(b"\n", place) + 1 or len(block)
            parts += [view[done:start], bytes(view[start:at]).decode("utf-8", sign).encode()]
            done = at
    return b"".join([*parts, view[done:]]) if parts else block


def _places(data: np.ndarray, wanted: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Places of wanted bytes; piece by piece, so that the pieces stay in the processor's cache."""
    size = 1 << 19
    found = [np.flatnonzero(wanted(data[at : at + size])) + at for at in range(0, len(data), size)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def text_lines(block: bytes, row: int, line: int, is_json: bool = False) -> tuple[pl.DataFrame, int]:
    """(`_row`, `_line`, `text` of the lines that are not blank, number of lines).

    The block is valid UTF-8 and ends with a line end. Trailing blanks are no content.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    ends = _places(data, lambda piece: piece < 32)
    kinds = data[ends]
    if (kinds != 10).any():
        # Tabs separate fields, and a carriage return before the line end belongs to it.
        stray = ~np.isin(kinds, (9, 10))
        returns = np.flatnonzero(kinds == 13)
        if returns.size:
            stray[returns] = data[ends[returns] + 1] != 10
        if stray.any():
            sign = b"\\\\x%02x" if is_json else b"\\x%02x"
            return text_lines(_CONTROL.sub(lambda found: sign % found[0][0], block), row, line, is_json)
        ends = ends[kinds == 10]
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    last = ends - 1
    while True:
        byte = data[last]
        trailing = ((byte == 32) | (byte == 13) | (byte == 9)) & (last >= starts)
        if not trailing.any():
            break
        last = last - trailing
    lengths = last - starts + 1
    numbers = np.arange(line, line + len(ends), dtype=np.int32)
    if lengths.min() <= 0:
        keep = lengths > 0
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
    if len(starts) and starts[-1] + _INLINE > len(block):
        block += b"\0" * _INLINE
    data = np.frombuffer(block, dtype=np.uint8)
    words = np.ndarray((max(0, len(block) - 3),), dtype="<u4", buffer=block, strides=(1,))
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
    buffers = [None, pa.py_buffer(views), pa.py_buffer(block)]
    return pl.Series(pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(starts), buffers)), dtype=pl.String)

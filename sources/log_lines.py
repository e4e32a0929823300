r"""Blocks of a log as lines: numbered, without their ends, blank ones left out, odd bytes made visible.

A byte that is not part of valid UTF-8 and a control character are written as `\xNN`, as the servers themselves do. A line
that is rejected is kept so that its bytes can be had again (`kept_raw`, `raw_bytes`).

Does not belong here: what a line means.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
import pyarrow as pa

_INLINE = 12
_WINDOW = 1 << 17
# Every so many bytes one is looked at, to tell whether there are many above ASCII.
_SAMPLED = 4099
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\r(?!\n)")
_LITERAL_SIGN = re.compile(rb"\\(?=x[0-9A-Fa-f]{2})")
_SIGN = re.compile(rb"\\x([0-9A-Fa-f]{2})")


def _escape_doubly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"\\\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("sources.escape_doubly", _escape_doubly)


def _visible(line: bytes, is_json: bool) -> bytes:
    r"""A line as valid UTF-8 without control characters; in JSON the `\` of `\xNN` is escaped in turn."""
    text = line.decode("utf-8", "sources.escape_doubly" if is_json else "backslashreplace").encode()
    sign = b"\\\\x%02x" if is_json else b"\\x%02x"
    return _CONTROL.sub(lambda found: sign % found[0][0], text)


def kept_raw(line: bytes) -> str:
    r"""The bytes of a line as text without control characters, from which `raw_bytes` makes the same bytes again.

    A byte that is no text is written `\xNN`, the backslash of a `\xNN` that the line itself holds `\x5c`.
    """
    return _visible(_LITERAL_SIGN.sub(rb"\\x5c", line), False).decode()


def raw_bytes(text: str) -> bytes:
    """The bytes that `kept_raw` wrote as this text."""
    return _SIGN.sub(lambda found: bytes([int(found[1], 16)]), text.encode())


def _places(data: np.ndarray, wanted: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Places of wanted bytes; piece by piece, so that the pieces stay in the processor's cache."""
    size = 1 << 19
    found = [np.flatnonzero(wanted(data[at : at + size])) + at for at in range(0, len(data), size)]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _no_text(block: bytes, above: np.ndarray | None) -> np.ndarray:
    """A place in each line that is no valid UTF-8; `above`: where all bytes above ASCII are, if that is known."""
    found: list[int] = []
    buffer, view = pa.py_buffer(block), memoryview(block)
    done = 0
    number = 0
    while done < len(block):
        if above is not None:
            # On to the line of the next byte in question.
            number += int(np.searchsorted(above[number:], done))
            if number == len(above):
                break
            done = block.rfind(b"\n", 0, int(above[number])) + 1
        end = block.find(b"\n", min(done + _WINDOW, len(block) - 1)) + 1 or len(block)
        if above is not None and len(above) * 500 < len(block):
            end = block.find(b"\n", int(above[number])) + 1 or len(block)
        if not _is_text(buffer.slice(done, end - done)):
            while done < end:
                try:
                    codecs.utf_8_decode(view[done:end], "strict", True)
                    break
                except UnicodeDecodeError as error:
                    found.append(done + error.start)
                    done = block.find(b"\n", found[-1]) + 1 or len(block)
        done = end
    return np.array(found, dtype=np.int64)


def _is_text(buffer: pa.Buffer) -> bool:
    """Whether bytes are valid UTF-8; Arrow looks at many of them at a time."""
    try:
        ends = pa.py_buffer(np.array([0, buffer.size], dtype=np.int32))
        pa.Array.from_buffers(pa.string(), 1, [None, ends, buffer]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def text_lines(block: bytes, row: int, line: int, is_json: bool = False) -> tuple[pl.DataFrame, np.ndarray]:
    """(`_row`, `_line`, `text` of the lines that are not blank, the place of each line's end in the block).

    The block ends with a line end. Trailing blanks are no content.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    if np.count_nonzero(data[::_SAMPLED] > 127) * 100 < len(data) // _SAMPLED:
        # As signed numbers the bytes above ASCII are the least: they are found with the control characters.
        ends = _places(data.view(np.int8), lambda piece: piece < 32)
        above = data[ends] > 127
        odd, ends = _no_text(block, ends[above]), ends[~above]
    else:
        ends = _places(data, lambda piece: piece < 32)
        odd = _no_text(block, None)
    kinds = data[ends]
    if (kinds != 10).any():
        # Tabs separate fields, and a carriage return before the line end belongs to it.
        stray = ~np.isin(kinds, (9, 10))
        returns = np.flatnonzero(kinds == 13)
        if returns.size:
            stray[returns] = data[ends[returns] + 1] != 10
        odd = np.concatenate([odd, ends[stray]])
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
    rewritten: dict[int, bytes] = {}
    if odd.size:
        for number in np.unique(np.searchsorted(ends, odd)).tolist():
            start = starts[number]
            rewritten[number] = _visible(block[start : start + lengths[number]], is_json)
    text = slices(block, starts, lengths, rewritten)
    frame = pl.DataFrame({"_row": np.arange(row, row + len(starts), dtype=np.int32), "_line": numbers, "text": text})
    if lengths.min() <= 0:
        frame = frame.filter(pl.Series(lengths > 0))
        frame = frame.with_columns(pl.Series("_row", np.arange(row, row + frame.height, dtype=np.int32)))
    return frame, ends


def slices(
    block: bytes, starts: np.ndarray, lengths: np.ndarray, rewritten: Mapping[int, bytes] | None = None
) -> pl.Series:
    """Slices of text as a column that refers to the text instead of copying it; some slices have another text.

    Arrow's string views: the length, then either up to 12 bytes of the text itself, or its first four, the number of
    the buffer and the place in it. Slices and other texts are valid UTF-8; what lies between slices need not be.
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
    if rewritten:
        buffers.append(pa.py_buffer(b"".join(rewritten.values())))
        at = 0
        for number, text in rewritten.items():
            if len(text) <= _INLINE:
                views[number] = np.frombuffer(len(text).to_bytes(4, "little") + text.ljust(_INLINE, b"\0"), dtype="<u4")
            else:
                views[number] = len(text), int.from_bytes(text[:4], "little"), 1, at
            at += len(text)
    return pl.Series(pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(starts), buffers)), dtype=pl.String)

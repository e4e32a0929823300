"""A block of text as one Arrow row per line, without copying it: the common start of the JSON lines and log readers.

Does not belong here: what a line means.
"""

from __future__ import annotations

import codecs

import numpy as np
import pyarrow as pa

# Arrow batches of this many lines, so that DuckDB's threads share a block.
BATCH_LINES = 20_000

LINE_SCHEMA = pa.schema([("_row", pa.int32()), ("_line", pa.int32()), ("text", pa.string())])


def line_table(block: bytes, row: int, line: int) -> pa.Table:
    """The lines of valid UTF-8 text: `_row` (blank lines not counted), `_line`, `text` (with its line end).

    `row` and `line` are the numbers of the block's first record and line. The block ends with a line end.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == 10).astype(np.int32)
    offsets = np.concatenate(([0], ends + 1)).astype(np.int32)
    text = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block))
    keep = np.ones(len(ends), dtype=bool)
    # Only a line that begins with a blank (or is nothing but its end) can be blank.
    for index in np.flatnonzero(data[offsets[:-1]] <= 32):
        if not block[offsets[index] : offsets[index + 1]].strip():
            keep[index] = False
    lines = np.arange(line, line + len(ends), dtype=np.int32)[keep]
    if not keep.all():
        text = text.filter(pa.array(keep))
    rows = np.arange(row, row + len(lines), dtype=np.int32)
    table = pa.table([pa.array(rows), pa.array(lines), text], schema=LINE_SCHEMA)
    return pa.Table.from_batches(table.to_batches(max_chunksize=BATCH_LINES), schema=LINE_SCHEMA)


def cut(block: bytes, last: bool) -> tuple[bytes, bytes]:
    """(whole lines, unfinished rest) of a block; the last block is whole whether or not it ends with a line end."""
    if last:
        return (block if block.endswith(b"\n") or not block else block + b"\n"), b""
    end = block.rfind(b"\n") + 1
    return block[:end], block[end:]


def is_valid(block: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def without_marks(block: bytes) -> bytes:
    """The block without byte order marks at the start of lines: files were joined, and the mark is no part of a value."""
    mark = codecs.BOM_UTF8
    # One byte is looked for many times as fast as three.
    if mark[:1] not in block:
        return block
    return block.replace(b"\n" + mark, b"\n").removeprefix(mark) if mark in block else block

"""Avro container files to parsed rows: every field as text, nested values as JSON text or, with `flatten`, as columns.

The blocks are measured before they are decoded: an Avro block is unpacked in memory as a whole. A file that breaks off
gives its records so far and one problem row. Does not belong here: what a field means.
"""

from __future__ import annotations

import bz2
import json
import zlib
from collections.abc import Callable
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import cramjam
import fastavro
import pyarrow as pa
import zstandard

from sources.archive import ReadError
from sources.opening import BROKEN_COMPRESSION, open_plain
from sources.spec import ExportSpec
from sources.writing import BASE_SCHEMA, ParsedWriter, column_names, flattened

MAX_BLOCK_BYTES = 256 << 20
_BATCH_RECORDS = 10_000
_MAGIC = b"Obj\x01"


def avro_fields(path: Path) -> list[str]:
    """The names of the top-level fields of an Avro file. Raises `ReadError` where it has none or is broken."""
    with open_plain(path) as stream:
        schema = _reader(path, stream).writer_schema
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if not fields:
        raise ReadError(f"{path}: its Avro records have no fields; export records")
    return [str(field["name"]) for field in fields]


def parse_avro(path: Path, spec: ExportSpec, writer: ParsedWriter) -> None:
    """Read the file into the writer, block by block."""
    keys = dict.fromkeys(avro_fields(path))
    problem = _measure(path)
    batch: list[dict[str, str | None]] = []
    row = 1

    def flush() -> None:
        nonlocal batch, row
        if not batch:
            return
        for record in batch:
            keys.update(dict.fromkeys(record))
        count = len(batch)
        base = [range(row, row + count), *([None] * count for _ in range(3))]
        arrays = [pa.array(values, type=field.type) for values, field in zip(base, BASE_SCHEMA, strict=True)]
        arrays += [pa.array([record.get(key) for record in batch], pa.string()) for key in keys]
        writer.write(pa.table(arrays, names=[*BASE_SCHEMA.names, *column_names(list(keys), spec)]))
        row += count
        batch = []

    with open_plain(path) as stream:
        try:
            for record in _reader(path, stream):
                fields = flattened(record, spec.read.flatten)
                batch.append({name: cell_text(value) for name, value in fields.items()})
                if len(batch) == _BATCH_RECORDS:
                    flush()
        # The decoder fails in many ways on bytes that are not what the schema says.
        except (*BROKEN_COMPRESSION, ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            problem = f"the file breaks off here ({type(error).__name__})"
    flush()
    if problem:
        writer.problem(row, None, None, problem)


def cell_text(value: Any) -> str | None:
    """A decoded value as text: times in UTC with Z, decimals with all their digits, nested values as JSON."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=cell_text)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.isoformat(" ")
        return value.astimezone(timezone.utc).replace(tzinfo=None).isoformat(" ") + "Z"  # noqa: UP017
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float, UUID)) else repr(value)


def _reader(path: Path, stream: IO[bytes]) -> Any:
    try:
        return fastavro.reader(stream)
    except (*BROKEN_COMPRESSION, ValueError, TypeError, KeyError, IndexError, LookupError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ReadError(f"{path}: broken Avro file ({reason}); export or copy it again") from None


# --- measuring -------------------------------------------------------------------------------------------------------


def _measure(path: Path) -> str | None:
    """Walk the blocks: raises `ReadError` for one that is too large; returns what is wrong where the file breaks off."""
    with open_plain(path) as stream:
        codec = str(_reader(path, stream).metadata.get("avro.codec", "null"))
    with open_plain(path) as stream:
        try:
            stream.read(len(_MAGIC))
            while entries := _long(stream):
                if entries < 0:
                    _long(stream)
                for _ in range(2 * abs(entries)):
                    _take(stream, _long(stream))
            sync = _take(stream, 16)
            while (count := _long(stream, at_end=True)) is not None:
                packed = _long(stream)
                if not 0 <= packed <= MAX_BLOCK_BYTES or count < 0:
                    raise ReadError(f"{path}: a block of {packed:,} bytes; no Avro file that is read here")
                size = _unpacked(path, codec, _take(stream, packed))
                if size > MAX_BLOCK_BYTES:
                    raise ReadError(
                        f"{path}: a block unpacks to more than {MAX_BLOCK_BYTES:,} bytes; export with smaller blocks"
                    )
                if count > size:
                    raise ReadError(f"{path}: {count:,} records in {size:,} bytes; no Avro file that is read here")
                if _take(stream, 16) != sync:
                    return "the file breaks off here (a block does not end as it should)"
        except (*BROKEN_COMPRESSION, ValueError) as error:
            if isinstance(error, ReadError):
                raise
            return f"the file breaks off here ({type(error).__name__})"
    return None


def _take(stream: IO[bytes], size: int | None) -> bytes:
    if size is None or not 0 <= size <= MAX_BLOCK_BYTES:
        raise EOFError
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _long(stream: IO[bytes], at_end: bool = False) -> Any:
    """A zigzag variable-length integer; None at the end of the file where that may be."""
    value = shift = 0
    while shift < 70:
        byte = stream.read(1)
        if not byte:
            if at_end and not shift:
                return None
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
    raise EOFError


def _unpacked(path: Path, codec: str, data: bytes) -> int:
    """How large a block is unpacked, counted no further than just past the limit."""
    limit = MAX_BLOCK_BYTES + 1
    unpack: dict[str, Callable[[], int]] = {
        "null": lambda: len(data),
        "deflate": lambda: len(zlib.decompressobj(-15).decompress(data, limit)),
        "bzip2": lambda: len(bz2.BZ2Decompressor().decompress(data, limit)),
        "zstandard": lambda: len(zstandard.ZstdDecompressor().stream_reader(data).read(limit)),
        # The last four bytes are a checksum; the size stands in front, and unpacking fails where it is wrong.
        "snappy": lambda: int(cramjam.snappy.decompress_raw_len(data[:-4])),
    }
    if codec not in unpack:
        raise ReadError(f"{path}: an Avro file packed with {codec} is not read; write it with deflate")
    try:
        return unpack[codec]()
    except (zstandard.ZstdError, cramjam.DecompressionError) as error:
        raise ValueError(str(error)) from None

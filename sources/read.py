"""One export file to one parsed file: the door to the readers of all formats.

Belongs here: which reader reads which format, and what a reading reports. Does not belong here: recognition (the spec
is given), typing, any warehouse path.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from sources.archive import ReadError, size_on_disk
from sources.known_dialect import settled, zero_encoding
from sources.opening import bom_encoding, compression_of, encoding_of, read_head
from sources.read_avro import parse_avro
from sources.read_csv import parse_csv
from sources.read_json import parse_json, parse_ndjson
from sources.read_log import parse_log
from sources.read_parquet import parse_parquet
from sources.read_sheet import parse_sheet
from sources.read_xml import parse_xml
from sources.spec import BINARY_FORMATS, ExportSpec
from sources.writing import ParsedWriter

__all__ = ["ParseResult", "ReadError", "format_of", "parse"]


# How much of a file's beginning is searched for a pattern.
PATTERN_BYTES = 64 << 10

_MAGIC = ((b"PAR1", "parquet"), (b"PK\x03\x04", "xlsx"), (b"\xd0\xcf\x11\xe0", "xls"), (b"Obj\x01", "avro"))


@dataclass(frozen=True)
class ParseResult:
    """What reading a file gave. `row_count` includes the `problem_count` rows that cannot be read; `bytes` on disk.

    The dialect is that in which the file was read: declared by the spec, or found. `decimal` and `time_zone` only where the
    file decides them. `broken`: why the file ends before its end.
    """

    row_count: int
    problem_count: int
    columns: tuple[str, ...]
    encoding: str | None
    delimiter: str | None
    format: str
    compression: str
    bytes: int
    sheet: str | None = None
    quote: str | None = None
    escape: str | None = None
    decimal: str | None = None
    time_zone: str | None = None
    broken: str | None = None


def binary_format(head: bytes) -> str | None:
    """The format of a file that is no text, by its first bytes; a zip file is taken for a workbook here."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def format_of(head: bytes, allowed: tuple[str, ...]) -> str | None:
    """Which of the formats that a spec allows a file has, by its first bytes; None when it has none of them."""
    binary = binary_format(head)
    if binary:
        return binary if binary in allowed else None
    text_formats = [name for name in allowed if name not in BINARY_FORMATS]
    if len(text_formats) == 1:
        return text_formats[0]
    wide = bom_encoding(head) or zero_encoding(head) or "utf-8"
    start = head[:4096].decode(wide, "replace").removeprefix("\ufeff").lstrip()[:1]
    if start == "<":
        wanted = ["xml"]
    elif start == "[":
        wanted = ["json"]
    elif start == "{":
        wanted = ["ndjson", "json"]
    else:
        wanted = ["csv", "log"]
    return next((name for name in wanted if name in text_formats), None)


def parse(path: Path, spec: ExportSpec, out: Path, salt: bytes = b"") -> ParseResult:
    """Read an export file as its spec says and write the parsed file (docs/architecture.md) to `out`, atomically.

    Memory stays flat whatever the file's size. Rows that cannot be read are in the result with `_problem` set.
    Raises `ReadError` for what is no readable file of the spec's format. `salt` keys the `visitor` hash of access logs.
    """
    head = read_head(path)
    kind = format_of(head, spec.read.format)
    if kind is None:
        raise ReadError(f"{path}: is not {' or '.join(spec.read.format)}, which {spec.name} expects")
    # A log is read as bytes: one line in another encoding says nothing about the others.
    spec = spec if kind == "log" else settled(path, head, spec, kind)
    constants = _constants(head, spec, kind)
    sheet = None
    with ParsedWriter(out, constants=constants) as writer:
        if kind == "csv":
            parse_csv(path, spec, writer)
        elif kind == "ndjson":
            parse_ndjson(path, spec, writer)
        elif kind == "json":
            parse_json(path, spec, writer)
        elif kind == "xml":
            parse_xml(path, spec, writer)
        elif kind == "log":
            parse_log(path, spec, writer, salt)
        elif kind in ("xlsx", "xls"):
            sheet = parse_sheet(path, spec, writer)
        elif kind == "avro":
            parse_avro(path, spec, writer)
        else:
            try:
                parse_parquet(path, spec, writer)
            except (duckdb.Error, pa.ArrowInvalid) as error:
                reason = str(error).splitlines()[0]
                raise ReadError(f"{path}: broken Parquet file ({reason}); export or copy it again") from None
        encoding = None if kind in BINARY_FORMATS or kind == "xml" else encoding_of(head, spec.read.encoding)
        is_csv = kind == "csv"
        reading = {
            "encoding": encoding,
            **({name: getattr(spec.read, name) for name in ("delimiter", "quote", "escape")} if is_csv else {}),
            "sheet": sheet,
            "decimal": constants.get("_decimal"),
            "time_zone": constants.get("_time_zone"),
            "broken": writer.broken,
        }
        writer.facts["reading"] = json.dumps(
            {name: value for name, value in reading.items() if value}, ensure_ascii=False
        )
    return ParseResult(
        row_count=writer.row_count,
        problem_count=writer.problem_count,
        columns=tuple(writer.columns),
        encoding=encoding,
        delimiter=spec.read.delimiter if is_csv else None,
        format=kind,
        compression=compression_of(path),
        bytes=size_on_disk(path),
        sheet=sheet,
        quote=spec.read.quote if is_csv else None,
        escape=spec.read.escape if is_csv else None,
        decimal=constants.get("_decimal"),
        time_zone=constants.get("_time_zone"),
        broken=writer.broken,
    )


def _constants(head: bytes, spec: ExportSpec, kind: str) -> dict[str, str | None]:
    """What the file decides for all its rows: the decimal sign (`_decimal`) and the zone (`_time_zone`)."""
    found: dict[str, str | None] = {}
    if spec.read.decimal == "by_delimiter":
        # Where a comma stands in numbers, spreadsheets separate fields by semicolons.
        found["_decimal"] = "," if kind == "csv" and spec.read.delimiter == ";" else "."
    if spec.zone_source is not None and spec.zone_source.pattern is not None:
        text = head[:PATTERN_BYTES].decode(encoding_of(head, spec.read.encoding), "replace")
        match = re.search(spec.zone_source.pattern, text)
        found["_time_zone"] = match[1].strip() if match else None
    return found

"""Reading the demo company's files without the pipeline, so that the tests do not lean on what they will test later."""

from __future__ import annotations

import csv
import gzip
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def header(path: Path) -> list[str]:
    """First row of a CSV file."""
    return next(csv.reader(io.StringIO(content(path).decode(), newline="")))


def records(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file as found; short rows lack their last columns."""
    rows = list(csv.reader(io.StringIO(content(path).decode(), newline="")))
    skip = 3 if path.name == "survey.csv" else 1
    return [dict(zip(rows[0], row, strict=False)) for row in rows[skip:]]


def objects(path: Path) -> list[dict[str, object]]:
    """Objects of a JSON lines file; broken lines are left out."""
    out = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            out.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return out


def count_records(path: Path) -> int:
    """Data records of a file of any kind, broken ones included."""
    if path.suffix == ".csv":
        return len(records(path))
    if path.suffix == ".xml":
        return sum(1 for e in ElementTree.parse(path).iter() if e.tag.endswith("}comment"))
    return content(path).count(b"\n")

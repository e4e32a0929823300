"""Avro files: values as text, nested records, files that break off, hostile ones."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import fastavro
import pytest

from sources.archive import ReadError
from sources.read import parse
from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.core.helpers import make_spec, read_rows

SCHEMA = {
    "type": "record",
    "name": "visit",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "open", "type": "boolean"},
        {"name": "note", "type": ["null", "string"]},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {
            "name": "who",
            "type": {"type": "record", "name": "person", "fields": [{"name": "mail", "type": "string"}]},
        },
    ],
}


def record(number):
    return {
        "id": 9_007_199_254_740_993 + number, "at": datetime(2026, 3, 4, 10, 0, 0, 250_000, UTC), "day": date(2026, 3, 4),
        "amount": Decimal("12.50"), "open": True, "note": None if number % 2 else "a,\n\"b\"", "tags": ["x", "y"],
        "who": {"mail": f"p{number}@example.org"},
    }  # fmt: skip


def avro(path, count, codec="deflate"):
    stream = io.BytesIO()
    fastavro.writer(stream, SCHEMA, [record(n) for n in range(count)], codec=codec, sync_interval=2_000)
    path.write_bytes(stream.getvalue())
    return path


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "zstandard", "snappy"])
def test_values_become_text(tmp_path, codec):
    path = avro(tmp_path / "a.avro", 3, codec)
    spec = make_spec(tmp_path, {"format": "avro", "flatten": True}, recognise={"columns": ["id", "at", "who"]})
    assert recognise(path, SourceCatalog({spec.name: spec})).export == spec.name
    result, rows = read_rows(path, spec)
    assert {name: rows[2][name] for name in result.columns if rows[2][name]} == {
        "id": "9007199254740995", "at": "2026-03-04 10:00:00.250000Z", "day": "2026-03-04", "amount": "12.50",
        "open": "true", "note": 'a,\n"b"', "tags": '["x","y"]', "who.mail": "p2@example.org",
    }  # fmt: skip
    assert [row["note"] for row in rows] == ['a,\n"b"', None, 'a,\n"b"']


@pytest.mark.parametrize("keep", [0.4, 0.75, 0.99])
def test_a_file_that_breaks_off_gives_its_records_so_far(tmp_path, keep):
    path = avro(tmp_path / "a.avro", 2_000)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    result, rows = read_rows(path, make_spec(tmp_path, {"format": "avro"}))
    assert result.problem_count == 1
    assert "breaks off" in rows[-1]["_problem"]
    good = [row["id"] for row in rows[:-1]]
    assert good == [str(9_007_199_254_740_993 + n) for n in range(len(good))]
    assert 500 < len(good) < 2_000


def test_blocks_that_unpack_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sources.read_avro.MAX_BLOCK_BYTES", 1 << 20)
    schema = {"type": "record", "name": "r", "fields": [{"name": "id", "type": "string"}]}
    stream = io.BytesIO()
    fastavro.writer(stream, schema, [{"id": "0" * (4 << 20)}], codec="deflate")
    path = tmp_path / "a.avro"
    path.write_bytes(stream.getvalue())
    with pytest.raises(ReadError, match="unpacks to more than"):
        parse(path, make_spec(tmp_path, {"format": "avro"}), tmp_path / "out.parquet")


def test_more_records_than_bytes_are_refused(tmp_path):
    schema = {"type": "record", "name": "r", "fields": [{"name": "nothing", "type": "null"}]}
    stream = io.BytesIO()
    fastavro.writer(stream, schema, [{"nothing": None}] * 1_000)
    path = tmp_path / "a.avro"
    path.write_bytes(stream.getvalue())
    with pytest.raises(ReadError, match="1,000 records in 0 bytes"):
        parse(path, make_spec(tmp_path, {"format": "avro"}), tmp_path / "out.parquet")


def test_what_is_no_avro_file_is_told(tmp_path):
    path = tmp_path / "a.avro"
    path.write_bytes(b"Obj\x01" + b"\xff" * 400)
    spec = make_spec(tmp_path, {"format": "avro"}, recognise={"columns": ["id"]})
    found = recognise(path, SourceCatalog({spec.name: spec}))
    assert found.status == "unreadable"
    assert "broken Avro file" in found.message

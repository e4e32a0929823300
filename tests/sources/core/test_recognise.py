"""Files are told by content; whatever cannot be used says so with the next step, and nothing raises."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.core.helpers import make_spec, read_rows

HEADER = "id,at,name\n"
ROWS = "1,2026-01-01,Ann\n2,2026-01-02,Bo\n"


@pytest.fixture
def catalog(tmp_path):
    specs = [
        make_spec(tmp_path, {"format": "csv"}, "visit", recognise={"columns": ["id", "at"], "path": "*visit*"}),
        make_spec(tmp_path, {"format": "csv"}, "call", recognise={"columns": ["id", "at"], "path": "*call*"}),
        make_spec(tmp_path, {"format": "csv"}, "named", recognise={"columns": ["id", "at", "name"]}),
        make_spec(
            tmp_path,
            {"format": "csv", "delimiter": ";", "skip_rows": 1},
            "report",
            recognise={"columns": ["day", "cost"]},
        ),
        make_spec(tmp_path, {"format": "ndjson"}, "event", recognise={"columns": ["id", "kind"]}),
        make_spec(tmp_path, {"format": "json", "record": "data.rows"}, "page", recognise={"columns": ["id", "kind"]}),
        make_spec(tmp_path, {"format": "parquet"}, "table", recognise={"columns": ["id", "kind"]}),
        make_spec(tmp_path, {"format": "xml", "record": "a"}, "post", recognise={"content": "<site version"}),
        make_spec(tmp_path, {"format": "xml", "record": "b"}, "remark", recognise={"content": "<site version"}),
        make_spec(
            tmp_path, {"format": "csv", "header_rows": 0, "columns": ["x", "y"]}, "bare", recognise={"path": "bare*"}
        ),
    ]
    return SourceCatalog({spec.name: spec for spec in specs})


def look(tmp_path, catalog, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return recognise(path, catalog)


def test_the_spec_with_most_columns_wins_and_the_name_only_decides_between_equals(tmp_path, catalog):
    assert look(tmp_path, catalog, "visit.csv", HEADER + ROWS).export == "shop.named"
    assert look(tmp_path, catalog, "my_calls.csv", "ID , At\n1,2\n").export == "shop.call"
    unclear = look(tmp_path, catalog, "x.csv", "id,at\n1,2\n")
    assert (unclear.status, unclear.export) == ("ambiguous", None)
    assert "shop.call" in unclear.message and "shop.visit" in unclear.message


@pytest.mark.parametrize(
    ("name", "content", "export", "shape"),
    [
        ("a.txt", "Report of March\nDay;Cost\n1;2\n", "shop.report", "csv"),
        ("b.log", '{"kind": 1, "id": 2}\n{"id": 3}\n', "shop.event", "ndjson"),
        ("c", '{"data": {"n": 1, "rows": [{"id": 1, "kind": 2}]}}', "shop.page", "json"),
        ("bare.csv", "1,2\n", "shop.bare", "csv"),
    ],
)
def test_each_format_by_content(tmp_path, catalog, name, content, export, shape):
    found = look(tmp_path, catalog, name, content)
    assert (found.status, found.export, found.detected.format) == ("recognised", export, shape)


def test_parquet_by_its_columns(tmp_path, catalog):
    path = tmp_path / "x"
    pq.write_table(pa.table({"id": [1], "kind": ["a"], "more": [None]}), path)
    found = recognise(path, catalog)
    assert (found.export, found.detected.format, found.extra_columns) == ("shop.table", "parquet", ("more",))


def test_exports_that_read_different_records_share_a_file(tmp_path, catalog):
    found = look(tmp_path, catalog, "x.xml", "<?xml version='1.0'?><site version='1'><a/><b/></site>")
    assert (found.status, found.exports) == ("recognised", ("shop.post", "shop.remark"))


def packed_zstd(data):
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (bz2.compress, "bz2"), (packed_zstd, "zstd")])
def test_compressed_files_are_read_as_they_are(tmp_path, catalog, pack, name):
    found = look(tmp_path, catalog, "x.bin", pack((HEADER + ROWS).encode()))
    assert (found.export, found.detected.compression) == ("shop.named", name)
    _, rows = read_rows(tmp_path / "x.bin", catalog.exports[found.export])
    assert [row["name"] for row in rows] == ["Ann", "Bo"]
    broken = look(tmp_path, catalog, "y.bin", pack((HEADER + ROWS).encode())[:-6])
    assert broken.status == "unreadable"
    assert "export it again" in broken.message


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", HEADER + ROWS)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", "empty", "export again"),
        (b"\xef\xbb\xbf\r\n \n", "empty", "export again"),
        (zipped(), "unreadable", "unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unreadable", "CSV"),
        (bytes(range(256)) * 20, "unreadable", "binary"),
        (b"PAR1" + b"x" * 50, "unreadable", "copy it again"),
        (b"some words\nand more words\n", "unrecognised", "docs/add-a-source.md"),
        (b"x;y\n1;2\n", "unrecognised", "docs/add-a-source.md"),
        (b"%PDF-1.7\n", "unreadable", "PDF"),
    ],
)
def test_wrong_files_say_what_to_do(tmp_path, catalog, content, status, says):
    found = look(tmp_path, catalog, "x.csv", content)
    assert (found.status, found.export) == (status, None)
    assert says in found.message
    assert str(tmp_path / "x.csv") in found.message


def test_a_header_alone_is_recognised_and_has_no_rows(tmp_path, catalog):
    found = look(tmp_path, catalog, "x.csv", HEADER)
    assert (found.status, found.export) == ("recognised", "shop.named")
    result, rows = read_rows(tmp_path / "x.csv", catalog.exports["shop.named"])
    assert (rows, result.columns) == ([], ("id", "at", "name"))


def test_the_nearest_spec_and_what_differs(tmp_path, catalog):
    found = look(tmp_path, catalog, "x.csv", "id,name,mail\n1,Ann,a@example.org\n")
    assert (found.status, found.nearest) == ("unrecognised", "shop.named")
    assert (found.missing_columns, found.extra_columns) == (("at",), ("mail",))
    assert "2 of 3 columns; missing: at" in found.message


def test_a_directory_and_a_missing_file(tmp_path, catalog):
    assert "directory" in recognise(tmp_path, catalog).message
    assert recognise(tmp_path, catalog).status == "unreadable"
    assert recognise(tmp_path / "none.csv", catalog).status == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path, catalog):
    path = tmp_path / "x.csv"
    path.write_text(HEADER)
    path.chmod(0)
    found = recognise(path, catalog)
    assert found.status == "unreadable"
    assert "permission" in found.message


def test_invalid_bytes_do_not_stop_recognition(tmp_path, catalog):
    found = look(tmp_path, catalog, "x.csv", HEADER.encode() + b"1,2026-01-01,caf\xe9\n")
    assert (found.status, found.export) == ("recognised", "shop.named")


def test_no_value_of_a_file_without_header_gets_into_a_message(tmp_path, catalog):
    found = look(tmp_path, catalog, "x.csv", "ann@example.org,0612345678\n")
    assert found.status == "unrecognised"
    assert "ann" not in found.message and "0612345678" not in found.message


def test_only_the_beginning_is_read(tmp_path, catalog, monkeypatch):
    sizes = []
    monkeypatch.setattr("sources.recognise.read_head", lambda path: sizes.append(path) or HEADER.encode())
    assert look(tmp_path, catalog, "x.csv", HEADER + ROWS * 1000).export == "shop.named"
    assert len(sizes) == 1

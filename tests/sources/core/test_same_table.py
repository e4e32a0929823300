"""One table, however it is written, gives the same touchpoints: columns in any order, any dialect, encoding, packing, format."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import shutil
import zipfile
from datetime import datetime
from xml.sax.saxutils import escape

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.archive import expand
from sources.read import parse
from sources.recognise import recognise
from sources.spec import SourceCatalog
from sources.typed import mapping_query, typed_select
from sources.web import offer_web, offer_web_functions
from tests.sources.core.helpers import make_spec
from tests.sources.core.workbooks import sheet_xml, write_workbook

COLUMNS = ("visit_no", "arrived", "e_mail", "note", "paid", "total")
SQL = """select row_id, 'reception' as touchpoint_type, arrived as occurred_at, total as amount, note as channel_detail,
  [{'type': 'email', 'value': e_mail}] as identifiers, [{'type': 'visit', 'id': visit_no}] as objects, paid as outcome
from export_row"""
TYPED = {
    "arrived": {"type": "timestamp", "required": True, "time_zone": "Europe/Copenhagen"},
    "e_mail": {"type": "email"},
    "paid": {"type": "boolean"},
    "total": {"type": "decimal"},
}

# Characters that Windows-1252 has too, line breaks and all signs that dialects use among them.
text = st.text(st.sampled_from("aZ09 ,;|\t\"'\\=+-@\n\u00e9\u00f8\u20ac\u00df"), max_size=8).map(str.strip)
record = st.tuples(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from(["a@example.org", "b.c@example.org", ""]),
    text,
    st.booleans(),
    st.integers(-99_999, 99_999),
)


def rows_of(records):
    """The table as texts, and as the values that a format with types would hold."""
    return [
        {
            "visit_no": f"v{number}",
            "arrived": arrived.strftime("%Y-%m-%d %H:%M:%S"),
            "e_mail": mail,
            "note": note,
            "paid": "true" if paid else "false",
            "total": f"{cents / 100:.2f}",
        }
        for number, (arrived, mail, note, paid, cents) in enumerate(records)
    ]


def write(folder, form, rows, order, dialect):
    """Write the table; returns (file, what the spec has to say about reading it)."""
    path = folder / "table"
    if form == "csv":
        out = io.StringIO()
        style = {"delimiter": dialect["delimiter"], "lineterminator": dialect["end"], "quoting": dialect["quoting"]}
        read = {"format": "csv", "delimiter": dialect["delimiter"], "encoding": dialect["encoding"]}
        if dialect["escape"]:
            style |= {"escapechar": "\\", "doublequote": False}
            read["escape"] = "\\"
        writer = csv.DictWriter(out, order, **style)
        writer.writeheader()
        writer.writerows(rows)
        path.write_bytes(out.getvalue().encode(dialect["encoding"]))
        return path, read
    rows = [{name: row[name] for name in order} for row in rows]
    if form == "ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif form == "json":
        path.write_text(json.dumps({"data": {"visits": rows}}, indent=1), encoding="utf-8")
        return path, {"format": "json", "record": "data.visits"}
    elif form == "xml":
        cells = ("".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) for row in rows)
        body = "".join(f"<visit>{cell}</visit>" for cell in cells)
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?><all>{body}</all>', encoding="utf-8")
        return path, {"format": "xml", "record": "visit"}
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "avro":
        fields = [{"name": name, "type": ["null", "string"]} for name in order]
        with path.open("wb") as out_file:
            fastavro.writer(out_file, {"type": "record", "name": "visit", "fields": fields}, rows, codec="deflate")
    else:
        write_workbook(path, {"S": sheet_xml([list(order), *([row[name] for name in order] for row in rows)])})
    return path, {"format": form}


def pack(path, packing):
    data = path.read_bytes()
    if packing == "zip":
        with zipfile.ZipFile(path.with_name("table.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("in/table", data)
        (member,) = expand(path.with_name("table.zip"))
        return member.path
    packers = {"gzip": gzip.compress, "bz2": bz2.compress, "zstd": zstandard.ZstdCompressor().compress}
    path.write_bytes(packers[packing](data) if packing in packers else data)
    return path


def touchpoints(tmp_path, form, rows, order=COLUMNS, packing="none", dialect=None):
    """Recognise, read, type and map a file of the table; everything but where the rows stood."""
    folder = tmp_path / "files"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    plain = {"delimiter": ",", "end": "\n", "quoting": csv.QUOTE_ALL, "encoding": "utf-8", "escape": False}
    path, read = write(folder, form, rows, order, dialect or plain)
    path = pack(path, packing)
    spec = make_spec(tmp_path, read, sql=SQL, key=["visit_no"], columns=TYPED, recognise={"columns": list(COLUMNS)})
    found = recognise(path, SourceCatalog({spec.name: spec}))
    assert found.export == spec.name, found.message
    assert found.detected.compression == (packing if packing != "zip" else "none")
    out = tmp_path / "out.parquet"
    result = parse(path, spec, out)
    con = duckdb.connect(":memory:")
    con.execute(f"create view parsed as select 'f' as file_id, * from read_parquet('{out}')")
    offer_web_functions(con.execute)
    con.execute(f"create table export_row as {typed_select(spec, 'parsed', result.columns)}")
    assert con.execute("select count(*), count(problem) from export_row").fetchall() == [(len(rows), 0)]
    offer_web(con, spec)
    return con.sql(f"select * from ({mapping_query(spec)}) order by row_id").to_arrow_table().to_pylist()


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(
    records=st.lists(record, min_size=1, max_size=5),
    order=st.permutations(COLUMNS),
    packing=st.sampled_from(["none", "gzip", "bz2", "zstd", "zip"]),
    dialect=st.fixed_dictionaries(
        {
            "delimiter": st.sampled_from(",;\t|"),
            "end": st.sampled_from(["\n", "\r\n"]),
            "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
            "encoding": st.sampled_from(
                ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1252", "cp858"]
            ),
            "escape": st.booleans(),
        }
    ),
)
def test_any_order_delimiter_quoting_encoding_and_packing(tmp_path, records, order, packing, dialect):
    rows = rows_of(records)
    assert touchpoints(tmp_path, "csv", rows, order, packing, dialect) == touchpoints(tmp_path, "ndjson", rows)


@settings(QUICK, max_examples=12)
@pytest.mark.parametrize("form", ["csv", "json", "xml", "parquet", "avro", "xlsx"])
@given(
    records=st.lists(record, min_size=1, max_size=5),
    order=st.permutations(COLUMNS),
    packing=st.sampled_from(["none", "gzip", "zip"]),
)
def test_any_format(tmp_path, form, records, order, packing):
    rows = rows_of(records)
    assert touchpoints(tmp_path, form, rows, order, packing) == touchpoints(tmp_path, "ndjson", rows)

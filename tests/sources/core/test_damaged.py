"""Files of every format with bytes changed, cut or doubled: read, in part or not at all, but never an error of another kind."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from functools import cache

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.archive import ReadError, expand
from sources.read import parse
from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.core.helpers import make_spec
from tests.sources.core.workbooks import sheet_xml, write_workbook

ROWS = [{"id": f"k{n}", "note": "some text " * (n % 5)} for n in range(40)]
CSV = "id,note\n" + "".join(f'{row["id"]},"{row["note"]}"\n' for row in ROWS)
READ = {
    "csv": {"format": "csv"},
    "gzip": {"format": "csv"},
    "bz2": {"format": "csv"},
    "zstd": {"format": "csv"},
    "zip": {"format": "csv"},
    "json": {"format": "json"},
    "ndjson": {"format": "ndjson", "flatten": True},
    "xml": {"format": "xml", "record": "r"},
    "parquet": {"format": "parquet"},
    "avro": {"format": "avro"},
    "xlsx": {"format": "xlsx"},
}


@cache
def whole(form: str, folder) -> bytes:
    """A file of the form without damage."""
    lines = [f'{{"id": "{row["id"]}", "note": "{row["note"]}"}}' for row in ROWS]
    if form == "json":
        return f"[{', '.join(lines)}]".encode()
    if form == "ndjson":
        return "\n".join(lines).encode()
    if form == "xml":
        cells = "".join(f"<r><id>{row['id']}</id><note>{row['note']}</note></r>" for row in ROWS)
        return f'<?xml version="1.0"?><all>{cells}</all>'.encode()
    if form == "xlsx":
        table = [["id", "note"], *([row["id"], row["note"]] for row in ROWS)]
        return write_workbook(folder / "whole.xlsx", {"S": sheet_xml(table)}).read_bytes()
    stream = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", CSV)
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), stream)
    elif form == "avro":
        fields = [{"name": name, "type": "string"} for name in ROWS[0]]
        fastavro.writer(stream, {"type": "record", "name": "r", "fields": fields}, ROWS, codec="deflate")
    packers = {"gzip": gzip.compress, "bz2": bz2.compress, "zstd": zstandard.ZstdCompressor().compress}
    return packers[form](CSV.encode()) if form in packers else stream.getvalue() or CSV.encode()


damage = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "double", "insert", "swap"]),
        st.floats(0, 1),
        st.floats(0, 1),
        st.binary(max_size=6),
    ),
    min_size=1,
    max_size=4,
)


def damaged(data: bytes, steps) -> bytes:
    """Apply the damages; places are shares of the length."""
    for kind, left, right, new in steps:
        start, end = sorted((int(left * len(data)), int(right * len(data))))
        middle = data[start:end]
        if kind == "set":
            data = data[:start] + new + data[start + len(new) :]
        elif kind == "cut":
            data = data[:start] + data[min(end, start + 40) :]
        elif kind == "double":
            data = data[:end] + middle + data[end:]
        elif kind == "insert":
            data = data[:start] + new + data[start:]
        else:
            data = data[:start] + middle[::-1] + data[end:]
    return data


@pytest.mark.parametrize("form", sorted(READ))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=damage)
def test_a_damaged_file_is_read_in_part_or_refused(tmp_path, form, steps):
    path = tmp_path / "a.dat"
    path.write_bytes(damaged(whole(form, tmp_path), steps))
    spec = make_spec(tmp_path, READ[form])
    try:
        members = expand(path)
    except ReadError as error:
        assert str(path) in str(error)
        return
    for member in members:
        found = recognise(member.path, SourceCatalog({spec.name: spec}))
        assert found.status in ("recognised", "unrecognised", "unreadable", "empty", "ambiguous")
        assert str(member.path) in found.message
        out = tmp_path / "out.parquet"
        out.unlink(missing_ok=True)
        try:
            result = parse(member.path, spec, out)
        except ReadError:
            assert not out.exists()
        else:
            assert out.exists()
            assert pq.read_metadata(out).num_rows == result.row_count
    assert not list(tmp_path.glob("*.part"))

"""JSON lines and documents: keys become columns, numbers keep their digits, broken records are problems."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.read_json import parse_json, parse_ndjson
from sources.writing import ParsedWriter
from tests.sources.core.helpers import make_spec, read_rows

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_values_are_text_and_nested_ones_stay_json(tmp_path):
    path = tmp_path / "a.ndjson"
    lines = [
        '{"id": 12345678901234567890123, "ok": true, "none": null, "empty": "", "n": 1.5}',
        "",
        '{"id": "x", "via": {"a": [1, 2]}, "tags": [], "a/b\\"~c": "é", "ID": 2}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    _, rows = read_rows(path, make_spec(tmp_path, {"format": "ndjson"}))
    first, second = rows
    assert (first["id"], first["ok"], first["none"], first["empty"], first["n"]) == (
        "12345678901234567890123", "true", None, None, "1.5",
    )  # fmt: skip
    assert (second["via"], second["tags"], second['a/b"~c'], second["ID_2"]) == ('{"a":[1,2]}', "[]", "é", "2")
    assert [row["_line"] for row in rows] == [1, 3]


def test_lines_that_are_no_objects_are_problems(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"id": 1}\n{"id": \n[1]\n{"id": "caf\xe9"}\n7\n{"id": 2}\n')
    _, rows = read_rows(path, make_spec(tmp_path, {"format": "ndjson"}))
    assert [row["id"] for row in rows] == ["1", None, None, None, None, "2"]
    assert [row["_problem"] and row["_problem"].split(":")[0] for row in rows] == [
        None, "not a JSON object", "not a JSON object", "invalid utf-8", "not a JSON object", None,
    ]  # fmt: skip
    assert [row["_raw"] for row in rows][1:4] == ['{"id": ', "[1]", '{"id": "caf\\xe9"}']
    assert [row["_line"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_columns_that_turn_up_late_are_there_for_all_rows(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps({"id": n} | ({"late": n} if n > 250 else {})) + "\n" for n in range(300)))
    out = tmp_path / "o.parquet"
    with ParsedWriter(out) as writer:
        parse_ndjson(path, make_spec(tmp_path, {"format": "ndjson"}), writer, 500)
    table = pq.read_table(out)
    assert table["late"].to_pylist() == [None] * 251 + [str(n) for n in range(251, 300)]
    assert table["_row"].to_pylist() == list(range(1, 301))
    assert list(tmp_path.glob("*.part")) == list(tmp_path.glob(".*.part")) == []


record = st.dictionaries(
    st.sampled_from(["id", "a b", "ü", "x.y"]),
    st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.lists(st.integers(), max_size=2)),
    max_size=4,
)


@QUICK
@given(records=st.lists(record, max_size=6), block=st.sampled_from([7, 50, 10_000]), indent=st.sampled_from([None, 2]))
def test_a_document_and_its_lines_give_the_same_rows(tmp_path, records, block, indent):
    lines, document = tmp_path / "a.ndjson", tmp_path / "a.json"
    lines.write_text("".join(json.dumps(item) + "\n" for item in records), encoding="utf-8")
    document.write_text(
        json.dumps({"meta": {"rows": [1]}, "data": {"rows": records}, "after": 1}, indent=indent, ensure_ascii=False),
        encoding="utf-8",
    )
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    with ParsedWriter(one) as writer:
        parse_ndjson(lines, make_spec(tmp_path, {"format": "ndjson"}), writer, max(block, 200))
    with ParsedWriter(two) as writer:
        parse_json(document, make_spec(tmp_path, {"format": "json", "record": "data.rows"}), writer, block)
    rows = [pq.read_table(out).drop_columns(["_line"]).to_pylist() for out in (one, two)]
    # A document knows no line for a record; all else is alike.
    assert [{k: v for k, v in row.items() if v is not None} for row in rows[0]] == [
        {k: v for k, v in row.items() if v is not None} for row in rows[1]
    ]
    assert len(rows[0]) == len(records)
    assert not any(row["_problem"] for row in rows[0])


@pytest.mark.parametrize(
    ("text", "good", "says"),
    [
        ('[{"id": 1}, {"id": 2}, {"id":', 2, "invalid JSON"),
        ('[{"id": 1} {"id": 2}]', 1, "expected , or ]"),
        ('{"id": 1}', 1, None),
        ('{"other": []}', 0, "no 'rows'"),
        ("[" * 100_000, 0, "invalid JSON"),
    ],
)
def test_a_document_that_breaks_off(tmp_path, text, good, says):
    path = tmp_path / "a.json"
    path.write_text(text)
    record = "rows" if says and "rows" in says else ""
    _, rows = read_rows(path, make_spec(tmp_path, {"format": "json", **({"record": record} if record else {})}))
    assert len([row for row in rows if row["_problem"] is None]) == good
    if says:
        assert says in rows[-1]["_problem"]

"""Nested records as columns: flattened JSON and XML, XES events, OCEL events, eExact orders."""

from __future__ import annotations

import gzip
import json

import pytest

from sources.archive import ReadError
from sources.read import parse
from sources.recognise import recognise
from sources.spec import SourceCatalog, SpecError
from tests.sources.core.helpers import SHARED, make_spec, read_rows, type_rows

RECORDS = [
    {"id": 1, "who": {"mail": "a@example.org", "at": {"city": "Delft", "zip": "2611"}}, "lines": [{"n": 1}]},
    {"id": 2, "who": None, "odd/name~": {"x": 12345678901234567890}},
    {"id": 3, "who": "text", "lines": []},
    {"id": 4, "who": {}, "who.mail": "own key"},
]


def cells(result, rows):
    return [{name: row[name] for name in result.columns if row[name] is not None} for row in rows]


@pytest.mark.parametrize("form", ["ndjson", "json"])
def test_objects_in_json_become_dotted_columns(tmp_path, form):
    text = json.dumps({"a": {"b": RECORDS}}) if form == "json" else "\n".join(map(json.dumps, RECORDS))
    path = tmp_path / "a.json"
    path.write_text(text)
    read = {"format": form, "flatten": True} | ({"record": "a.b"} if form == "json" else {})
    result, rows = read_rows(path, make_spec(tmp_path, read))
    found = cells(result, rows)
    assert found[0] == {
        "id": "1", "who.mail": "a@example.org", "who.at.city": "Delft", "who.at.zip": "2611", "lines": '[{"n":1}]'
    }  # fmt: skip
    assert found[1] == {"id": "2", "odd/name~.x": "12345678901234567890"}
    assert found[2] == {"id": "3", "who": "text", "lines": "[]"}
    assert found[3] == {"id": "4", "who.mail_2": "own key"}


def test_only_the_named_objects_are_taken_apart(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(RECORDS[0]))
    result, rows = read_rows(path, make_spec(tmp_path, {"format": "ndjson", "flatten": ["who"]}))
    assert cells(result, rows) == [
        {"id": "1", "who.mail": "a@example.org", "who.at": '{"city":"Delft","zip":"2611"}', "lines": '[{"n":1}]'}
    ]


def test_too_many_keys_are_no_table(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({f"k{n}": n for n in range(6_000)}))
    with pytest.raises(ReadError, match="more than 5,000 keys"):
        parse(path, make_spec(tmp_path, {"format": "ndjson"}), tmp_path / "out.parquet")


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="trace"><string key="concept:name" value="unknown"/></global>
  <string key="source" value="counter"/>
  <trace>
    <string key="concept:name" value="case-1"/>
    <string key="channel" value="Desk"/>
    <event>
      <string key="concept:name" value="Receive"/>
      <date key="time:timestamp" value="2026-03-04T10:00:00+01:00"/>
      <int key="cost" value="7"><string key="unit" value="EUR"/></int>
      <boolean key="done" value="true"/>
    </event>
    <event>
      <string key="concept:name" value="Check"/>
      <date key="time:timestamp" value="2026-03-05T10:00:00Z"/>
      <string key="tag" value="a"/><string key="tag" value="b"/>
    </event>
  </trace>
  <trace>
    <event><string key="concept:name" value="Lost"/></event>
  </trace>
</log>
"""


def xes_spec(tmp_path):
    return make_spec(
        tmp_path,
        {
            "format": "xml",
            "record": "event",
            "parent": {"trace": {"concept:name": "case", "channel": "channel"}},
            "key_value": {"element": ["string", "date", "int", "float", "boolean", "id"]},
        },
        recognise={"content": "<log[^>]*xes"},
        columns={"time:timestamp": {"type": "timestamp"}, "cost": {"type": "integer"}},
    )


def test_xes_events_with_their_case(tmp_path):
    path = tmp_path / "log.xes.gz"
    path.write_bytes(gzip.compress(XES.encode()))
    spec = xes_spec(tmp_path)
    assert recognise(path, SourceCatalog({spec.name: spec})).export == spec.name
    result, rows = read_rows(path, spec)
    assert cells(result, rows) == [
        {"case": "case-1", "channel": "Desk", "concept:name": "Receive", "time:timestamp": "2026-03-04T10:00:00+01:00",
         "cost": "7", "cost.unit": "EUR", "done": "true"},
        {"case": "case-1", "channel": "Desk", "concept:name": "Check", "time:timestamp": "2026-03-05T10:00:00Z",
         "tag": '["a","b"]'},
        {"concept:name": "Lost"},
    ]  # fmt: skip
    assert [row["cost"] for row in type_rows(path, spec)] == [7, None, None]


def test_key_value_is_for_xml_only(tmp_path):
    with pytest.raises(SpecError, match="key_value is for xml"):
        make_spec(tmp_path, {"format": "csv", "key_value": {"element": "string"}})


def shared(*parts):
    path = SHARED.joinpath("exports", *parts)
    if not path.exists():
        pytest.skip("the shared data folder is not beside the checkout")
    return path


@pytest.mark.shared
def test_ocel_events_of_the_published_example(tmp_path):
    path = tmp_path / "ocel.json"
    path.write_bytes(shared("process_logs", "ocel20_example.json").read_bytes())
    spec = make_spec(tmp_path, {"format": "json", "record": "events"}, recognise={"content": '"objectTypes"'})
    assert recognise(path, SourceCatalog({spec.name: spec})).export == spec.name
    result, rows = read_rows(path, spec)
    assert result.columns == ("id", "type", "time", "attributes", "relationships")
    assert (rows[0]["id"], rows[0]["type"]) == ("e1", "Create Purchase Requisition")
    assert json.loads(rows[0]["relationships"]) == [{"objectId": "PR1", "qualifier": "Regular placement of PR"}]
    assert len(rows) == 13


@pytest.mark.shared
def test_orders_of_exact_online(tmp_path):
    path = tmp_path / "orders.xml"
    path.write_bytes(shared("_format_fixtures", "exact_orders.xml").read_bytes())
    spec = make_spec(tmp_path, {"format": "xml", "record": "Order", "flatten": True}, recognise={"content": "<eExact"})
    result, (row,) = read_rows(path, spec)
    assert cells(result, [row]) == [
        {"@type": "V", "@number": "26700012", "@partialdelivery": "1", "@confirm": "0", "Description": "Webshop #1001",
         "YourRef": "1001", "Currency.@code": "EUR", "OrderedBy.Debtor.@code": "10001",
         "OrderedBy.Debtor.@number": "10001", "OrderedBy.Debtor.@type": "C", "OrderedBy.Debtor.Name": "Anna de Vries"}
    ]  # fmt: skip

"""Journeys as XES and OCEL 2.0, read back with plain XML and JSON readers."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from pipelines.process import export_process, tag
from tests.sql.runner import CASES, Room, case_room

XES = "{http://www.xes-standard.org/}"


@pytest.fixture(scope="module")
def small() -> Room:
    room = case_room(CASES / "drop_off_point" / "small_company")
    for name in ("touchpoint", "journey", "journey_step"):
        room.build(name)
    room.connection.execute(
        "update touchpoint set objects = [{'type': 'order', 'id': '7', 'qualifier': 'subject'},"
        " {'type': 'invoice', 'id': '7', 'qualifier': 'bill'}] where touchpoint_id = 4"
    )
    return room


def test_xes_has_a_trace_per_journey_and_an_event_per_step(small: Room, tmp_path: Path) -> None:
    out = tmp_path / "log.xes"
    assert export_process(small.connection, "purchase", "xes", out) == (5, 11)
    log = ElementTree.parse(out).getroot()
    assert log.tag == f"{XES}log"
    ways = {}
    for trace in log.iter(f"{XES}trace"):
        values = {item.get("key"): item.get("value") for item in trace.findall(f"{XES}string")}
        events = [{item.get("key"): item.get("value") for item in event} for event in trace.findall(f"{XES}event")]
        ways[values["customer_id"]] = (values["status"], [event["concept:name"] for event in events])
        times = [event["time:timestamp"] for event in events]
        assert times == sorted(times)
    assert ways["1"] == ("converted", ["cart_updated", "cart_updated", "checkout_started", "order_placed"])
    assert ways["2"] == ("dropped", ["cart_updated", "checkout_started"])
    assert list(tmp_path.iterdir()) == [out]


def test_ocel_relates_one_touchpoint_to_all_it_concerns(small: Room, tmp_path: Path) -> None:
    out = tmp_path / "log.json.gz"
    assert export_process(small.connection, "purchase", "ocel", out) == (5, 11)
    with gzip.open(out, "rt", encoding="utf-8") as file:
        log = json.load(file)
    assert set(log) == {"objectTypes", "eventTypes", "objects", "events"}
    known = {item["id"]: item["type"] for item in log["objects"]}
    assert len(known) == len(log["objects"])
    assert {item["name"] for item in log["objectTypes"]} >= set(known.values())
    assert {item["name"] for item in log["eventTypes"]} == {event["type"] for event in log["events"]}
    for event in log["events"]:
        assert {item["objectId"] for item in event["relationships"]} <= set(known)
    (order,) = [event for event in log["events"] if event["id"] == "4"]
    related = {known[item["objectId"]]: item["qualifier"] for item in order["relationships"]}
    assert related == {
        "customer": "customer",
        "journey": "journey",
        "object.order": "subject",
        "object.invoice": "bill",
    }
    assert order["time"] == "2024-01-01T00:03:00.000+00:00"
    assert {"name": "amount_base", "value": 10.0} in order["attributes"]
    statuses = [item["attributes"][0]["value"] for item in log["objects"] if item["type"] == "journey"]
    assert sorted(statuses) == ["converted", "converted", "dropped", "dropped", "open"]


def test_a_log_that_fails_leaves_no_file(small: Room, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        export_process(small.connection, "purchase", "csv", tmp_path / "log.csv")
    assert list(tmp_path.iterdir()) == []


def test_values_are_escaped_for_xml() -> None:
    text = tag("string", 'a"b', "x<\x00&>\x1f").strip()
    element = ElementTree.fromstring(text)
    assert (element.get("key"), element.get("value")) == ('a"b', "x<&>")

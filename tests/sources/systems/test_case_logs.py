"""Case and event logs: the municipal receipt log, a helpdesk log, OCEL and XES, checked by hand on the real files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_wabo_intake_online_and_offline(run: Run, shared: Path) -> None:
    mapped = run("wabo.receipt", shared / "process_logs" / "wabo_receipt.csv")
    assert mapped.balances()
    # 1,434 cases; letters: T05 1,300, T15 39, T20 20; the other steps are internal.
    assert mapped.row_count == 8577
    assert mapped.skipped == {"internal_step": 8577 - 1434 - 1300 - 39 - 20}
    opened = mapped.where(touchpoint_type="ticket_opened")
    intake = Counter((row["channel_detail"], row["channel"], row["medium"]) for row in opened)
    assert intake == {
        ("Internet", "website", None): 1250,
        ("Desk", "premises", "offline"): 109,
        ("Post", "print", "offline"): 53,
        ("e-mail", "email", None): 21,
        ("Intern", None, None): 1,
    }
    assert len(mapped.where(touchpoint_type="ticket_replied")) == 1359
    # Case 10011 came in on 11 October 2011, 13:42:22.688 summer time, and has no end yet.
    case = mapped.of_object("case", "case-10011")
    assert (case[0]["touchpoint_type"], case[0]["occurred_at"]) == (
        "ticket_opened",
        datetime(2011, 10, 11, 11, 42, 22, 688000),
    )
    assert "ticket_resolved" not in {row["touchpoint_type"] for row in case}
    assert identifiers(case[0]) == {("wabo.case", "case-10011")}
    assert case[0]["attributes"]["intake"] == "Internet"


@pytest.mark.shared
def test_helpdesk_log(run: Run, shared: Path) -> None:
    mapped = run("case_log.event", shared / "process_logs" / "helpdesk_italy.csv")
    assert mapped.balances()
    assert mapped.row_count == 5568
    assert mapped.types == {"ticket_opened": 29, "ticket_resolved": 1300, "appointment_booked": 1}
    [solved] = mapped.of_object("case", "Case 1")
    assert (solved["touchpoint_type"], solved["occurred_at"]) == ("ticket_resolved", datetime(2012, 10, 25, 11, 54, 26))
    assert identifiers(solved) == {("case_log.case", "Case 1"), ("case_log.customer", "Value 1")}


def test_case_log_under_other_headings_and_with_unknown_words(run_text: Run) -> None:
    mapped = run_text(
        "case_log.event",
        "Case ID,Activity,Complete Timestamp,Resource,email\n"
        "Z1,Melding,2026-03-01T10:00:00+01:00,kim,anna@example.org\n"
        "Z1,Heropend,2026-03-02T10:00:00+01:00,kim,\n"
        "Z1,Dansen,2026-03-03T10:00:00+01:00,kim,\n"
        "Z1,Wait,2026-03-03T11:00:00+01:00,kim,\n",
    )
    assert mapped.balances() and mapped.skipped == {"internal_step": 1}
    assert [(row["touchpoint_type"], row["raw_type"]) for row in mapped.where()] == [
        ("ticket_opened", "Melding"),
        ("ticket_reopened", "Heropend"),
        ("unmapped", "Dansen"),
    ]
    assert mapped.where()[0]["occurred_at"] == datetime(2026, 3, 1, 9)


@pytest.mark.shared
def test_ocel_event_keeps_all_its_objects(run: Run, shared: Path) -> None:
    log = shared / "process_logs" / "ocel20_example.json"
    mapped = run("ocel.event", log, object=log)
    assert mapped.balances() and mapped.row_count == 13
    first = mapped.where()[0]
    assert (first["raw_type"], first["occurred_at"]) == ("Create Purchase Requisition", datetime(2022, 1, 9, 14))
    assert first["objects"] == [{"type": "purchase requisition", "id": "PR1", "qualifier": "Regular placement of PR"}]
    paid = mapped.of_object("payment", "P2")
    assert {(item["type"], item["id"]) for item in paid[0]["objects"]} == {("payment", "P2"), ("invoice", "R2")}
    # Purchasing has no words of the catalogue, and its objects are no people's.
    assert mapped.types == {"unmapped": 13}
    assert {row["identifiers"] for row in mapped.rows} == {None}


@pytest.mark.shared
def test_ocel_csv_of_orders(run: Run, shared: Path) -> None:
    mapped = run("ocel.event_csv", shared / "process_logs" / "ocel_order_simulated.csv")
    assert mapped.balances()
    assert mapped.types == {
        "order_placed": 2000,
        "order_confirmed": 2000,
        "payment_received": 2000,
        "invoice_overdue": 514,
        "order_shipped": 1325,
        "order_delivered": 1325,
        "delivery_failed": 391,
        # create package: the only event that has both order lines and parcel
        "unmapped": 1325,
    }
    [placed] = mapped.where(touchpoint_type="order_placed", occurred_at=datetime(2019, 5, 20, 7, 7, 47))
    assert identifiers(placed) == {("ocel.order", "990001")} | {("ocel.item", f"88000{n}") for n in (1, 2, 3, 4)}
    assert placed["amount"] == 524.96
    failed = mapped.where(touchpoint_type="delivery_failed")[0]
    assert (failed["occurred_at"], identifiers(failed)) == (
        datetime(2019, 5, 23, 12, 48, 41),
        {("ocel.package", "660001")},
    )


def test_ocel_json_of_orders_identifies_by_orders_and_parcels_only(run_text: Run) -> None:
    log = (
        '{"objectTypes": [], "eventTypes": [], "objects": [{"id": "o1", "type": "orders"}, {"id": "p1", "type": "packages"}, '
        '{"id": "a1", "type": "products"}], "events": [{"id": "e1", "type": "send package", "time": "2026-03-01T10:00:00Z", '
        '"relationships": [{"objectId": "o1", "qualifier": "order"}, {"objectId": "p1", "qualifier": "parcel"}, '
        '{"objectId": "a1", "qualifier": "content"}]}, {"id": "e2", "type": "pick item", "time": "2026-03-01T09:00:00Z"}]}'
    )
    mapped = run_text("ocel.event", log, object=log)
    assert mapped.balances() and mapped.skipped == {"internal_step": 1}
    [row] = mapped.rows
    assert (row["touchpoint_type"], identifiers(row)) == (
        "order_shipped",
        {("ocel.order", "o1"), ("ocel.package", "p1")},
    )
    assert {"type": "products", "id": "a1", "qualifier": "content"} in row["objects"]


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <string key="concept:name" value="tickets"/>
  <trace>
    <string key="concept:name" value="T-1"/>
    <string key="customer_number" value="0010001"/>
    <event>
      <string key="concept:name" value="Create ticket"/>
      <date key="time:timestamp" value="2026-03-01T10:00:00.000+01:00"/>
      <string key="lifecycle:transition" value="complete"/>
    </event>
    <event>
      <string key="concept:name" value="Resolve ticket"/>
      <date key="time:timestamp" value="2026-03-02T10:00:00.000+01:00"/>
      <string key="lifecycle:transition" value="start"/>
    </event>
    <event>
      <string key="concept:name" value="Resolve ticket"/>
      <date key="time:timestamp" value="2026-03-02T11:00:00.000+01:00"/>
      <string key="org:resource" value="kim"/>
      <string key="lifecycle:transition" value="complete"/>
    </event>
  </trace>
  <trace>
    <string key="concept:name" value="T-2"/>
    <event>
      <string key="concept:name" value="Wait"/>
      <date key="time:timestamp" value="2026-03-02T11:00:00.000+01:00"/>
    </event>
  </trace>
</log>
"""


def test_xes_events_know_their_case(run_text: Run) -> None:
    mapped = run_text("xes.event", XES)
    assert mapped.balances()
    assert mapped.skipped == {"internal_step": 1, "not_completed": 1}
    opened, solved = mapped.where()
    assert (opened["touchpoint_type"], opened["occurred_at"]) == ("ticket_opened", datetime(2026, 3, 1, 9))
    assert identifiers(opened) == {("xes.case", "T-1"), ("customer_number", "10001")}
    assert (solved["touchpoint_type"], solved["agent_id"]) == ("ticket_resolved", "kim")

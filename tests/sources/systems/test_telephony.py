"""Amazon Connect and Asterisk: sides, waits, who gave up; the layouts of a call detail record without a header."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_connect_call_with_survey_and_bot(run: Run, shared: Path) -> None:
    mapped = run("amazon_connect.contact", shared / "_format_fixtures" / "amazon_connect_ctr.jsonl")
    assert mapped.balances()
    call, answer = mapped.of_object("contact", "c-9")
    assert (call["touchpoint_type"], call["occurred_at"]) == ("call_inbound", datetime(2026, 3, 12, 13, 8))
    # Asked in at 13:08, with an agent at 13:10 for 180 seconds.
    assert (call["waiting_seconds"], call["duration_seconds"], call["outcome"]) == (120, 180, "success")
    assert (call["channel_detail"], call["agent_id"]) == ("Billing", "agent1")
    assert identifiers(call) == {("phone", "+31600000002")}
    assert (answer["touchpoint_type"], answer["occurred_at"]) == ("survey_answered", datetime(2026, 3, 12, 13, 14))
    assert [answer[name] for name in ("score_kind", "score_raw", "score_min", "score_max")] == ["csat", 4, 1, 5]
    [chat] = mapped.of_object("contact", "c-10")
    assert (chat["touchpoint_type"], chat["duration_seconds"], identifiers(chat)) == ("chatbot", 240, set())


def contact(number: str, **changes: Any) -> str:
    record = {
        "AWSAccountId": "0",
        "Agent": None,
        "Attributes": {"customer_number": "0010001"},
        "Channel": "VOICE",
        "ContactId": number,
        "CustomerEndpoint": {"Address": "+31600000002", "Type": "TELEPHONE_NUMBER"},
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-03-12T13:00:00Z",
        "DisconnectTimestamp": "2026-03-12T13:01:30Z",
        "Queue": {"Name": "Sales"},
    }
    return json.dumps(record | changes) + "\n"


def test_connect_given_up_transferred_and_internal(run_text: Run) -> None:
    mapped = run_text(
        "amazon_connect.contact",
        contact("1")
        + contact("2", InitiationMethod="OUTBOUND", Queue=None)
        + contact("3", InitiationMethod="TRANSFER")
        + contact("4", Channel="TASK")
        + contact("5", Channel="EMAIL", CustomerEndpoint={"Address": "anna@example.org", "Type": "EMAIL_ADDRESS"})
        + contact("6", Channel="SMOKE"),
    )
    assert mapped.balances() and mapped.skipped == {"later_leg": 1, "internal_contact": 1}
    [lost] = mapped.of_object("contact", "1")
    assert (lost["outcome"], lost["waiting_seconds"]) == ("abandoned", 90)
    assert ("customer_number", "10001") in identifiers(lost)
    [called] = mapped.of_object("contact", "2")
    assert (called["touchpoint_type"], called["outcome"], called["waiting_seconds"]) == (
        "call_outbound",
        "no_answer",
        None,
    )
    [mail] = mapped.of_object("contact", "5")
    assert mail["touchpoint_type"] == "email_received" and ("email", "anna@example.org") in identifiers(mail)
    assert [row["raw_type"] for row in mapped.where(touchpoint_type="unmapped")] == ["SMOKE"]


def record(
    src: str, dst: str, start: str, answer: str, end: str, billsec: int, disposition: str, tail: str = ""
) -> str:
    text = ["", src, dst, "from-trunk", f'""X"" <{src}>', "SIP/trunk-1", "SIP/201-2", "Dial", "SIP/201,20,tr"]
    duration = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).seconds
    cells = [*text, start, answer, end]
    return ",".join(f'"{cell}"' for cell in cells) + f',{duration},{billsec},"{disposition}","DOCUMENTATION"{tail}\n'


TEN = "2026-03-01 10:00:00"
INBOUND = ("0600000002", "201", TEN, "2026-03-01 10:00:12", "2026-03-01 10:02:12", 120, "ANSWERED")
LOST = ("0600000003", "201", TEN, "", "2026-03-01 10:00:30", 0, "NO ANSWER")
OUTBOUND = ("201", "0600000004", TEN, "", "2026-03-01 10:00:20", 0, "NO ANSWER")
INTERNAL = ("201", "202", TEN, TEN, "2026-03-01 10:00:20", 20, "ANSWERED")
LAYOUTS = {
    "call": ',"1772355600.1","note"',
    "call_unique": ',"1772355600.1"',
    "call_plain": "",
}


@pytest.mark.parametrize("export", LAYOUTS)
def test_asterisk_layout_is_told_by_its_content(catalog: SourceCatalog, tmp_path: Path, export: str) -> None:
    path = tmp_path / "whatever.txt"
    path.write_text(record(*INBOUND, tail=LAYOUTS[export]) + record(*LOST, tail=LAYOUTS[export]), encoding="utf-8")
    found = recognise(path, catalog)
    assert found.exports == (f"asterisk.{export}",), found.message


def test_asterisk_sides_waits_and_who_gave_up(run_text: Run) -> None:
    text = "".join(
        record(*call, tail=f',"1772355600.{number}",""')
        for number, call in enumerate((INBOUND, LOST, OUTBOUND, INTERNAL))
    )
    mapped = run_text("asterisk.call", text)
    assert mapped.balances() and mapped.skipped == {"internal_call": 1}
    [taken] = mapped.of_object("call", "1772355600.0")
    # Ten o'clock in Amsterdam.
    assert (taken["touchpoint_type"], taken["occurred_at"]) == ("call_inbound", datetime(2026, 3, 1, 9))
    assert (taken["waiting_seconds"], taken["duration_seconds"], taken["outcome"]) == (12, 120, "success")
    assert (identifiers(taken), taken["agent_id"]) == ({("phone", "0600000002")}, "201")
    [lost] = mapped.of_object("call", "1772355600.1")
    assert (lost["outcome"], lost["waiting_seconds"], lost["duration_seconds"]) == ("abandoned", 30, 0)
    [called] = mapped.of_object("call", "1772355600.2")
    assert (called["touchpoint_type"], called["outcome"]) == ("call_outbound", "no_answer")
    assert (identifiers(called), called["agent_id"], called["waiting_seconds"]) == (
        {("phone", "0600000004")},
        "201",
        None,
    )


def test_asterisk_telephones_that_rang_are_one_call(run_text: Run) -> None:
    tail = ',"1772355600.1"'
    other = record("0600000002", "202", TEN, "", "2026-03-01 10:00:12", 0, "NO ANSWER", tail)
    mapped = run_text("asterisk.call_unique", other + record(*INBOUND, tail=tail))
    assert mapped.balances() and (mapped.superseded, len(mapped.rows)) == (1, 1)
    assert mapped.rows[0]["outcome"] == "success"


def test_asterisk_without_identity_keeps_identical_lines(run_text: Run) -> None:
    mapped = run_text("asterisk.call_plain", record(*INBOUND) * 2)
    assert mapped.balances() and len(mapped.rows) == 2

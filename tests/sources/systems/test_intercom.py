"""Intercom: rows of the connector's tables checked by hand, and ratings, groups and bots that they do not have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]

CONVERSATION = (
    "id,updated_at,created_at,conversation_rating_created_at,conversation_rating_updated_at,conversation_rating_value,"
    "conversation_rating_remark,source_author_id,source_author_type,source_delivered_as,source_type,state\n"
)
PART = "id,updated_at,author_id,author_type,conversation_id,created_at,notified_at,part_type\n"
CONTACT_OF = "contact_id,conversation_id,conversation_updated_at\n"


@pytest.mark.shared
def test_conversations_of_the_tables(run: Run, shared: Path) -> None:
    folder = shared / "intercom_tables"
    mapped = run("intercom.conversation", folder / "conversation_history_data.csv")
    assert mapped.balances()
    # Nine versions of two conversations.
    assert (mapped.row_count, mapped.superseded, mapped.types) == (9, 7, {"chat": 2})
    first, second = mapped.where()
    assert (first["occurred_at"], second["occurred_at"]) == (
        datetime(2020, 10, 28, 23, 59, 37),
        datetime(2020, 11, 4, 3, 12, 3),
    )
    assert identifiers(first) == {("intercom.contact", "5f7295ca37f0d717d37dfddb")}
    # The newest version: closed on 2 November.
    assert (first["attributes"]["state"], first["agent_id"], first["direction"]) == ("closed", "4077639", None)


@pytest.mark.shared
def test_parts_contacts_and_companies_of_the_tables(run: Run, shared: Path) -> None:
    folder = shared / "intercom_tables"
    parts = run("intercom.conversation_part", folder / "conversation_part_history_data.csv")
    assert parts.balances()
    assert (parts.types, parts.skipped) == ({"ticket_resolved": 8}, {"internal_step": 1})
    assert parts.where()[0]["occurred_at"] == datetime(2020, 6, 8, 20, 57, 28)
    contacts = run("intercom.contact", folder / "contact_history_data.csv")
    assert contacts.balances() and len(contacts.rows) == 9
    # The addresses of this table are hashes, and the external ids are those of leads.
    assert {kind for row in contacts.rows for kind, _ in identifiers(row)} == {"intercom.contact"}
    assert {row["consent_email"] for row in contacts.rows} == {None}
    companies = run("intercom.company", folder / "company_history_data.csv")
    assert companies.balances()
    assert {row["party_type"] for row in companies.rows} == {"organisation"}
    assert ("intercom.company", "5f8efd11391867b82cd45b18") in identifiers(companies.rows[0]) | {
        pair for row in companies.rows for pair in identifiers(row)
    }


def test_ratings_asked_for_and_answered(run_text: Run) -> None:
    start = "2026-03-01 10:00:00"
    mapped = run_text(
        "intercom.conversation",
        CONVERSATION
        + f"1,{start},{start},2026-03-01 11:00:00,,,,c1,user,customer_initiated,conversation,closed\n"
        + f"2,{start},{start},2026-03-01 11:00:00,2026-03-01 12:00:00,2,slow,c2,user,customer_initiated,email,closed\n"
        + f"3,{start},{start},2026-03-01 11:00:00,,5,,c3,user,customer_initiated,conversation,closed\n"
        + f"4,{start},{start},,,,,a1,admin,admin_initiated,email,open\n",
        conversation_contact=CONTACT_OF + f"c4,4,{start}\n",
    )
    assert mapped.balances()
    asked = mapped.of_object("conversation", "1")
    assert [row["touchpoint_type"] for row in asked] == ["chat", "survey_sent"]
    assert asked[1]["score_raw"] is None
    received, sent, answered = mapped.of_object("conversation", "2")
    assert (received["touchpoint_type"], sent["touchpoint_type"]) == ("email_received", "survey_sent")
    assert (answered["occurred_at"], answered["score_raw"], answered["score_min"], answered["score_max"]) == (
        datetime(2026, 3, 1, 12),
        2,
        1,
        5,
    )
    assert answered["attributes"]["remark"] == "slow"
    # The time of the answer is not there: only the answer is told.
    assert [row["touchpoint_type"] for row in mapped.of_object("conversation", "3")] == ["chat", "survey_answered"]
    [mail] = mapped.of_object("conversation", "4")
    assert (mail["touchpoint_type"], identifiers(mail)) == ("email_sent", {("intercom.contact", "c4")})


def test_who_said_what(run_text: Run) -> None:
    at = "2026-03-01 10:00:00"
    mapped = run_text(
        "intercom.conversation_part",
        PART
        + f"1,{at},c1,user,7,{at},{at},comment\n2,{at},a1,admin,7,{at},{at},comment\n3,{at},b1,bot,7,{at},{at},comment\n"
        + f"4,{at},a1,admin,8,{at},{at},comment\n5,{at},c1,user,7,{at},{at},open\n6,{at},a1,admin,7,{at},{at},waved\n",
        conversation_contact=CONTACT_OF + f"c1,7,{at}\nc2,8,{at}\nc3,8,{at}\n",
    )
    assert mapped.balances()
    assert mapped.types == {"chat": 3, "chatbot": 1, "ticket_reopened": 1, "unmapped": 1}
    spoken = {
        (row["direction"], row["agent_id"], tuple(identifiers(row))) for row in mapped.where(touchpoint_type="chat")
    }
    assert spoken == {
        (None, None, (("intercom.contact", "c1"),)),
        ("outbound", "a1", (("intercom.contact", "c1"),)),
        # A group: whom the agent spoke to is not known.
        ("outbound", "a1", ()),
    }
    assert [row["raw_type"] for row in mapped.where(touchpoint_type="unmapped")] == ["waved"]


def test_external_id_of_a_user_is_the_customer_number(run_text: Run) -> None:
    mapped = run_text(
        "intercom.contact",
        "id,updated_at,role,external_id,signed_up_at,unsubscribed_from_emails,workspace_id,email\n"
        "1,2026-03-01 10:00:00,user,0010001,,true,w,anna@example.org\n"
        "2,2026-03-01 10:00:00,lead,0010002,,false,w,\n"
        "3,2026-03-01 10:00:00,admin,,,false,w,\n",
    )
    assert mapped.balances() and mapped.skipped == {"staff": 1}
    by_id = {dict(identifiers(row))["intercom.contact"]: row for row in mapped.rows}
    assert identifiers(by_id["1"]) == {
        ("intercom.contact", "1"),
        ("email", "anna@example.org"),
        ("customer_number", "10001"),
    }
    assert by_id["1"]["consent_email"] is False
    assert identifiers(by_id["2"]) == {("intercom.contact", "2")}

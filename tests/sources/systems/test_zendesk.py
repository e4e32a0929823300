"""Zendesk: records of the real API capture, checked by hand; and the cases that the capture does not have."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def ticket(**changes: Any) -> dict[str, Any]:
    record = {
        "id": 901,
        "via": {"channel": "email", "source": {"from": {"address": "anna@example.org"}, "to": {}, "rel": None}},
        "created_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-01T10:00:00Z",
        "type": "incident",
        "subject": "Help",
        "status": "open",
        "requester_id": 5001,
        "submitter_id": 5001,
        "assignee_id": None,
        "organization_id": 77,
        "problem_id": None,
        "tags": [],
    }
    return record | changes


@pytest.mark.shared
def test_tickets_of_the_capture(run: Run, shared: Path) -> None:
    tickets = run("zendesk.ticket", shared / "zendesk_api" / "tickets.jsonl")
    assert tickets.balances()
    assert tickets.types == {"ticket_opened": 14}
    first = tickets.of_object("ticket", "1")[0]
    assert first["occurred_at"] == datetime(2024, 1, 24, 14, 15, 15)
    assert (first["channel_detail"], first["raw_type"]) == ("sample_ticket", "incident")
    assert first["subject"] == "Sample ticket: Meet the ticket"
    assert identifiers(first) == {("zendesk.user", "23111599474068"), ("zendesk.ticket", "1")}
    assert first["attributes"]["priority"] == "normal"
    assert first["attributes"]["tags"] == ["sample", "support", "zendesk"]
    # An agent wrote it down: submitter 23111595978772.
    assert first["attributes"]["is_submitted_by_requester"] is False
    follow_up = tickets.of_object("ticket", "14")[0]
    assert {"type": "ticket", "id": "6", "qualifier": "follow_up_of"} in follow_up["objects"]
    assert follow_up["channel_detail"] == "web"


@pytest.mark.shared
def test_metrics_of_the_capture(run: Run, shared: Path) -> None:
    metrics = run("zendesk.ticket_metric", shared / "zendesk_api" / "ticket_metrics.jsonl")
    assert metrics.balances()
    # Tickets 14 and 1: no reply time, not solved.
    assert metrics.skipped == {"neither_replied_nor_solved": 2}
    assert metrics.types == {"ticket_replied": 12, "ticket_resolved": 1}
    # Ticket 13: made 14:18:03, first reply after 1 minute.
    [reply] = metrics.of_object("ticket", "13")
    assert (reply["occurred_at"], reply["occurred_at_precision"]) == (datetime(2024, 1, 24, 14, 19, 3), "minute")
    assert reply["waiting_seconds"] == 60
    assert reply["attributes"]["reply_count"] == 2
    solved = metrics.of_object("ticket", "6")[-1]
    assert (solved["touchpoint_type"], solved["occurred_at"]) == ("ticket_resolved", datetime(2024, 1, 24, 20, 12, 2))
    assert identifiers(solved) == {("zendesk.ticket", "6")}


@pytest.mark.shared
def test_users_of_the_capture(run: Run, shared: Path) -> None:
    users = run("zendesk.user", shared / "zendesk_api" / "users.jsonl")
    assert users.balances()
    assert users.skipped == {"staff": 2}
    [ingrid] = [row for row in users.rows if ("zendesk.user", "23111664467476") in identifiers(row)]
    assert identifiers(ingrid) == {("zendesk.user", "23111664467476"), ("email", "ingrid.vandijk@example.com")}
    assert ingrid["language"] == "en"


@pytest.mark.shared
def test_ratings_of_the_capture(run: Run, shared: Path) -> None:
    ratings = run("zendesk.satisfaction_rating", shared / "zendesk_api" / "satisfaction_ratings.jsonl")
    assert ratings.balances()
    [offered] = ratings.of_object("ticket", "15")
    assert (offered["touchpoint_type"], offered["occurred_at"]) == ("survey_sent", datetime(2024, 2, 7, 21, 51, 23))
    assert (offered["score_kind"], offered["score_raw"]) == (None, None)
    sent, answered = ratings.of_object("ticket", "6")
    assert (sent["touchpoint_type"], sent["occurred_at"]) == ("survey_sent", datetime(2024, 2, 8, 0, 35, 21))
    assert (answered["touchpoint_type"], answered["occurred_at"]) == (
        "survey_answered",
        datetime(2024, 2, 8, 0, 47, 21),
    )
    assert [answered[name] for name in ("score_kind", "score_raw", "score_min", "score_max")] == ["csat", 1, 0, 1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tags": ["klacht"]}, "complaint"),
        ({"type": "problem", "tags": ["vip", "klage"]}, "complaint"),
        ({"type": "question", "tags": ["complaint"]}, "ticket_opened"),
        ({"tags": ["complaints_team"]}, "ticket_opened"),
    ],
)
def test_what_makes_a_complaint(run_text: Run, changes: dict[str, Any], expected: str) -> None:
    assert run_text("zendesk.ticket", lines(ticket(**changes))).types == {expected: 1}


def test_sender_of_a_mail_is_an_identifier_and_the_organisation_is_not(run_text: Run) -> None:
    [row] = run_text("zendesk.ticket", lines(ticket())).rows
    assert identifiers(row) == {("zendesk.user", "5001"), ("zendesk.ticket", "901"), ("email", "anna@example.org")}
    assert {"type": "organisation", "id": "77", "qualifier": "requester"} in row["objects"]


def test_phoned_in_ticket_is_offline(run_text: Run) -> None:
    call = {"channel": "voice", "source": {"from": {"phone": "+31190000099"}, "to": {}, "rel": "inbound"}}
    [row] = run_text("zendesk.ticket", lines(ticket(via=call))).rows
    assert (row["channel_detail"], row["medium"]) == ("voice", "offline")
    assert ("phone", "+31190000099") in identifiers(row)


def test_later_copy_of_a_ticket_wins_and_a_deleted_one_is_named(run_text: Run) -> None:
    mapped = run_text(
        "zendesk.ticket",
        lines(
            ticket(status="solved", updated_at="2026-03-02T10:00:00Z"),
            ticket(),
            ticket(id=902, status="deleted"),
        ),
    )
    assert mapped.balances()
    assert (mapped.superseded, mapped.skipped) == (1, {"deleted_ticket": 1})
    [row] = mapped.rows
    assert row["attributes"]["status"] == "solved"


def test_ratings_that_are_bad_odd_or_never_offered(run_text: Run) -> None:
    base = {"requester_id": 5001, "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T11:00:00Z"}
    mapped = run_text(
        "zendesk.satisfaction_rating",
        lines(
            base | {"id": 1, "ticket_id": 1, "score": "bad"},
            base | {"id": 2, "ticket_id": 2, "score": "unoffered"},
            base | {"id": 3, "ticket_id": 3, "score": "meh"},
            base | {"id": 4, "ticket_id": 4, "score": "good", "updated_at": "2026-03-01T10:00:00Z"},
        ),
    )
    assert mapped.balances()
    assert mapped.skipped == {"not_offered": 1}
    assert [row["score_raw"] for row in mapped.of_object("ticket", "1")] == [None, 0]
    [odd] = mapped.of_object("ticket", "3")
    assert (odd["touchpoint_type"], odd["raw_type"], odd["score_raw"]) == ("unmapped", "meh", None)
    assert [row["touchpoint_type"] for row in mapped.of_object("ticket", "4")] == ["survey_answered"]


def test_shared_phone_identifies_nobody_and_the_external_id_is_the_customer_number(run_text: Run) -> None:
    base = {
        "name": "A",
        "role": "end-user",
        "created_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-01T10:00:00Z",
        "verified": True,
        "suspended": False,
    }
    mapped = run_text(
        "zendesk.user",
        lines(
            base | {"id": 1, "email": "a@example.org", "phone": "+31190000010", "shared_phone_number": True},
            base
            | {"id": 2, "email": None, "phone": "+31190000011", "shared_phone_number": False, "external_id": "0010001"},
        ),
    )
    assert mapped.balances()
    by_id = {dict(identifiers(row))["zendesk.user"]: row for row in mapped.rows}
    assert identifiers(by_id["1"]) == {("zendesk.user", "1"), ("email", "a@example.org")}
    assert by_id["1"]["phone"] == "+31190000010"
    assert identifiers(by_id["2"]) == {("zendesk.user", "2"), ("phone", "+31190000011"), ("customer_number", "10001")}


@pytest.mark.shared
def test_csv_export_of_tickets(run: Run, shared: Path) -> None:
    mapped = run("zendesk.ticket_export", shared / "_format_fixtures" / "zendesk_tickets_export.csv")
    assert mapped.balances() and mapped.row_count == 2
    opened, solved, answered = mapped.of_object("ticket", "4711")
    assert (opened["touchpoint_type"], opened["occurred_at"]) == ("ticket_opened", datetime(2026, 3, 6, 9, 15))
    assert (opened["occurred_at_precision"], opened["medium"], opened["channel_detail"]) == ("minute", None, "Mail")
    assert identifiers(opened) == {
        ("zendesk.user", "9001"),
        ("zendesk.ticket", "4711"),
        ("email", "anna.devries@example.com"),
        ("customer_number", "10001"),
    }
    assert (solved["touchpoint_type"], solved["occurred_at"]) == ("ticket_resolved", datetime(2026, 3, 7, 16, 40))
    # Good, on an unknown day: the ticket's last change.
    assert (answered["touchpoint_type"], answered["occurred_at"]) == ("survey_answered", datetime(2026, 3, 9, 8))
    assert [answered[name] for name in ("score_kind", "score_raw", "score_min", "score_max")] == ["csat", 1, 0, 1]
    assert answered["attributes"]["is_time_estimated"] is True
    offered, called = mapped.of_object("ticket", "4712")  # the same minute: in order of their names
    assert (called["channel_detail"], called["medium"]) == ("Phone call (incoming)", "offline")
    assert called["subject"] == "Where is my refund?\nSecond request"
    # Offered is a survey sent, not a score.
    assert (offered["touchpoint_type"], offered["score_raw"]) == ("survey_sent", None)


def test_csv_export_complaint_reply_and_deleted(run_text: Run) -> None:
    head = (
        "Id,Requester,Requester id,Requester email,Subject,Tags,Status,Via,Ticket type,Created at,Solved at,Satisfaction Score,"
        "First reply time in minutes,Full resolution time in minutes\n"
    )
    mapped = run_text(
        "zendesk.ticket_export",
        head
        + '1,A,5,anna@example.org,S,"klacht,vip",Closed,Web,Incident,2026-03-01 10:00,2026-03-01 12:00,Bad,30,120\n'
        + "2,A,5,anna@example.org,S,,Deleted,Web,,2026-03-01 10:00,,,,\n",
    )
    assert mapped.balances() and mapped.skipped == {"deleted_ticket": 1}
    assert mapped.types == {"complaint": 1, "ticket_replied": 1, "ticket_resolved": 1, "survey_answered": 1}
    [reply] = mapped.where(touchpoint_type="ticket_replied")
    assert (reply["occurred_at"], reply["waiting_seconds"]) == (datetime(2026, 3, 1, 10, 30), 1800)
    [solved] = mapped.where(touchpoint_type="ticket_resolved")
    assert solved["duration_seconds"] == 7200
    assert [row["score_raw"] for row in mapped.where(touchpoint_type="survey_answered")] == [0]


@pytest.mark.shared
def test_tables_of_a_connector(run: Run, shared: Path) -> None:
    folder = shared / "zendesk_tables"
    tickets = run("zendesk.ticket_table", folder / "ticket_data.csv")
    assert tickets.balances()
    assert (tickets.types, tickets.skipped) == ({"ticket_opened": 8}, {"deleted_ticket": 2})
    [opened] = tickets.of_object("ticket", "11071")
    assert (opened["occurred_at"], opened["channel_detail"]) == (datetime(2020, 8, 28, 18, 6, 36), "email")
    assert identifiers(opened) == {("zendesk.user", "2222"), ("zendesk.ticket", "11071")}
    changes = run("zendesk.ticket_field_history", folder / "ticket_field_history_data.csv")
    assert changes.balances()
    # 18 of the 38 changes say solved, one of them four times.
    assert (changes.types, changes.skipped, changes.superseded) == ({"ticket_resolved": 15}, {"other_change": 20}, 3)
    [solved] = changes.of_object("ticket", "11071")
    assert solved["occurred_at"] == datetime(2020, 11, 14, 11, 1, 27)
    users = run("zendesk.user", folder / "user_data.csv")
    assert users.balances()
    assert (len(users.rows), users.skipped) == (9, {"staff": 1})
    firms = run("zendesk.organization", folder / "organization_data.csv")
    assert firms.balances() and {row["party_type"] for row in firms.rows} == {"organisation"}
    [first] = [row for row in firms.rows if row["organisation_name"] == "name1"]
    assert (identifiers(first), first["valid_from"]) == (
        {("zendesk.organization", "370326104793")},
        datetime(2020, 2, 13, 22, 45, 2),
    )


@pytest.mark.shared
def test_chat_events_of_a_connector(run: Run, shared: Path) -> None:
    folder = shared / "zendesk_tables"
    chats = run(
        "zendesk.ticket_chat_event", folder / "ticket_chat_event_data.csv", ticket_chat=folder / "ticket_chat_data.csv"
    )
    assert chats.balances() and chats.problems == []
    # Of 12 events one is a transfer, one a change of address, one a joining; six writers are told by a bare number or nothing.
    assert (chats.skipped, chats.types) == ({"not_a_message": 3}, {"chat": 1, "chatbot": 2, "unmapped": 6})
    [message] = chats.where(touchpoint_type="chat")
    assert (message["occurred_at"], message["direction"], message["agent_id"]) == (
        datetime(2023, 12, 12, 11, 20, 28, 994000), "outbound", "403969141094",
    )  # fmt: skip
    # The chat stands with two users, so it is nobody's; both its tickets are objects.
    assert identifiers(message) == set()
    assert [(o["type"], o["id"]) for o in message["objects"]] == [
        ("chat", "4323.953441.TyDt23helloZt4E"), ("ticket", "45"), ("ticket", "54"),
    ]  # fmt: skip
    _, bot = chats.where(touchpoint_type="chatbot")
    assert identifiers(bot) == {("zendesk.user", "223438084"), ("zendesk.visitor", "9471-1J4223fqJrp")}
    assert bot["channel_detail"] == "native_messaging"


def test_a_visitor_of_a_chat_and_who_wrote(run_text: Run) -> None:
    head = "chat_id,chat_index,created_at,actor_id,type,message,original_message\n"
    rows = (
        "c1,0,2026-03-01 10:00:00,visitor:v1,ChatMessage,hello,\nc1,1,2026-03-01 10:01:00,agent:a7,ChatMessage,hi,\n"
        "c1,2,2026-03-01 10:02:00,u1,ChatMessage,thanks,\nc1,3,2026-03-01 10:03:00,visitor:v1,ChatRating,,\n"
    )
    chat = "chat_id,ticket_id,user_id,visitor_id,channel,initiator,webpath\nc1,9,u1,v1,chat,1,[]\n"
    mapped = run_text("zendesk.ticket_chat_event", head + rows, ticket_chat=chat)
    found = [(row["touchpoint_type"], row["raw_type"], row["direction"], row["agent_id"]) for row in mapped.where()]
    assert found == [
        ("chat", "ChatMessage", None, None),
        ("chat", "ChatMessage", "outbound", "a7"),
        ("chat", "ChatMessage", None, None),
        ("unmapped", "ChatRating", None, None),
    ]
    assert {tuple(sorted(identifiers(row))) for row in mapped.rows} == {
        (("zendesk.user", "u1"), ("zendesk.visitor", "v1"))
    }


def test_comments_and_tags_of_tickets(run_text: Run) -> None:
    tickets = (
        "id,requester_id,submitter_id,via_channel,via_source_rel,subject,status,created_at,updated_at,type\n"
        "1,u1,u1,email,,Broken,open,2026-03-01 10:00:00,2026-03-01 10:00:00,problem\n"
        "2,u2,u2,web,,Question,open,2026-03-02 10:00:00,2026-03-02 10:00:00,question\n"
    )
    comments = (
        "id,ticket_id,user_id,created,body,public,voice_comment\n"
        "11,1,u1,2026-03-01 10:00:00,It broke,true,false\n"
        "12,1,a1,2026-03-01 10:20:00,Sorry,true,false\n"
        "13,1,a1,2026-03-01 10:30:00,(note),false,false\n"
        "14,1,u1,2026-03-01 11:00:00,Still broken,true,false\n"
        "15,1,a1,2026-03-01 12:00:00,Replaced,true,false\n"
        "21,2,u2,2026-03-02 10:00:00,May I,true,false\n"
        "22,2,u2,2026-03-02 10:05:00,Please,true,false\n"
    )
    tags = "ticket_id,tag,_fivetran_synced\n1,klacht,2026-03-03 00:00:00\n2,klacht,2026-03-03 00:00:00\n"
    mapped = run_text("zendesk.ticket_table", tickets, ticket_comment=comments, ticket_tag=tags)
    assert mapped.balances()
    assert [
        (row["occurred_at"].strftime("%d %H:%M"), row["touchpoint_type"], row["waiting_seconds"], row["agent_id"])
        for row in mapped.where()
    ] == [
        ("01 10:00", "complaint", None, None),
        ("01 10:20", "ticket_replied", 1200, "a1"),
        ("01 11:00", "email_received", None, None),
        ("01 12:00", "ticket_replied", None, "a1"),
        ("02 10:00", "ticket_opened", None, None),
        ("02 10:05", "unmapped", None, None),
    ]
    assert {row["part"] for row in mapped.rows} == {None, "12", "14", "15", "22"}

"""HubSpot: the connector's tables (shapes with values read by hand) and the application's contact export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


def party(mapped: Mapped, kind: str, value: str) -> dict[str, Any]:
    [found] = [row for row in mapped.rows if (kind, value) in identifiers(row)]
    return found


@pytest.mark.shared
def test_contacts_and_merges(run: Run, shared: Path) -> None:
    folder = shared / "hubspot_api"
    contacts = run("hubspot.contact", folder / "contact_data.csv")
    assert contacts.balances()
    assert len(contacts.rows) == 22
    # The record names three contacts that were merged into it.
    merged = party(contacts, "hubspot.contact", "78971951")
    assert {value for kind, value in identifiers(merged) if kind == "hubspot.contact"} == {
        "78971951",
        "76340251",
        "46897301",
        "76226001",
    }
    assert merged["valid_from"] == datetime(2021, 4, 1, 17, 32, 47)
    links = run("hubspot.contact_merge_audit", folder / "contact_merge_audit_data.csv")
    assert links.balances()
    assert {(row["left_value"], row["right_value"], row["linked_at"]) for row in links.rows} == {
        ("5555", "11111", datetime(2019, 10, 8, 15, 50, 57)),
        ("4444", "7777", datetime(2019, 9, 3, 15, 39, 29)),
        ("3333", "8888", datetime(2019, 11, 20, 20, 17, 59)),
        ("2222", "9999", datetime(2019, 12, 10, 18, 14, 34)),
    }
    assert {row["left_type"] for row in links.rows} | {row["right_type"] for row in links.rows} == {"hubspot.contact"}
    companies = run("hubspot.company", folder / "company_data.csv")
    assert companies.balances()
    # An hour of one digit: 2019-09-15 2:50:54.
    assert party(companies, "hubspot.company", "2412860846")["valid_from"] == datetime(2019, 9, 15, 2, 50, 54)


@pytest.mark.shared
def test_contact_export_of_the_application(run: Run, shared: Path) -> None:
    contacts = run("hubspot.contact_export", shared / "_format_fixtures" / "hubspot_contacts_export.csv")
    assert contacts.balances()
    anna = party(contacts, "hubspot.contact", "101")
    assert identifiers(anna) == {
        ("hubspot.contact", "101"),
        ("email", "anna.devries@example.com"),
        ("phone", "+31 6 00000001"),
    }
    assert (anna["valid_from"], anna["attributes"]["lead_status"]) == (datetime(2026, 1, 10, 18, 25), "NEW")
    soeren = party(contacts, "hubspot.contact", "102")
    assert (soeren["full_name"], soeren["attributes"]["company"]) == ("Søren Østergaard", "Nordic Tea ApS")


def test_contact_export_of_a_dutch_portal(run_text: Run) -> None:
    contacts = run_text(
        "hubspot.contact_export",
        "Record-ID,Voornaam,Achternaam,E-mail,Telefoonnummer,Aanmaakdatum,Merged record IDs,Unsubscribed from all email\n"
        "7,Bram,Jansen,b@example.org,,2026-01-02 08:00,5;6,true\n",
    )
    [bram] = contacts.rows
    assert identifiers(bram) == {
        ("hubspot.contact", "7"),
        ("hubspot.contact", "5"),
        ("hubspot.contact", "6"),
        ("email", "b@example.org"),
    }
    assert (bram["consent_email"], bram["valid_from"]) == (False, datetime(2026, 1, 2, 8))


@pytest.mark.shared
def test_forms_tickets_and_meetings(run: Run, shared: Path) -> None:
    folder = shared / "hubspot_api"
    forms = run(
        "hubspot.contact_form_submission", folder / "contact_form_submission_data.csv", form=folder / "form_data.csv"
    )
    assert forms.balances()
    assert forms.types == {"newsletter_signup": 1, "form_submitted": 4}
    [guide] = forms.of_object("form", "456")
    assert (guide["occurred_at"], guide["page_path"]) == (datetime(2023, 10, 15, 8, 10), "/guide")
    assert (guide["subject"], guide["channel_detail"]) == ("Download Guide", "popup")
    assert identifiers(guide) == {("hubspot.contact", "002")}
    tickets = run("hubspot.ticket", folder / "ticket_data.csv", ticket_contact=folder / "ticket_contact_data.csv")
    assert tickets.balances()
    assert tickets.types == {"ticket_opened": 25, "ticket_replied": 4, "ticket_resolved": 23}
    story = tickets.of_object("ticket", "307034542")
    assert [(row["touchpoint_type"], row["occurred_at"]) for row in story] == [
        ("ticket_resolved", datetime(2020, 11, 10, 14, 54, 50)),
        ("ticket_opened", datetime(2021, 2, 16, 20, 31, 5)),
        ("ticket_replied", datetime(2021, 2, 17, 21, 59, 58)),
    ]
    # Closed before it was opened: no duration. Replied a day, 1:28:53 later.
    assert (story[0]["duration_seconds"], story[2]["waiting_seconds"]) == (None, 91733)
    meetings = run("hubspot.engagement_meeting", folder / "engagement_meeting_data.csv")
    assert meetings.balances()
    [meeting] = meetings.of_object("activity", "3416212491")
    assert (meeting["occurred_at"], meeting["duration_seconds"]) == (datetime(2019, 9, 26, 13), 5400)


@pytest.mark.shared
def test_activities_and_deals(run: Run, shared: Path) -> None:
    folder = shared / "hubspot_api"
    contact = folder / "engagement_contact_data.csv"
    call = run("hubspot.engagement_activity", folder / "engagement_call_data.csv", engagement_contact=contact)
    [row] = call.rows
    # The time of the call, not of the row: it was imported in 2022.
    assert (row["touchpoint_type"], row["occurred_at"]) == ("call_outbound", datetime(2014, 8, 27, 20, 50, 44, 778000))
    assert identifiers(row) == {("hubspot.contact", "501")}
    [mail] = run("hubspot.engagement_activity", folder / "engagement_email_data.csv").rows
    assert (mail["touchpoint_type"], mail["subject"]) == ("email_sent", "This is the subject of the email")
    for name, skipped in {"note": {"staff_note": 1}, "task": {"to_do": 2}}.items():
        mapped = run("hubspot.engagement_activity", folder / f"engagement_{name}_data.csv")
        assert mapped.balances()
        assert mapped.skipped == skipped
    deals = run("hubspot.deal", folder / "deal_data.csv")
    assert deals.balances()
    [deal] = deals.of_object("opportunity", "1244495215")
    assert (deal["touchpoint_type"], deal["occurred_at"]) == ("opportunity_stage", datetime(2019, 12, 4, 12, 48, 22))
    assert identifiers(deal) == {("hubspot.deal", "1244495215")}


@pytest.mark.shared
def test_marketing_mails(run: Run, shared: Path) -> None:
    folder = shared / "hubspot_api"
    events = run(
        "hubspot.email_event",
        folder / "email_event_data.csv",
        email_event_click=folder / "email_event_click_data.csv",
        email_event_sent=folder / "email_event_sent_data.csv",
        email_event_bounce=folder / "email_event_bounce_data.csv",
    )
    assert events.balances()
    # 90 opened, 4 sent; 3 delivered and 3 processed, of which three were filtered.
    assert events.types == {"email_opened": 90, "email_sent": 4}
    assert events.skipped == {"filtered": 3, "delivery_step": 3}
    first = [row for row in events.rows if row["occurred_at"] == datetime(2020, 3, 16, 19, 3, 20, 357000)]
    assert [(row["touchpoint_type"], row["campaign_id"]) for row in first] == [("email_opened", "2")]


def test_mail_events_with_their_details(run_text: Run) -> None:
    header = "id,type,created,recipient,email_campaign_id,sent_by_id,filtered_event\n"
    events = run_text(
        "hubspot.email_event",
        header
        + "a,SENT,2026-03-01 8:00:00,anna@example.org,7,,false\n"
        + "b,CLICK,2026-03-01 09:00:00,anna@example.org,7,a,false\n"
        + "c,BOUNCE,2026-03-01 08:00:05,gone@example.org,7,a,false\n"
        + "d,SPAMREPORT,2026-03-02 08:00:00,anna@example.org,7,a,false\n"
        + "e,DROPPED,2026-03-02 08:00:00,gone@example.org,7,,false\n"
        + "f,STATUSCHANGE,2026-03-03 08:00:00,anna@example.org,7,,false\n",
        email_event_click="id,referer,url,user_agent,location\nb,,https://example.org/sale?u=anna%40example.org,x,y\n",
        email_event_sent="id,bcc,cc,from,reply_to,subject\na,,,x@example.org,,Spring\n",
        email_event_bounce="id,category,response,status\nc,UNKNOWN_USER,550,550\n",
    )
    assert events.balances()
    assert events.skipped == {"not_sent": 1}
    found = {row["raw_type"]: row for row in events.rows}
    assert {name: row["touchpoint_type"] for name, row in found.items()} == {
        "sent": "email_sent",
        "click": "email_clicked",
        "bounce": "email_bounced",
        "spamreport": "email_unsubscribed",
        "statuschange": "unmapped",
    }
    assert found["sent"]["subject"] == "Spring"
    # The address in the query is not carried over.
    assert found["click"]["page_path"] == "/sale"
    assert (found["bounce"]["outcome"], found["bounce"]["attributes"]["bounce_category"]) == ("failure", "unknown_user")
    assert identifiers(found["click"]) == {("email", "anna@example.org")}


def test_several_people_in_one_meeting_and_in_one_deal(run_text: Run) -> None:
    meeting = run_text(
        "hubspot.engagement_activity",
        "engagement_id,type,property_hs_timestamp,property_hs_createdate,property_hs_meeting_start_time,"
        "property_hs_meeting_end_time,property_hs_meeting_outcome,property_hs_meeting_title\n"
        "1,MEETING,2026-03-02 09:00:00,2026-03-01 09:00:00,2026-03-02 09:00:00,2026-03-02 09:45:00,COMPLETED,Tea\n"
        "2,MEETING,2026-03-03 09:00:00,2026-03-01 09:00:00,2026-03-03 09:00:00,2026-03-03 09:45:00,CANCELED,Tea\n",
        engagement_contact="engagement_id,contact_id,engagement_type\n1,51,MEETING\n1,52,MEETING\n",
    )
    assert meeting.balances()
    assert meeting.skipped == {"not_held": 1}
    # Two people met us: each has a touchpoint, and nobody becomes the other.
    assert {frozenset(identifiers(row)) for row in meeting.rows} == {
        frozenset({("hubspot.contact", "51")}),
        frozenset({("hubspot.contact", "52")}),
    }
    assert {(row["touchpoint_type"], row["duration_seconds"]) for row in meeting.rows} == {("appointment_held", 2700)}
    deals = run_text(
        "hubspot.deal",
        "deal_id,property_dealname,property_createdate,property_closedate,property_amount,deal_pipeline_stage_id,"
        "property_deal_currency_code\n"
        "9,Tea,2026-03-01 09:00:00,2026-03-10 09:00:00,500.5,closedwon,EUR\n"
        "8,Mug,2026-03-01 09:00:00,2026-03-11 09:00:00,100,closedlost,EUR\n"
        "7,Pot,2026-03-01 09:00:00,2026-09-01 09:00:00,100,presentationscheduled,EUR\n",
        deal_contact="deal_id,contact_id,category\n9,1001,HUBSPOT_DEFINED\n9,52,HUBSPOT_DEFINED\n",
    )
    assert deals.balances()
    created, won = deals.of_object("opportunity", "9")
    assert (won["touchpoint_type"], won["amount"], won["currency"], won["outcome"]) == (
        "quote_accepted",
        500.5,
        "EUR",
        "success",
    )
    assert created["amount"] is None
    assert identifiers(won) == {("hubspot.deal", "9"), ("hubspot.contact", "52")}
    assert {item["id"] for item in won["objects"] if item["type"] == "contact"} == {"1001", "52"}
    assert [row["outcome"] for row in deals.of_object("opportunity", "8")] == [None, "failure"]
    assert len(deals.of_object("opportunity", "7")) == 1


def test_calls_and_messages(run_text: Run) -> None:
    mapped = run_text(
        "hubspot.engagement_activity",
        "engagement_id,type,property_hs_timestamp,property_hs_createdate,property_hs_call_direction,property_hs_call_duration,"
        "property_hs_call_status,property_hs_email_direction,property_hs_communication_channel_type\n"
        "1,CALL,2026-03-02 09:00:00,2026-03-02 09:00:00,INBOUND,61000,COMPLETED,,\n"
        "2,CALL,2026-03-02 09:00:00,2026-03-02 09:00:00,OUTBOUND,,NO_ANSWER,,\n"
        "3,EMAIL,2026-03-02 09:00:00,2026-03-02 09:00:00,,,,INCOMING_EMAIL,\n"
        "4,COMMUNICATION,2026-03-02 09:00:00,2026-03-02 09:00:00,,,,,SMS\n"
        "5,COMMUNICATION,2026-03-02 09:00:00,2026-03-02 09:00:00,,,,,WHATS_APP\n"
        "6,,2026-03-02 09:00:00,2026-03-02 09:00:00,INBOUND,,,,\n",
        engagement="id,type,portal_id\n6,CALL,1\n",
    )
    assert mapped.balances()
    found = {row["objects"][0]["id"]: row for row in mapped.rows}
    assert {key: row["touchpoint_type"] for key, row in found.items()} == {
        "1": "call_inbound",
        "2": "call_outbound",
        "3": "email_received",
        "4": "sms_sent",
        "5": "unmapped",
        "6": "call_inbound",
    }
    assert (found["1"]["duration_seconds"], found["1"]["outcome"]) == (61, "success")
    assert found["2"]["outcome"] == "no_answer"
    assert found["5"]["raw_type"] == "communication whats_app"


def test_deals_of_the_application(run_text: Run) -> None:
    # Columns as a public file of the application has them, with the ones that the page asks for.
    mapped = run_text(
        "hubspot.deal_export",
        '"Record ID","Deal Name","Last Activity Date","Deal Stage","Close Date","Deal owner","Amount","Pipeline","Create Date",'
        '"Associated Contact IDs"\n'
        '7001,Office tea,,Closed Won,2026-03-20 12:00,Ada,"1,250.50",Sales,2026-03-01 09:30,101;102\n'
        "7002,Fair,,Closed Lost,2026-03-21 12:00,Ada,300,Sales,2026-03-02 09:30,\n"
        "7003,Plan,,Proposal,2026-12-01 12:00,Ada,300,Sales,2026-03-03 09:30,103\n"
        "7004,Old,,Proposal,2026-12-01 12:00,Ada,300,Sales,,103\n",
    )
    assert mapped.balances() and mapped.skipped == {"without_time": 1}
    found = [
        (row["occurred_at"], row["touchpoint_type"], row["outcome"], row["amount"], sorted(identifiers(row)))
        for row in mapped.of_object("opportunity", "7001")
    ]
    people = [("hubspot.contact", "101"), ("hubspot.deal", "7001")]
    assert found == [
        (datetime(2026, 3, 1, 9, 30), "opportunity_stage", None, None, people),
        (datetime(2026, 3, 20, 12), "quote_accepted", "success", 1250.5, people),
    ]
    assert [row["outcome"] for row in mapped.of_object("opportunity", "7002")] == [None, "failure"]
    # The closing date of an open deal is only a plan.
    assert [row["raw_type"] for row in mapped.of_object("opportunity", "7003")] == ["created"]


def test_tickets_and_companies_of_the_application(run_text: Run) -> None:
    mapped = run_text(
        "hubspot.ticket_export",
        '"Ticket ID","Ticket name","Pipeline","Ticket status","Create date","Ticket owner","Source","Last activity date",'
        '"Close date","First agent response date","Category","Associated Contact IDs"\n'
        "9001,Leak,Support,Closed,2026-03-01 15:17,Ada,Phone,2026-03-02 15:17,2026-03-02 15:17,2026-03-01 15:47,Complaint,102\n"
        "9002,Question,Support,New,2026-03-01 16:00,,Email,2026-03-01 16:00,,,,\n",
    )
    assert mapped.balances()
    assert [
        (row["touchpoint_type"], row["medium"], row["waiting_seconds"], row["duration_seconds"])
        for row in mapped.of_object("ticket", "9001")
    ] == [
        ("complaint", "offline", None, None),
        ("ticket_replied", None, 1800, None),
        ("ticket_resolved", None, None, 86400),
    ]
    [opened] = mapped.of_object("ticket", "9002")
    assert (opened["touchpoint_type"], identifiers(opened)) == ("ticket_opened", {("hubspot.ticket", "9002")})
    [company] = run_text(
        "hubspot.company_export",
        "Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region\n"
        "55,Te ApS,Ada,2026-01-10 18:25,+45 00000003,Aarhus,Denmark\n",
    ).rows
    assert (company["party_type"], company["organisation_name"], company["city"]) == (
        "organisation",
        "Te ApS",
        "Aarhus",
    )
    assert identifiers(company) == {("hubspot.company", "55")}


@pytest.mark.parametrize(
    ("header", "export"),
    [
        # As public files have them: today's names of the id, the older one, German, Dutch.
        (
            "Record ID - Contact,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date",
            "contact_export",
        ),
        ("Contact ID,First Name,Last Name,Email,Lifecycle Stage,Create Date", "contact_export"),
        ("Datensatz-ID,Vorname,Nachname,E-Mail,Telefonnummer,Firmenname,Erstellungsdatum", "contact_export"),
        ("Record-ID,Voornaam,Achternaam,E-mail,Telefoonnummer,Aanmaakdatum", "contact_export"),
        ("Record ID - Company,Company name,Company owner,City", "company_export"),
        ("Record ID - Deal,Deal Name,Deal Stage,Close Date,Amount", "deal_export"),
        ("Record ID - Ticket,Ticket name,Pipeline,Ticket status,Create date", "ticket_export"),
    ],
)
def test_older_newer_and_localised_headers(catalog: SourceCatalog, tmp_path: Path, header: str, export: str) -> None:
    path = tmp_path / "renamed"
    # Reversed, with a column of the company's own.
    names = [*reversed(header.split(",")), "Our own column"]
    path.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n", encoding="utf-8")
    found = recognise(path, catalog)
    assert found.exports == (f"hubspot.{export}",), found.message
    assert found.confidence is not None and 0.5 < found.confidence < 1
    assert "columns that hubspot" in found.reason

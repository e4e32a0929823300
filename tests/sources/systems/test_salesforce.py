"""Salesforce: the nonprofit capture row by row, the warehouse layout, and the rules that neither of them shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


def party(mapped: Mapped, kind: str, value: str) -> dict[str, object]:
    [row] = [row for row in mapped.rows if (kind, value) in identifiers(row)]
    return row


@pytest.mark.shared
def test_contacts_and_accounts_of_the_nonprofit_capture(run: Run, shared: Path) -> None:
    contacts = run("salesforce.contact", shared / "salesforce_npsp_1k" / "Contact.csv")
    assert contacts.balances() and contacts.row_count == 1024
    mary = party(contacts, "salesforce.contact", "3")
    assert identifiers(mary) == {("salesforce.contact", "3"), ("email", "mgreenecg@i2i.jp")}
    assert (mary["given_name"], mary["family_name"], mary["full_name"]) == ("Mary", "Greene", "Mary Greene")
    # The household account (82) and the affiliation (529) are facts, not identifiers.
    assert (mary["attributes"]["account_id"], mary["attributes"]["primary_affiliation_id"]) == ("82", "529")
    assert sum(any(kind == "email" for kind, _ in identifiers(row)) for row in contacts.rows) == 470
    accounts = run("salesforce.account", shared / "salesforce_npsp_1k" / "Account.csv")
    assert accounts.balances() and accounts.row_count == 1223
    household, organisation = party(accounts, "salesforce.account", "1"), party(accounts, "salesforce.account", "882")
    assert (household["party_type"], household["full_name"], household["organisation_name"]) == (
        "household",
        "Shaw Household",
        None,
    )
    assert (household["street"], household["postal_code"], household["city"]) == ("0 Tony Crossing", "80044", "Aurora")
    assert (organisation["party_type"], organisation["organisation_name"]) == ("organisation", "Muxo")


@pytest.mark.shared
def test_donations_of_the_nonprofit_capture(run: Run, shared: Path) -> None:
    donations = run("salesforce.opportunity", shared / "salesforce_npsp_1k" / "Opportunity.csv")
    assert donations.balances()
    # Number 225 is only pledged for 2017-03-09.
    assert donations.skipped == {"open_without_time": 1}
    assert donations.types == {"quote_accepted": 1516}
    [first] = donations.of_object("opportunity", "1")
    assert (first["occurred_at"], first["occurred_at_precision"]) == (datetime(2016, 11, 25), "day")
    assert (first["amount"], first["currency"], first["outcome"]) == (811.0, None, "success")
    assert identifiers(first) == {("salesforce.contact", "894"), ("salesforce.opportunity", "1")}
    assert {"type": "organisation", "id": "2", "qualifier": "account"} in first["objects"]


@pytest.mark.shared
def test_roles_payments_members_and_relations_of_the_nonprofit_capture(run: Run, shared: Path) -> None:
    folder = shared / "salesforce_npsp_1k"
    roles = run("salesforce.opportunity_contact_role", folder / "OpportunityContactRole.csv")
    assert roles.balances()
    assert roles.skipped == {"not_the_primary_contact": 2191}
    assert {(row["left_value"], row["right_value"]) for row in roles.rows} >= {("1227", "728"), ("605", "396")}
    payments = run("salesforce.payment", folder / "npe01__OppPayment__c.csv")
    assert payments.balances()
    # Not one payment of the capture is marked as paid.
    assert payments.skipped == {"not_paid": 2443}
    members = run("salesforce.campaign_member", folder / "CampaignMember.csv", campaign=folder / "Campaign.csv")
    assert members.balances()
    assert members.skipped == {"without_time": 1699}
    relations = run("salesforce.relationship", folder / "npe4__Relationship__c.csv")
    assert (relations.winners, relations.problems) == (1308, [])


@pytest.mark.shared
def test_warehouse_tables(run: Run, shared: Path) -> None:
    def table(name: str) -> Mapped:
        mapped = run(f"salesforce.{name}", shared / "salesforce_api" / f"sf_{name}_data.csv")
        assert mapped.balances(), name
        assert not mapped.problems, name
        return mapped

    contacts = table("contact")
    jerome = party(contacts, "salesforce.contact", "0031G00000qAfq1QAC")
    assert identifiers(jerome) >= {("email", "u9f88828e@example.org"), ("phone", "(555) 555-5555")}
    assert jerome["consent_email"] is True
    assert table("account").skipped == {"deleted": 9}
    assert table("opportunity").skipped == {"deleted": 10}
    assert table("opportunity_history").skipped == {"deleted": 10}
    tasks = table("task")
    # Three tasks of kind Task without a type are to-dos, seven have the unknown type X.
    assert tasks.skipped == {"to_do": 3}
    assert {row["raw_type"] for row in tasks.rows} == {"X"}
    events = table("event")
    [event] = events.of_object("appointment", "00U1G00000DEaypUAD")
    assert (event["occurred_at"], event["duration_seconds"]) == (datetime(2019, 11, 11, 17, 23, 34), 900)
    assert identifiers(event) == {("salesforce.contact", "0031G00001Pji7ZQAR")}
    [lead] = table("lead").rows
    assert lead["occurred_at"] == datetime(2019, 11, 11, 17, 23, 34)
    assert identifiers(lead) == {
        ("salesforce.lead", "00Q1G00000nDnM5UAK"),
        ("salesforce.contact", "0031G00001QtDPlQAN"),
        ("email", "u53e5cc3c@example.org"),
    }
    orders = table("order")
    assert orders.types == {"order_placed": 10}
    [order] = orders.of_object("order", "8011G000000XFePQAW")
    assert (order["amount"], order["attributes"]["order_number"]) == (27998.6, "5393")
    # The account is in the objects only.
    assert identifiers(order) == {("salesforce.order", "8011G000000XFePQAW")}


TASK = (
    "id,who_id,what_id,subject,status,activity_date,task_subtype,type,call_type,call_duration_in_seconds,"
    "call_disposition,completed_date_time,created_date,is_deleted,is_closed\n"
)


def test_tasks(run_text: Run) -> None:
    mapped = run_text(
        "salesforce.task",
        TASK + "T1,003A,006B,Question,Completed,2026-03-02 00:00:00,Call,Call,Inbound,180,Reached,2026-03-02 09:30:00,"
        "2026-03-02 09:34:00,FALSE,TRUE\n"
        + "T2,00QA,,Follow-up,Completed,2026-03-02,Call,,Outbound,0,Left voicemail,,2026-03-02 10:00:00,FALSE,TRUE\n"
        + "T3,003A,,Offer,Completed,2026-03-01,Email,,,,,,2026-03-02 10:00:00,FALSE,TRUE\n"
        + "T4,003A,,Later,Not Started,2026-04-01,Call,,Outbound,,,,2026-03-02 10:00:00,FALSE,FALSE\n"
        + "T5,003A,,Order cake,Completed,2026-03-01,Task,,,,,,2026-03-02 10:00:00,FALSE,TRUE\n"
        + "T6,003A,,Gone,Completed,2026-03-01,Call,,Inbound,,,,2026-03-02 10:00:00,TRUE,TRUE\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"not_done": 1, "to_do": 1, "deleted": 1}
    [inbound] = mapped.of_object("task", "T1")
    assert (inbound["touchpoint_type"], inbound["occurred_at"]) == ("call_inbound", datetime(2026, 3, 2, 9, 30))
    assert (inbound["duration_seconds"], inbound["outcome"]) == (180, "Reached")
    assert {"type": "opportunity", "id": "006B", "qualifier": "about"} in inbound["objects"]
    [outbound] = mapped.of_object("task", "T2")
    # Written down on the day of the activity: the time of writing it down is the best there is.
    assert (outbound["touchpoint_type"], outbound["occurred_at"]) == ("call_outbound", datetime(2026, 3, 2, 10))
    assert (identifiers(outbound), outbound["outcome"]) == ({("salesforce.lead", "00QA")}, "no_answer")
    [mail] = mapped.of_object("task", "T3")
    assert (mail["touchpoint_type"], mail["occurred_at"], mail["occurred_at_precision"]) == (
        "email_sent",
        datetime(2026, 3, 1),
        "day",
    )


def test_events(run_text: Run) -> None:
    mapped = run_text(
        "salesforce.event",
        "id,who_id,what_id,subject,start_date_time,end_date_time,type,is_child,no_show_c,is_all_day_event\n"
        "E1,003A,,Talk,2026-03-02 09:00:00,2026-03-02 09:45:00,Meeting,FALSE,TRUE,FALSE\n"
        "E2,003A,,Show,2026-03-02 09:00:00,2026-03-02 09:45:00,Demo,FALSE,FALSE,FALSE\n"
        "E3,003A,,Mend,2026-03-02 09:00:00,2026-03-02 09:45:00,Service visit,FALSE,FALSE,FALSE\n"
        "E4,003A,,Fair,2026-03-02 00:00:00,2026-03-02 00:00:00,Meeting,FALSE,FALSE,TRUE\n"
        "E5,003A,,Talk,2026-03-02 09:00:00,2026-03-02 09:45:00,Meeting,TRUE,FALSE,FALSE\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"invitation_copy": 1}
    found = {row["subject"]: row for row in mapped.rows}
    assert {name: row["touchpoint_type"] for name, row in found.items()} == {
        "Talk": "appointment_held",
        "Show": "demo_given",
        "Mend": "service_visit",
        "Fair": "appointment_held",
    }
    assert (found["Talk"]["duration_seconds"], found["Talk"]["outcome"]) == (2700, "no_answer")
    assert (found["Fair"]["occurred_at_precision"], found["Fair"]["duration_seconds"]) == ("day", None)


def test_cases_in_both_spellings(run_text: Run) -> None:
    snake = run_text(
        "salesforce.case",
        "id,case_number,contact_id,account_id,created_date,closed_date,status,origin,priority,type,reason,subject,"
        "is_deleted,is_closed,last_modified_date\n"
        "500A,00001001,003A,001A,2026-03-01 08:00:00,2026-03-01 10:00:00,Closed,Phone,High,Complaint,Late,Klacht,FALSE,"
        "TRUE,2026-03-01 10:00:00\n"
        "500B,00001002,003B,001A,2026-03-01 08:00:00,,New,Web,Low,Question,,Vraag,FALSE,FALSE,2026-03-01 08:00:00\n",
    )
    assert snake.balances()
    opened, resolved = snake.of_object("ticket", "500A")
    assert (opened["touchpoint_type"], opened["medium"], opened["channel_detail"]) == ("complaint", "offline", "phone")
    assert (resolved["touchpoint_type"], resolved["duration_seconds"]) == ("ticket_resolved", 7200)
    assert identifiers(opened) == {("salesforce.contact", "003A"), ("salesforce.case", "500A")}
    assert [row["touchpoint_type"] for row in snake.of_object("ticket", "500B")] == ["ticket_opened"]
    camel = run_text(
        "salesforce.case",
        "Id,CaseNumber,ContactId,SuppliedEmail,CreatedDate,Status,Origin,IsDeleted\n"
        "500C,00001003,,anna@example.org,2026-03-01T08:00:00.000+0000,New,Email,false\n",
    )
    [row] = camel.rows
    assert row["occurred_at"] == datetime(2026, 3, 1, 8)
    assert identifiers(row) == {("salesforce.case", "500C"), ("email", "anna@example.org")}


def test_opportunity_won_lost_and_open(run_text: Run) -> None:
    mapped = run_text(
        "salesforce.opportunity",
        "Id,Name,Amount,StageName,CloseDate,AccountId,ContactId,CreatedDate,IsClosed,IsWon,CurrencyIsoCode\n"
        "006W,Won,1500.50,Closed Won,2026-03-10,001A,003A,2026-03-01T08:00:00.000Z,true,true,DKK\n"
        "006L,Lost,900,Closed Lost,2026-03-11,001A,003A,2026-03-01T08:00:00.000Z,true,false,DKK\n"
        "006O,Open,900,Proposal,2026-09-01,001A,003A,2026-03-01T08:00:00.000Z,false,false,DKK\n",
    )
    assert mapped.balances()

    def story(opportunity: str) -> list[tuple[object, ...]]:
        names = ("touchpoint_type", "part", "outcome", "amount", "currency")
        return [tuple(row[name] for name in names) for row in mapped.of_object("opportunity", opportunity)]

    assert story("006W") == [
        ("opportunity_stage", "created", None, None, None),
        ("quote_accepted", "closed", "success", 1500.5, "DKK"),
    ]
    assert story("006L")[1] == ("opportunity_stage", "closed", "failure", 900.0, "DKK")
    assert story("006O") == [("opportunity_stage", "created", None, None, None)]


def test_campaign_members_with_dates(run_text: Run) -> None:
    mapped = run_text(
        "salesforce.campaign_member",
        "Id,Status,ContactId,CampaignId,CreatedDate,FirstRespondedDate\n"
        "1,Responded,003A,701A,2026-03-01T08:00:00.000Z,2026-03-03\n"
        "2,Sent,003B,701B,2026-03-01T08:00:00.000Z,\n",
        campaign="Id,Name,Type,NumberOfLeads\n701A,Spring,Email,0\n701B,Stand,Trade Show,0\n",
    )
    assert mapped.balances()
    first = [row for row in mapped.where() if row["campaign_id"] == "701A"]
    assert [(row["touchpoint_type"], row["occurred_at_precision"]) for row in first] == [
        ("email_sent", "second"),
        ("email_clicked", "day"),
    ]
    assert first[0]["campaign_name"] == "Spring"
    # That somebody was put on the list of a trade show says nothing about a meeting.
    [second] = [row for row in mapped.rows if row["campaign_id"] == "701B"]
    assert (second["touchpoint_type"], second["raw_type"]) == ("unmapped", "trade show sent")


def test_paid_payments(run_text: Run) -> None:
    mapped = run_text(
        "salesforce.payment",
        "id,npe01__Payment_Amount__c,npe01__Payment_Date__c,npe01__Paid__c,npe01__Written_Off__c,npe01__opportunity__c\n"
        "1,50.00,2026-03-01,true,false,006A\n2,50.00,2026-04-01,false,false,006A\n3,50.00,2026-05-01,false,true,006A\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"not_paid": 1, "written_off": 1}
    [row] = mapped.rows
    assert (row["occurred_at"], row["occurred_at_precision"], row["amount"]) == (datetime(2026, 3, 1), "day", 50.0)
    assert identifiers(row) == {("salesforce.opportunity", "006A")}

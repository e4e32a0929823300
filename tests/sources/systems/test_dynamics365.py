"""Dynamics 365: the leads workbook with its hidden columns, and workbooks with the time of creation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.core.workbooks import sheet_xml, write_workbook
from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]

LEAD = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
ENGLISH = ["(Do Not Modify) Lead", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Topic", "First Name",
           "Last Name", "Company Name", "Email", "Business Phone", "Lead Source", "Created On", "Status Reason"]  # fmt: skip
DUTCH = ["(Niet wijzigen) Lead", "(Niet wijzigen) Controlesom van rij", "(Niet wijzigen) Gewijzigd op", "Onderwerp", "Voornaam",
         "Achternaam", "Bedrijfsnaam", "E-mail", "Telefoon (zakelijk)", "Leadbron", "Gemaakt op", "Reden van status"]  # fmt: skip
# 46056.375 is 3 February 2026, 09:00; the second number is the cell's format: date and time.
ROW = [LEAD, "kQx9+1Yw==", (46056.458333333336, 2), "Fair visitor", "Søren", "Østergaard", "Te ApS", "s@example.org",
       "+4500000003", "Trade Show", (46056.375, 2), "New"]  # fmt: skip


@pytest.mark.shared
def test_leads_of_the_sheet_without_a_time(run: Run, shared: Path) -> None:
    path = shared / "_format_fixtures" / "dynamics365_leads.xlsx"
    leads = run("dynamics365.lead", path)
    assert leads.balances()
    # The sheet has only the time of the last change.
    assert leads.skipped == {"without_time": 1}
    people = run("dynamics365.lead_person", path)
    assert people.balances()
    [soeren] = people.rows
    # The id stands in a hidden column.
    assert identifiers(soeren) == {
        ("dynamics365.lead", LEAD.lower()),
        ("email", "soeren.oestergaard@example.com"),
        ("phone", "+4500000003"),
    }
    assert (soeren["full_name"], soeren["attributes"]["job_title"]) == ("Søren Østergaard", "Buyer")
    # 11:00 in Amsterdam, in winter.
    assert soeren["valid_from"] == datetime(2026, 2, 3, 10)


@pytest.mark.parametrize("header", [ENGLISH, DUTCH], ids=["english", "dutch"])
def test_leads_with_the_time_of_creation(run: Run, catalog: SourceCatalog, tmp_path: Path, header: list[str]) -> None:
    older = [*ROW[:2], (46055.5, 2), "Older topic", *ROW[4:]]
    path = write_workbook(tmp_path / "view.xlsx", {"All leads": sheet_xml([header, older, ROW])})
    assert recognise(path, catalog).exports == ("dynamics365.lead", "dynamics365.lead_person")
    leads = run("dynamics365.lead", path)
    assert leads.balances()
    # Two rows of one lead: the later change wins.
    assert leads.superseded == 1
    [lead] = leads.rows
    assert (lead["touchpoint_type"], lead["occurred_at"]) == ("lead_created", datetime(2026, 2, 3, 8))
    assert (lead["subject"], lead["channel_detail"], lead["attributes"]["status"]) == (
        "Fair visitor",
        "trade show",
        "New",
    )
    assert identifiers(lead) == {
        ("dynamics365.lead", LEAD.lower()),
        ("email", "s@example.org"),
        ("phone", "+4500000003"),
    }


CONTACT = ["(Do Not Modify) Contact", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Full Name",
           "Company Name", "Email", "Business Phone"]  # fmt: skip
OPPORTUNITY = ["(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Topic",
               "Status", "Actual Close Date", "Actual Revenue", "Currency", "Created On",
               "Email (Contact) (Contact)"]  # fmt: skip
CASE = ["(Do Not Modify) Case", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Case Title", "Case Number",
        "Case Type", "Origin", "Customer", "Created On", "Resolved On"]  # fmt: skip
ACCOUNT = ["(Do Not Modify) Account", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Account Name",
           "Main Phone", "Primary Contact"]  # fmt: skip


def test_contacts_and_accounts(run: Run, catalog: SourceCatalog, tmp_path: Path) -> None:
    person = ["{" + LEAD + "}", "k", (46056.5, 2), "Søren Østergaard", "Te ApS", "s@example.org", "+4500000003"]
    path = write_workbook(tmp_path / "contacts.xlsx", {"All": sheet_xml([CONTACT, person])})
    assert recognise(path, catalog).exports == ("dynamics365.contact",)
    [soeren] = run("dynamics365.contact", path).rows
    assert identifiers(soeren) == {
        ("dynamics365.contact", LEAD.lower()), ("email", "s@example.org"), ("phone", "+4500000003"),
    }  # fmt: skip
    assert (soeren["full_name"], soeren["valid_from"]) == ("Søren Østergaard", datetime(2026, 2, 3, 11))
    path = write_workbook(
        tmp_path / "accounts.xlsx",
        {"All": sheet_xml([ACCOUNT, [LEAD, "k", (46056.5, 2), "Te ApS", "+4500000009", "Søren"]])},
    )
    assert recognise(path, catalog).exports == ("dynamics365.account",)
    [firm] = run("dynamics365.account", path).rows
    assert (firm["party_type"], firm["organisation_name"], firm["phone"]) == ("organisation", "Te ApS", "+4500000009")
    assert identifiers(firm) == {("dynamics365.account", LEAD.lower())}


def test_opportunities_and_cases(run: Run, catalog: SourceCatalog, tmp_path: Path) -> None:
    won = ["1A", "k", (46056.5, 2), "Office tea", "Won", (46054.0, 1), "1250.5", "EUR", (46050.375, 2), "s@example.org"]
    lost = ["2A", "k", (46056.5, 2), "Fair", "Lost", (46054.0, 1), "", "EUR", (46051.375, 2), ""]
    open_ = ["3A", "k", (46056.5, 2), "Plan", "Open", "", "", "EUR", (46052.375, 2), ""]
    untimed = ["4A", "k", (46056.5, 2), "?", "Open", "", "", "EUR", "", ""]
    path = write_workbook(tmp_path / "o.xlsx", {"All": sheet_xml([OPPORTUNITY, won, lost, open_, untimed])})
    assert recognise(path, catalog).exports == ("dynamics365.opportunity",)
    deals = run("dynamics365.opportunity", path)
    assert deals.balances() and deals.skipped == {"without_time": 1} and deals.problems == []
    made, closed = deals.of_object("opportunity", "1a")
    # 46050.375 is 28 January 2026, 09:00 in Amsterdam; it was closed on 1 February, a day without a time.
    assert (made["touchpoint_type"], made["occurred_at"]) == ("opportunity_stage", datetime(2026, 1, 28, 8))
    assert (closed["touchpoint_type"], closed["occurred_at"], closed["occurred_at_precision"]) == (
        "quote_accepted", datetime(2026, 2, 1), "day",
    )  # fmt: skip
    assert (closed["amount"], closed["currency"], closed["outcome"]) == (1250.5, "EUR", "success")
    assert ("email", "s@example.org") in identifiers(closed)
    assert [row["outcome"] for row in deals.of_object("opportunity", "2a")] == [None, "failure"]
    assert len(deals.of_object("opportunity", "3a")) == 1
    case = ["C1", "k", (46056.5, 2), "Leak", "CAS-01", "Complaint", "Phone", "Søren", (46056.375, 2), (46056.875, 2)]
    path = write_workbook(tmp_path / "c.xlsx", {"All": sheet_xml([CASE, case])})
    assert recognise(path, catalog).exports == ("dynamics365.case",)
    opened, resolved = run("dynamics365.case", path).of_object("ticket", "CAS-01")
    assert (opened["touchpoint_type"], opened["medium"], opened["occurred_at"]) == (
        "complaint", "offline", datetime(2026, 2, 3, 8),
    )  # fmt: skip
    assert (resolved["touchpoint_type"], resolved["duration_seconds"]) == ("ticket_resolved", 43200)


def test_a_view_of_few_columns_is_known_by_the_column_of_its_ids(
    run: Run, catalog: SourceCatalog, tmp_path: Path
) -> None:
    header = ["Full Name", "(Do Not Modify) Modified On", "Our own field", "(Do Not Modify) Lead", "Created On"]
    path = write_workbook(
        tmp_path / "few.xlsx", {"All": sheet_xml([header, ["Søren", (46056.5, 2), "x", LEAD, (46056.375, 2)]])}
    )
    found = recognise(path, catalog)
    assert found.exports == ("dynamics365.lead", "dynamics365.lead_person"), found.message
    assert found.confidence is not None and found.confidence < 0.7
    [lead] = run("dynamics365.lead", path).rows
    assert lead["occurred_at"] == datetime(2026, 2, 3, 8)

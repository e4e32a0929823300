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

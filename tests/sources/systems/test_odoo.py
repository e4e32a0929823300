"""Odoo: the quotation file of its documentation, and exports with the columns that identity and stages need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_quotations_with_continuation_rows(run: Run, shared: Path) -> None:
    path = shared / "odoo" / "o2m-quotations-order-lines.csv"
    orders = run("odoo.order", path, order_line=path)
    assert orders.balances()
    # Two orders of three and two lines.
    assert orders.skipped == {"further_line": 3}
    [third] = orders.of_object("order", "S00003")
    # 10:37:22 in Amsterdam, in winter.
    assert third["occurred_at"] == datetime(2025, 12, 1, 9, 37, 22)
    # The file has no status: quotation or order is not known.
    assert (third["touchpoint_type"], third["raw_type"]) == ("unmapped", "sales document without status")
    assert {item["id"] for item in third["objects"] if item["type"] == "product"} == {
        "Virtual Interior Design",
        "FURN_7777",
        "Deposit",
    }
    [second] = orders.of_object("order", "S00002")
    assert {item["id"] for item in second["objects"] if item["type"] == "product"} == {
        "Virtual Interior Design",
        "Virtual Home Staging",
    }
    # A name identifies nobody.
    assert identifiers(second) == {("odoo.order", "S00002")}
    assert second["attributes"]["customer_name"] == "Ready Mat"


def test_orders_by_status_with_technical_names_and_labels(run_text: Run) -> None:
    technical = run_text(
        "odoo.order",
        "name,date_order,partner_id,company_id,partner_id/id,partner_id/ref,partner_id/email,state,amount_total,currency_id,"
        "client_order_ref\n"
        "S1,2026-07-01 12:00:00,Anna,Mine,__export__.res_partner_7,00010001,anna@example.org,sale,60.5,EUR,1001\n"
        "S2,2026-07-01 12:00:00,Anna,Mine,__export__.res_partner_7,,,sent,50,EUR,\n"
        "S3,2026-07-01 12:00:00,Anna,Mine,__export__.res_partner_7,,,draft,40,EUR,\n"
        "S4,2026-07-01 12:00:00,Anna,Mine,__export__.res_partner_7,,,cancel,30,EUR,\n",
    )
    assert technical.balances()
    assert technical.skipped == {"draft": 1}
    [order] = technical.of_object("order", "S1")
    # Noon in Amsterdam, in summer.
    assert (order["touchpoint_type"], order["occurred_at"]) == ("order_placed", datetime(2026, 7, 1, 10))
    assert (order["amount"], order["currency"]) == (60.5, "EUR")
    assert identifiers(order) == {
        ("odoo.partner", "__export__.res_partner_7"),
        ("odoo.order", "S1"),
        ("customer_number", "10001"),
        ("email", "anna@example.org"),
        ("order_reference", "1001"),
    }
    assert [row["touchpoint_type"] for row in technical.of_object("order", "S2")] == ["quote_sent"]
    assert [row["outcome"] for row in technical.of_object("order", "S4")] == ["failure"]
    dutch = run_text(
        "odoo.order",
        "Orderreferentie,Orderdatum,Klant,Bedrijf,Status,Totaal\nS9,2026-07-01 12:00:00,Anna,Mijn,Verkooporder,10\n",
    )
    assert dutch.types == {"order_placed": 1}


def test_leads_and_opportunities(run_text: Run) -> None:
    mapped = run_text(
        "odoo.lead",
        "External ID,Opportunity,Email,Phone,Type,Stage,Probability,Lost Reason,Expected Revenue,Created on,Closed Date,Source\n"
        "l1,Tea for two,anna@example.org,+31190000001,Lead,New,10,,0,2026-03-01 09:00:00,,Website\n"
        "l2,Tea for ten,b@example.org,,Opportunity,Won,100,,500,2026-03-01 09:00:00,2026-03-10 09:00:00,\n"
        "l3,Tea for all,c@example.org,,Opportunity,Proposition,0,Too expensive,900,2026-03-01 09:00:00,2026-03-11 09:00:00,\n"
        "l4,Tea,d@example.org,,Opportunity,New,10,,900,,,\n",
    )
    assert mapped.balances()
    assert [problem["column"] for problem in mapped.problems] == ["created_at"]
    [lead] = mapped.of_object("opportunity", "l1")
    assert (lead["touchpoint_type"], lead["occurred_at"], lead["channel_detail"]) == (
        "lead_created",
        datetime(2026, 3, 1, 8),
        "Website",
    )
    assert identifiers(lead) == {("odoo.lead", "l1"), ("email", "anna@example.org"), ("phone", "+31190000001")}
    won = mapped.of_object("opportunity", "l2")
    assert [(row["touchpoint_type"], row["outcome"], row["amount"]) for row in won] == [
        ("opportunity_stage", None, None),
        ("quote_accepted", "success", 500.0),
    ]
    lost = mapped.of_object("opportunity", "l3")
    assert [(row["touchpoint_type"], row["outcome"], row["raw_type"]) for row in lost] == [
        ("opportunity_stage", None, "created"),
        ("opportunity_stage", "failure", "Too expensive"),
    ]

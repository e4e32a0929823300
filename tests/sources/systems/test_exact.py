"""Exact: the XML fixture without dates, and orders laid out as two public generators of eExact files write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from sources.recognise import recognise
from sources.spec import SourceCatalog
from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]

ORDERS = """<?xml version="1.0" encoding="utf-8"?>
<eExact xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="eExact-Schema.xsd">
  <Orders>
    <Order type="V" number="26700013" partialdelivery="1" confirm="0">
      <Description>Webshop 1002</Description>
      <YourRef>1002</YourRef>
      <Currency code="EUR"/>
      <Resource number="9001" code="9001"/>
      <OrderedBy>
        <Debtor code="               10002" number="10002" type="C"><Name>Thee en Zo B.V.</Name></Debtor>
        <Address><AddressLine1>Dam 1</AddressLine1><PostalCode>1011AB</PostalCode><City/><Country code="nl"/>
          <Phone>+31190000002</Phone></Address>
        <Date>2026-03-02</Date>
      </OrderedBy>
      <DeliverTo><Debtor code="10002"/><Date>2026-03-05</Date></DeliverTo>
      <Warehouse code="700"/>
      <OrderLine lineNo="1"><Item code="TEA" type="S"/><Quantity>2</Quantity>
        <Price type="S"><Currency code="EUR"/><Value>9.99</Value></Price></OrderLine>
      <OrderLine lineNo="2"><Item code="MUG" type="S"/><Quantity>1</Quantity>
        <Price type="S"><Currency code="EUR"/><Value>10.00</Value></Price>
        <Discount><Percentage>50</Percentage></Discount></OrderLine>
    </Order>
    <Order type="B" number="500" confirm="1">
      <OrderedBy><Creditor code="77"/><Date>2026-03-02</Date></OrderedBy>
    </Order>
    <Order number="26700014"><OrderedBy><Debtor code="00010003" type="C"><Name>Søren</Name></Debtor>
      <Date>2026-03-03T00:00:00</Date></OrderedBy></Order>
  </Orders>
</eExact>
"""


def test_order_with_lines(run_text: Run) -> None:
    orders = run_text("exact.order", ORDERS)
    assert orders.balances()
    assert orders.skipped == {"purchase_order": 1}
    [order] = orders.of_object("order", "26700013")
    assert (order["touchpoint_type"], order["occurred_at"]) == ("order_placed", datetime(2026, 3, 2))
    assert order["occurred_at_precision"] == "day"
    # 2 × 9.99 and half of 10.00.
    assert (order["amount"], order["currency"], order["agent_id"]) == (24.98, "EUR", "9001")
    assert identifiers(order) == {("customer_number", "10002"), ("exact.debtor", "10002"), ("order_reference", "1002")}
    assert {item["id"] for item in order["objects"] if item["type"] == "product"} == {"TEA", "MUG"}
    assert order["attributes"]["delivery_date"] == date(2026, 3, 5)
    [plain] = orders.of_object("order", "26700014")
    assert (plain["occurred_at"], plain["amount"]) == (datetime(2026, 3, 3), None)
    assert ("customer_number", "10003") in identifiers(plain)


def test_who_ordered(run_text: Run) -> None:
    debtors = run_text("exact.debtor", ORDERS)
    assert debtors.balances()
    assert debtors.skipped == {"without_debtor": 1}
    found = {row["full_name"]: row for row in debtors.rows}
    company = found["Thee en Zo B.V."]
    assert company["party_type"] == "organisation"
    assert identifiers(company) == {
        ("customer_number", "10002"),
        ("exact.debtor", "10002"),
        ("phone", "+31190000002"),
    }
    assert (company["street"], company["postal_code"], company["city"], company["country"]) == (
        "Dam 1",
        "1011AB",
        None,
        "NL",
    )
    assert found["Søren"]["party_type"] == "person"


@pytest.mark.shared
def test_order_without_a_date_is_named_and_its_customer_is_read(run: Run, shared: Path) -> None:
    path = shared / "_format_fixtures" / "exact_orders.xml"
    orders = run("exact.order", path)
    assert orders.balances()
    assert orders.skipped == {"without_date": 1}
    [anna] = run("exact.debtor", path).rows
    assert anna["full_name"] == "Anna de Vries"
    assert identifiers(anna) == {("customer_number", "10001"), ("exact.debtor", "10001")}


def test_other_xml_of_exact_is_not_taken_for_orders(catalog: SourceCatalog, tmp_path: Path) -> None:
    path = tmp_path / "items.xml"
    path.write_text("<eExact><Items><Item code='TEA'/></Items></eExact>", encoding="utf-8")
    assert recognise(path, catalog).status == "unrecognised"

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


SALES_ORDERS = """<?xml version="1.0" encoding="utf-8"?>
<eExact xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="eExact-XML.xsd"><SalesOrders>
<SalesOrder salesordernumber="4711" status="12"><OrderDate>2026-03-01</OrderDate><DeliveryDate>2026-03-04</DeliveryDate>
<Description>Shop order W-9</Description><YourRef>W-9</YourRef>
<OrderedBy code="            10001"><Name>Anna de Vries</Name><Phone>+31 6 00000001</Phone></OrderedBy>
<DeliveryAddress><City>Delft</City><Country code="NL" /><Contact><LastName>de Vries</LastName>
<Email>anna.devries@example.com</Email></Contact></DeliveryAddress>
<SalesPerson><FullName>Ada</FullName></SalesPerson>
<SalesOrderLine line="1"><Item code="TEA-1" /><Quantity>2</Quantity>
<NetPrice><Currency code="EUR" /><Value>19.90</Value></NetPrice></SalesOrderLine>
<SalesOrderLine line="2"><Item code="1001" /><Quantity>1</Quantity>
<NetPrice><Currency code="EUR" /><Value>4.95</Value></NetPrice></SalesOrderLine></SalesOrder>
<SalesOrder salesordernumber="4712" status="12"><OrderedBy code="10002"><Name>Te ApS</Name></OrderedBy></SalesOrder>
</SalesOrders><Messages /></eExact>
"""
INVOICES = """<?xml version="1.0" encoding="UTF-8"?>
<eExact xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="eExact-Schema.xsd"><Invoices>
<Invoice type="V"><Journal code="70"/><InvoiceNumber>26700001</InvoiceNumber><InvoiceDate>2026-03-05</InvoiceDate>
<OrderedBy><Debtor code="10001" name="Anna de Vries"/></OrderedBy><InvoiceTo><Debtor code="10002" name="Te ApS"/></InvoiceTo>
<InvoiceLine number="1"><Item code="TEA-1"/><Quantity>2</Quantity><Amount><Currency code="EUR"/><Value>19.90</Value></Amount>
</InvoiceLine></Invoice>
<Invoice type="B"><InvoiceNumber>1</InvoiceNumber><InvoiceDate>2026-03-05</InvoiceDate></Invoice>
</Invoices></eExact>
"""
ACCOUNTS = """<?xml version="1.0" ?>
<eExact xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="eExact-Schema.xsd"><Accounts>
<Account code="00010001" status="A" type="C"><Name>Anna de Vries</Name><Phone>+31 6 00000001</Phone><Email></Email>
<Contacts><Contact default="1"><LastName>de Vries</LastName><Email>anna.devries@example.com</Email></Contact></Contacts></Account>
<Account code="10002" status="A" type="C"><Name>Te ApS</Name><Phone></Phone><Email>info@example.org</Email>
<Contacts><Contact><Email>soeren@example.org</Email></Contact></Contacts></Account>
</Accounts></eExact>
"""


def test_sales_orders_of_exact_online(run: Run, catalog: SourceCatalog, tmp_path: Path) -> None:
    path = tmp_path / "SalesOrders.xml"
    path.write_text(SALES_ORDERS, encoding="utf-8")
    assert set(recognise(path, catalog).exports) == {"exact.sales_order", "exact.sales_order_account"}
    orders = run("exact.sales_order", path)
    assert orders.balances() and orders.skipped == {"without_date": 1}
    [order] = orders.rows
    assert (order["occurred_at"], order["occurred_at_precision"]) == (datetime(2026, 3, 1), "day")
    assert (order["amount"], order["currency"], order["agent_id"]) == (24.85, "EUR", "Ada")
    assert identifiers(order) == {
        ("customer_number", "10001"), ("exact.debtor", "10001"), ("email", "anna.devries@example.com"),
        ("order_reference", "W-9"),
    }  # fmt: skip
    assert [(o["type"], o["id"]) for o in order["objects"]] == [
        ("order", "4711"), ("product", "1001"), ("product", "TEA-1"),
    ]  # fmt: skip
    people = run("exact.sales_order_account", path)
    assert people.balances()
    assert {(row["full_name"], row["party_type"]) for row in people.rows} == {
        ("Anna de Vries", "person"), ("Te ApS", "organisation"),
    }  # fmt: skip


def test_invoices_and_accounts(run: Run, catalog: SourceCatalog, tmp_path: Path) -> None:
    invoices, accounts = tmp_path / "i.xml", tmp_path / "a.xml"
    invoices.write_text(INVOICES, encoding="utf-8")
    accounts.write_text(ACCOUNTS, encoding="utf-8")
    assert recognise(invoices, catalog).exports == ("exact.invoice",)
    assert recognise(accounts, catalog).exports == ("exact.account",)
    sent = run("exact.invoice", invoices)
    assert sent.balances() and sent.skipped == {"purchase_invoice": 1}
    [invoice] = sent.rows
    assert (invoice["touchpoint_type"], invoice["occurred_at"], invoice["amount"], invoice["currency"]) == (
        "invoice_sent", datetime(2026, 3, 5), 19.9, "EUR",
    )  # fmt: skip
    # Who is invoiced, not who ordered.
    assert ("customer_number", "10002") in identifiers(invoice)
    known = run("exact.account", accounts)
    assert known.balances()
    anna, firm = sorted(known.rows, key=lambda row: row["full_name"])
    assert (anna["party_type"], anna["email"]) == ("person", "anna.devries@example.com")
    assert ("customer_number", "10001") in identifiers(anna)
    # The contact of a company is one of its people, not the company.
    assert (firm["party_type"], firm["email"]) == ("organisation", "info@example.org")

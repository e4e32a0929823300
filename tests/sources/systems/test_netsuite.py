"""NetSuite: the connector's tables with values read by hand, and the transaction types that the sample does not have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]

TRANSACTIONS = (
    "_fivetran_active,id,transactionnumber,type,trandate,status,createddate,duedate,closedate,currency,entity,postingperiod,"
    "tranid,otherrefnum,foreigntotal\n"
)
LINES = (
    "id,transaction,linesequencenumber,mainline,taxline,netamount,foreignamount,item,createdfrom,linelastmodifieddate\n"
)


@pytest.mark.shared
def test_customers_and_their_older_copies(run: Run, shared: Path) -> None:
    folder = shared / "netsuite_tables"
    customers = run("netsuite.customer", folder / "netsuite2_customer_data.csv")
    assert customers.balances()
    # Customer 1376 is there twice: the older copy is not active.
    assert (customers.superseded, len(customers.rows)) == (1, 5)
    found = {dict(identifiers(row))["netsuite.customer"]: row for row in customers.rows}
    assert (found["1376"]["full_name"], found["1376"]["phone"]) == ("Alfredo Pizza", "8675309")
    assert found["1376"]["attributes"]["created_at"] == datetime(2017, 7, 18, 18, 32, 17)
    assert (found["1440"]["party_type"], found["1440"]["organisation_name"]) == ("organisation", "CCS")
    # An hour of one digit: 2017-05-09 6:07:35.
    assert found["1409"]["valid_from"] == datetime(2017, 5, 9, 6, 7, 35)
    # All five share the entity id CCS, which is a name and no number.
    assert all("customer_number" not in dict(identifiers(row)) for row in customers.rows)


@pytest.mark.shared
def test_supplier_bills_are_no_touchpoints(run: Run, shared: Path) -> None:
    folder = shared / "netsuite_tables"
    transactions = run(
        "netsuite.transaction",
        folder / "netsuite2_transaction_data.csv",
        transaction_line=folder / "netsuite2_transaction_line_data.csv",
        entity=folder / "netsuite2_entities_data.csv",
    )
    assert transactions.balances()
    assert transactions.skipped == {"not_with_a_customer": 4}


def test_order_invoice_and_payment(run_text: Run) -> None:
    mapped = run_text(
        "netsuite.transaction",
        TRANSACTIONS
        + "TRUE,1,11,SalesOrd,2026-03-02 0:00:00,B,2026-03-02 9:30:00,,,1,700,5,SO11,WEB-1001,60.5\n"
        + "FALSE,1,11,SalesOrd,2026-03-02 0:00:00,A,2026-03-02 9:30:00,,,1,700,5,SO11,WEB-1001,99\n"
        + "TRUE,2,12,CustInvc,2026-03-03 0:00:00,B,2026-03-04 7:00:00,2026-03-31 0:00:00,2026-04-05 0:00:00,1,700,5,INV12,,\n"
        + "TRUE,3,13,CustPymt,2026-04-05 0:00:00,C,2026-04-05 7:00:00,,,1,700,5,P13,,60.5\n"
        + "TRUE,4,14,ItemRcpt,2026-04-06 0:00:00,,2026-04-06 7:00:00,,,,700,5,,,\n"
        + "TRUE,5,15,CashSale,2026-04-06 0:00:00,,2026-04-06 8:00:00,,,1,700,5,,,10\n"
        + "TRUE,6,16,CashSale,2026-04-06 0:00:00,,2026-04-06 9:00:00,,,1,800,5,,,10\n"
        + "TRUE,7,17,CustChrg,2026-04-07 0:00:00,,2026-04-07 9:00:00,,,1,700,5,,,5\n",
        transaction_line=LINES
        + "0,2,0,T,F,50,-60.5,,1,x\n1,2,1,F,F,-50,-50,80,1,x\n2,2,2,F,T,-10.5,-10.5,9,1,x\n0,6,0,T,F,10,10,,1,x\n",
        currency="id,name,symbol,isbasecurrency,exchangerate\n1,Euro,eur,T,1\n",
        entity="id,entityid,altname,type,toplevelparent,genericresource\n700,A,A,CustJob,,\n800,S,S,Employee,,\n",
    )
    assert mapped.balances()
    assert (mapped.skipped, mapped.superseded) == ({"goods_received": 1}, 1)
    [order] = mapped.of_object("order", "1")
    assert (order["touchpoint_type"], order["occurred_at"], order["occurred_at_precision"]) == (
        "order_placed",
        datetime(2026, 3, 2, 9, 30),
        "second",
    )
    assert (order["amount"], order["currency"], order["attributes"]["status"]) == (60.5, "EUR", "B")
    assert identifiers(order) == {
        ("netsuite.customer", "700"),
        ("netsuite.transaction", "1"),
        ("order_reference", "WEB-1001"),
    }
    [invoice] = mapped.of_object("invoice", "2")
    # Booked on the 3rd, written on the 4th: only the day is known. The amount stands on the main line.
    assert (invoice["occurred_at"], invoice["occurred_at_precision"]) == (datetime(2026, 3, 3), "day")
    assert (invoice["touchpoint_type"], invoice["amount"], invoice["attributes"]["days_late"]) == (
        "invoice_sent",
        60.5,
        5,
    )
    assert {"type": "product", "id": "80", "qualifier": "item"} in invoice["objects"]
    assert {"type": "transaction", "id": "1", "qualifier": "preceding"} in invoice["objects"]
    assert [row["touchpoint_type"] for row in mapped.of_object("payment", "3")] == ["invoice_paid"]
    # A cash sale of its own, and one that pays an order; the second is an employee's, who is no customer.
    assert [row["touchpoint_type"] for row in mapped.of_object("order", "5")] == ["pos_purchase"]
    [paid] = mapped.of_object("order", "6")
    assert (paid["touchpoint_type"], identifiers(paid)) == ("payment_received", {("netsuite.transaction", "6")})
    [charge] = mapped.where(touchpoint_type="unmapped")
    assert charge["raw_type"] == "CustChrg"

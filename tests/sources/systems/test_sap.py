"""SAP: the real document flow, the shape of the tables, and clocks that go back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_document_flow(run: Run, shared: Path) -> None:
    path = shared / "process_logs" / "sap_vbfa_subset.csv"
    mapped = run("sap.vbfa", path)
    assert mapped.balances()
    assert mapped.row_count == 9738
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # One touchpoint per order and following document, however many items.
    pairs = {(row["VBELV"], row["VBELN"], row["VBTYP_N"]) for row in rows if row["VBTYP_V"] in ("C", "K", "L")}
    wanted = {"J": "order_shipped", "M": "invoice_sent", "P": "invoice_sent", "N": "credit_note", "O": "credit_note"}
    expected: dict[str, int] = {}
    for _, _, kind in pairs:
        if kind in wanted:
            expected[wanted[kind]] = expected.get(wanted[kind], 0) + 1
    assert mapped.types == expected

    # Order 19068: shipped 2020-03-26 08:05:45, invoiced 08:12:57, winter time in Amsterdam until 29 March.
    steps = mapped.of_object("order", "19068")
    assert [(row["touchpoint_type"], row["occurred_at"]) for row in steps] == [
        ("order_shipped", datetime(2020, 3, 26, 7, 5, 45)),
        ("invoice_sent", datetime(2020, 3, 26, 7, 12, 57)),
    ]
    assert identifiers(steps[0]) == {("sap.order", "19068"), ("sap.delivery", "80018917")}
    assert identifiers(steps[1]) == {("sap.order", "19068"), ("sap.invoice", "90040438")}
    # 2020-05-06 07:22:49, summer time.
    assert mapped.of_object("delivery", "80018926")[0]["occurred_at"] == datetime(2020, 5, 6, 5, 22, 49)
    # Four items of one cancelled invoice are one credit note.
    [cancelled] = mapped.of_object("invoice", "90005183")
    assert (cancelled["touchpoint_type"], cancelled["channel_detail"]) == ("credit_note", "invoice cancelled")
    assert cancelled["occurred_at"] == datetime(1997, 1, 28, 7, 57, 56)


@pytest.mark.shared
def test_tables_in_small_letters(run: Run, shared: Path) -> None:
    orders = run("sap.vbak", shared / "sap_tables" / "sap_vbak_data.csv")
    assert orders.balances()
    [order] = orders.of_object("order", "510")
    # 2025-01-01 13:45:00 in Amsterdam.
    assert (order["touchpoint_type"], order["occurred_at"]) == ("order_placed", datetime(2025, 1, 1, 12, 45))
    assert (order["amount"], order["currency"]) == (5000.0, "USD")
    customers = run("sap.kna1", shared / "sap_tables" / "sap_kna1_data.csv")
    assert customers.balances()
    [holmes] = [row for row in customers.rows if ("customer_number", "CA303") in identifiers(row)]
    assert (holmes["party_type"], holmes["postal_code"], holmes["city"]) == ("organisation", "NW1 6XE", "London")
    assert holmes["valid_from"] == datetime(2011, 12, 1)
    # Values of this made-up file stand under the wrong fields; it must not become payments of nobody.
    items = run("sap.bsad", shared / "sap_tables" / "sap_bsad_bck_data.csv")
    assert items.balances()
    assert [problem["column"] for problem in items.problems] == ["kunnr", "kunnr"]


VBAK = "vbeln,erdat,erzet,kunnr,netwr,waerk,vbtyp,vgbel\n"


def test_items_of_an_order_are_its_products(run_text: Run) -> None:
    items = (
        "vbeln,posnr,matnr,arktx,kwmeng,netwr\n0000000510,000010,000000000000004711,Kettle,2.000,80.00\n"
        "0000000510,000020,TEA-1,Tea,1.000,19.00\n0000000511,000010,CUP,Cup,1.000,9.00\n"
    )
    [row] = run_text("sap.vbak", f"{VBAK}0000000510,20260301,143000,0000010001,99.00,EUR,C,\n", vbap=items).rows
    assert [o["id"] for o in row["objects"] if o["type"] == "product"] == ["4711", "TEA-1"]


@pytest.mark.parametrize(
    ("day", "clock", "utc", "precision"),
    [
        ("20260301", "143000", datetime(2026, 3, 1, 13, 30), "second"),
        ("2026-07-01", "14:30:00", datetime(2026, 7, 1, 12, 30), "second"),
        ("20260301", "000000", datetime(2026, 3, 1), "day"),
        ("20260301", "", datetime(2026, 3, 1), "day"),
        # 02:30 exists twice on 26 October 2025: the first.
        ("20251026", "023000", datetime(2025, 10, 26, 0, 30), "second"),
        ("20251026", "033000", datetime(2025, 10, 26, 2, 30), "second"),
        ("20251026", "013000", datetime(2025, 10, 25, 23, 30), "second"),
        # 02:30 does not exist on 29 March 2026: an hour on.
        ("20260329", "023000", datetime(2026, 3, 29, 1, 30), "second"),
        ("20260329", "033000", datetime(2026, 3, 29, 1, 30), "second"),
    ],
)
def test_day_and_clock_to_utc(run_text: Run, day: str, clock: str, utc: datetime, precision: str) -> None:
    [row] = run_text("sap.vbak", f"{VBAK}0000000510,{day},{clock},0000010001,99.00,EUR,C,\n").rows
    assert (row["occurred_at"], row["occurred_at_precision"]) == (utc, precision)
    assert identifiers(row) == {("sap.customer", "10001"), ("customer_number", "10001"), ("sap.order", "510")}


def test_broken_clock_has_no_time(run_text: Run) -> None:
    mapped = run_text("sap.vbak", f"{VBAK}0000000510,20260301,998877,0000010001,99.00,EUR,C,\n")
    # The day stands; a clock that cannot be is not believed.
    assert (mapped.rows[0]["occurred_at"], mapped.rows[0]["occurred_at_precision"]) == (datetime(2026, 3, 1), "day")


def test_kinds_of_sales_documents(run_text: Run) -> None:
    lines = "".join(
        f"00000009{number},20260301,101500,0000010001,99.00,EUR,{kind},{'0000000900' if kind == 'H' else ''}\n"
        for number, kind in enumerate("BCHK", 10)
    )
    mapped = run_text("sap.vbak", VBAK + lines)
    assert mapped.balances()
    assert mapped.types == {"quote_sent": 1, "order_placed": 1, "return_requested": 1, "unmapped": 1}
    [request] = mapped.where(touchpoint_type="unmapped")
    # Kept, because the credit memo that follows names only this document.
    assert ("sap.order", "913") in identifiers(request)


def test_proof_of_delivery(run_text: Run) -> None:
    header = "vbeln,kunnr,erdat,erzet,wadat_ist,lfdat,podat,potim\n"
    mapped = run_text(
        "sap.likp",
        header
        + "0080000001,0000010001,20260302,080000,20260302,20260303,20260305,101500\n"
        + "0080000002,0000010001,20260302,080000,20260302,20260303,00000000,000000\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"no_proof_of_delivery": 1}
    [row] = mapped.rows
    assert (row["touchpoint_type"], row["occurred_at"]) == ("order_delivered", datetime(2026, 3, 5, 9, 15))
    assert row["attributes"]["days_late"] == 2
    assert ("sap.delivery", "80000001") in identifiers(row)


def test_paid_invoice(run_text: Run) -> None:
    mapped = run_text(
        "sap.bsad",
        "kunnr,augdt,augbl,belnr,gjahr,bukrs,buzei,blart,shkzg,wrbtr,waers,bldat,zfbdt,zbd1t,vbeln\n"
        "0000010001,20260320,1400000001,0090000001,2026,1000,001,RV,S,121.00,DKK,20260301,20260301,14,0090000001\n"
        "0000010001,20260320,1400000001,1400000001,2026,1000,001,DZ,H,121.00,DKK,20260320,20260320,0,\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"credit_side": 1}
    [row] = mapped.rows
    assert (row["occurred_at"], row["occurred_at_precision"]) == (datetime(2026, 3, 20), "day")
    assert (row["amount"], row["currency"]) == (121.0, "DKK")
    assert row["attributes"]["due_date"] == date(2026, 3, 15)
    assert (row["attributes"]["days_late"], row["attributes"]["days_to_pay"]) == (5, 19)
    assert identifiers(row) == {("sap.customer", "10001"), ("customer_number", "10001"), ("sap.invoice", "90000001")}


def test_persons_and_accounts_that_are_nobody(run_text: Run) -> None:
    mapped = run_text(
        "sap.kna1",
        "kunnr,name1,land1,ort01,pstlz,stras,stkzn,anred,loevm,xcpdk,telf1,spras\n"
        '0000010001,"Vries, Anna",NL,Utrecht,3500 ZZ,Dijk 1,X,,,,06-00000001,N\n'
        "0000010002,Cykel ApS,DK,Aarhus,0900,Havn 2,,Firma,,,,K\n"
        "0000010003,Old,NL,Utrecht,3500 ZZ,Dijk 3,X,,X,,,N\n"
        "0000010004,CPD,NL,Utrecht,3500 ZZ,Dijk 3,,,,X,,N\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"marked_for_deletion": 1, "one_time_customer": 1}
    people = {dict(identifiers(row))["customer_number"]: row for row in mapped.rows}
    assert (people["10001"]["party_type"], people["10001"]["language"]) == ("person", "nl")
    assert (people["10002"]["party_type"], people["10002"]["language"]) == ("organisation", "da")
    assert people["10002"]["organisation_name"] == "Cykel ApS"
    assert ("phone", "06-00000001") in identifiers(people["10001"])

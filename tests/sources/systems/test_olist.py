"""Olist shop and funnel: rows of the real files, checked by hand against the text in them.

São Paulo is 3 hours behind UTC, 2 hours in summer (2017: from 15 October, 2018: until 18 February).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

pytestmark = pytest.mark.shared
Run = Callable[..., Mapped]


def shop(shared: Path, name: str) -> Path:
    return shared / "olist_ecommerce" / f"olist_{name}_dataset.csv"


@pytest.fixture
def orders(run: Run, shared: Path) -> Mapped:
    return run("olist.order", shop(shared, "orders"), order_item=shop(shared, "order_items"))


def test_every_order_row_counts(orders: Mapped) -> None:
    assert orders.balances()
    assert orders.row_count == 3000
    # Empty approval, carrier and delivery dates in the file: 9, 54 and 96.
    assert orders.types == {
        "order_placed": 3000,
        "order_confirmed": 2991,
        "order_shipped": 2946,
        "order_delivered": 2904,
    }


def test_one_order_from_click_to_door(orders: Mapped) -> None:
    # 2018-08-15 11:30:33, 11:44:11, 12:44:00, 2018-08-20 15:15:42; promised 2018-08-27; one item 1299.65 + 27.20.
    steps = orders.of_object("order", "2c810e97c1d3956172e1830863e6a133")
    assert [(row["touchpoint_type"], row["occurred_at"]) for row in steps] == [
        ("order_placed", datetime(2018, 8, 15, 14, 30, 33)),
        ("order_confirmed", datetime(2018, 8, 15, 14, 44, 11)),
        ("order_shipped", datetime(2018, 8, 15, 15, 44, 0)),
        ("order_delivered", datetime(2018, 8, 20, 18, 15, 42)),
    ]
    placed, delivered = steps[0], steps[-1]
    assert (placed["amount"], placed["currency"]) == (1326.85, "BRL")
    assert delivered["amount"] is None
    assert delivered["attributes"]["estimated_delivery_date"] == date(2018, 8, 27)
    assert delivered["attributes"]["days_late"] == -7
    assert identifiers(placed) == {
        ("olist.customer", "ba2ad8b23fe2a0a45cdb33ae2cc42b98"),
        ("olist.order", "2c810e97c1d3956172e1830863e6a133"),
    }


def test_amount_of_three_items_and_summer_time(orders: Mapped) -> None:
    # 30.00 + 6.62 + 39.99 + 33.08 + 30.00 + 6.62, two different products, bought 2017-11-24 18:40:50.
    placed = orders.of_object("order", "1032cdde705c24776a43441b77855fe6")[0]
    assert placed["amount"] == 146.31
    assert placed["occurred_at"] == datetime(2017, 11, 24, 20, 40, 50)
    assert placed["attributes"]["item_count"] == 3
    assert sum(item["type"] == "product" for item in placed["objects"]) == 2


def test_cancelled_order_invents_no_cancelling_time(orders: Mapped) -> None:
    steps = orders.of_object("order", "913677abacbcdc2b2f18b3ec362a0cdd")
    assert [(row["touchpoint_type"], row["outcome"]) for row in steps] == [
        ("order_placed", "failure"),
        ("order_confirmed", None),
    ]
    assert steps[0]["attributes"]["order_status"] == "canceled"


def test_payment_takes_its_time_from_the_order(run: Run, shared: Path) -> None:
    payments = run("olist.order_payment", shop(shared, "order_payments"), order=shop(shared, "orders"))
    assert payments.balances()
    # One voucher and one not_defined of 0.00.
    assert payments.skipped == {"nothing_paid": 2}
    [payment] = payments.of_object("order", "2c810e97c1d3956172e1830863e6a133")
    assert payment["occurred_at"] == datetime(2018, 8, 15, 14, 44, 11)
    assert (payment["amount"], payment["channel_detail"]) == (1326.85, "credit_card")
    assert payment["attributes"]["installment_count"] == 8
    assert identifiers(payment) == {("olist.order", "2c810e97c1d3956172e1830863e6a133")}


def test_payment_without_its_order_has_no_time(run: Run, shared: Path) -> None:
    payments = run("olist.order_payment", shop(shared, "order_payments"))
    assert payments.balances()
    assert {row["occurred_at"] for row in payments.rows} == {None}


def test_review_is_sent_and_answered(run: Run, shared: Path) -> None:
    reviews = run("olist.order_review", shop(shared, "order_reviews"))
    assert reviews.balances()
    assert reviews.types == {"survey_sent": 2993, "survey_answered": 2993}
    # 4 stars, created 2018-08-21, answered 2018-08-22 02:48:51.
    sent, answered = reviews.of_object("survey", "c149a744370cea3b5eb21e60fff14a73")
    assert (sent["occurred_at"], sent["occurred_at_precision"]) == (datetime(2018, 8, 21), "day")
    assert (sent["score_raw"], sent["score_kind"]) == (None, None)
    assert (answered["occurred_at"], answered["occurred_at_precision"]) == (datetime(2018, 8, 22, 5, 48, 51), "second")
    assert [answered[name] for name in ("score_kind", "score_raw", "score_min", "score_max")] == ["rating", 4, 1, 5]
    # Midnight does not exist on the day the clocks go forward; the file says 01:00:00 and means the day.
    assert reviews.of_object("survey", "c58fb27d2b2819f34aa3bb41843af9e4")[0]["occurred_at"] == datetime(2017, 10, 15)
    # One review of two orders is two rows.
    assert len(reviews.of_object("survey", "e18443b78ee9f058912366f8a01c397a")) == 4


def test_two_orders_of_one_person_share_olist_person(run: Run, shared: Path) -> None:
    customers = run("olist.customer", shop(shared, "customers"))
    assert customers.balances()
    person = ("olist.person", "56e80e4b4a777631c5399e3fd0d6ee85")
    assert sum(person in identifiers(row) for row in customers.rows) == 2
    [first] = [
        row for row in customers.rows if ("olist.customer", "de62761e79f4ae4169cab45ed5f36026") in identifiers(row)
    ]
    assert (first["postal_code"], first["city"], first["attributes"]["state"]) == ("78135", "varzea grande", "MT")


def test_seller_keeps_the_zero_of_its_postal_code(run: Run, shared: Path) -> None:
    sellers = run("olist.seller", shop(shared, "sellers"))
    assert sellers.balances()
    [seller] = [row for row in sellers.rows if ("olist.seller", "bba3293d6f5d5af2f415e004e8b93ae3") in identifiers(row)]
    assert (seller["postal_code"], seller["party_type"]) == ("04726", "organisation")


def test_lookups_read_without_problems(run: Run, shared: Path) -> None:
    for name, path, rows in (
        ("olist.order_item", shop(shared, "order_items"), 3397),
        ("olist.product", shop(shared, "products"), 2452),
        ("olist.product_category", shared / "olist_ecommerce" / "product_category_name_translation.csv", 71),
    ):
        lookup = run(name, path)
        assert (lookup.row_count, lookup.winners, lookup.problems) == (rows, rows, [])


def test_lead_and_deal_are_one_customer(run: Run, shared: Path) -> None:
    leads = run("olist_funnel.lead", shared / "olist_crm_funnel" / "olist_marketing_qualified_leads_dataset.csv")
    deals = run("olist_funnel.deal", shared / "olist_crm_funnel" / "olist_closed_deals_dataset.csv")
    assert leads.balances() and deals.balances()
    assert (leads.types, deals.types) == ({"lead_created": 8000}, {"quote_accepted": 842})
    [lead] = leads.of_object("lead", "8c18d1de7f67e60dbd64e3c07d7e9d5d")
    assert (lead["occurred_at"], lead["occurred_at_precision"]) == (datetime(2017, 10, 20), "day")
    assert lead["channel_detail"] == "paid search"
    # Won 2018-02-26 19:58:54, eight days after summer time ended.
    [deal] = deals.of_object("opportunity", "5420aad7fec3549a85876ba1c529bd84")
    assert deal["occurred_at"] == datetime(2018, 2, 26, 22, 58, 54)
    assert (deal["outcome"], deal["agent_id"]) == ("success", "4ef15afb4b2723d8f3d81e51ec7afefe")
    assert deal["attributes"]["sdr_id"] == "a8387c01a09e99ce014107505b92388c"
    assert identifiers(deal) == {
        ("olist_funnel.lead", "5420aad7fec3549a85876ba1c529bd84"),
        ("olist.seller", "2c43fb513632d29b3b58df74816f1b06"),
    }
    known = {pair for row in leads.rows for pair in identifiers(row)}
    assert all(any(pair in known for pair in identifiers(row)) for row in deals.rows)

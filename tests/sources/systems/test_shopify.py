"""Shopify: the admin's order export (a sample and a file with the full header), warehouse tables, values read by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_orders_of_the_admin_sample(run: Run, shared: Path) -> None:
    path = shared / "shopify_csv" / "shopify_orders_sample.csv"
    orders = run("shopify.admin_order", path, admin_order_line=path)
    assert orders.balances()
    # 249 lines: 127 orders and 122 further lines.
    assert (orders.types, orders.skipped) == ({"order_placed": 127}, {"further_line": 122})
    [first] = orders.of_object("order", "#1001")
    # 17:41 at -0500.
    assert first["occurred_at"] == datetime(2025, 1, 15, 22, 41)
    assert (first["amount"], first["currency"]) == (183.5, "USD")
    assert identifiers(first) == {("email", "customer1@example.com"), ("order_reference", "1001")}
    products = {item["id"] for item in first["objects"] if item["type"] == "product"}
    assert products == {"Deluxe Bundle", "Blue Widget", "Red Gadget"}
    # The order has no address; the one of the order above is somebody else's.
    [anonymous] = orders.of_object("order", "#1020")
    assert identifiers(anonymous) == {("order_reference", "1020")}
    # When the money went back is not in the file.
    [refunded] = orders.of_object("order", "#1007")
    assert refunded["attributes"]["refunded_amount"] == 29.5
    lines = run("shopify.admin_order_line", path)
    assert (lines.winners, lines.superseded) == (249, 0)


@pytest.mark.shared
def test_full_admin_header_at_the_till_and_in_the_shop(run: Run, shared: Path) -> None:
    path = shared / "_format_fixtures" / "shopify_orders_export.csv"
    orders = run("shopify.admin_order", path, admin_order_line=path)
    assert orders.balances()
    assert orders.skipped == {"further_line": 1}
    anna = orders.of_object("order", "5001")
    assert [(row["touchpoint_type"], row["occurred_at"], row["amount"]) for row in anna] == [
        ("order_placed", datetime(2026, 3, 2, 8, 58, 12), 34.98),
        ("payment_received", datetime(2026, 3, 2, 9, 0, 5), 34.98),
        ("order_shipped", datetime(2026, 3, 3, 8), None),
    ]
    assert anna[1]["channel_detail"] == "Shopify Payments"
    assert identifiers(anna[0]) == {
        ("email", "anna.devries@example.com"),
        ("phone", "+31 6 00000001"),
        ("shopify.order", "5001"),
        ("order_reference", "1001"),
    }
    assert {"type": "product", "id": "MUG", "qualifier": "item"} in anna[0]["objects"]
    # Bram paid at the till: the payment is part of the purchase.
    [bram] = orders.of_object("order", "5002")
    assert (bram["touchpoint_type"], bram["occurred_at"]) == ("pos_purchase", datetime(2026, 3, 5, 19, 10, 41))
    assert bram["attributes"]["refunded_amount"] == 20.0


def test_further_lines_that_repeat_address_and_time_and_a_cancelled_order(run_text: Run) -> None:
    # The newer header spells "Canceled at"; real exports repeat the time on further lines.
    text = (
        "Name,Email,Created at,Total,Financial Status,Lineitem name,Lineitem SKU,Canceled at,Currency,Id\n"
        "#7,a@example.org,2026-03-01 10:00:00 +0100,30.00,voided,Tea,T1,2026-03-01 11:00:00 +0100,EUR,900\n"
        "#7,a@example.org,2026-03-01 10:00:00 +0100,,,Mug,M1,,,\n"
        "#8,a@example.org,yesterday,30.00,paid,Tea,T1,,EUR,901\n"
    )
    orders = run_text("shopify.admin_order", text, admin_order_line=text)
    assert orders.balances()
    assert orders.skipped == {"further_line": 1}
    assert [problem["column"] for problem in orders.problems] == ["created_at"]
    placed, cancelled = orders.of_object("order", "900")
    assert (placed["touchpoint_type"], placed["occurred_at"]) == ("order_placed", datetime(2026, 3, 1, 9))
    assert (cancelled["touchpoint_type"], cancelled["occurred_at"]) == ("order_cancelled", datetime(2026, 3, 1, 10))
    assert cancelled["amount"] is None


@pytest.mark.shared
def test_orders_of_both_apis(run: Run, shared: Path) -> None:
    folder = shared / "shopify_tables"
    rest = run("shopify.order", folder / "shopify_order_data.csv", order_line=folder / "shopify_order_line_data.csv")
    assert rest.balances()
    assert rest.types == {"order_placed": 8}
    [order] = rest.of_object("order", "2674098602081")
    assert (order["occurred_at"], order["amount"], order["currency"]) == (datetime(2020, 9, 11, 19, 35, 42), 2.8, "GBP")
    assert ("shopify.customer", "3589760876641") in identifiers(order)
    assert {"type": "product", "id": "4505775439969", "qualifier": "item"} in order["objects"]
    assert order["attributes"]["item_count"] == 2
    # A name that is a hash is no order number that others could share.
    assert "order_reference" not in dict(identifiers(order))
    graphql = run("shopify.order", folder / "shopify_gql_order_data.csv")
    assert graphql.balances()
    assert graphql.skipped == {"deleted": 4, "test_order": 1}
    assert graphql.types == {"order_placed": 3, "pos_purchase": 1, "order_cancelled": 3}
    [paid] = graphql.of_object("order", "4001")
    # Processed at 09:00, made at 08:45.
    assert (paid["occurred_at"], paid["amount"]) == (datetime(2025, 7, 18, 9), 55.0)
    assert {row["touchpoint_type"] for row in graphql.of_object("order", "4009")} == {"pos_purchase", "order_cancelled"}


@pytest.mark.shared
def test_payments_refunds_and_deliveries(run: Run, shared: Path) -> None:
    folder = shared / "shopify_tables"
    payments = run("shopify.transaction", folder / "shopify_gql_transaction_data.csv")
    assert payments.balances()
    assert payments.skipped == {"test_payment": 3, "refund": 1, "no_money_moved": 1}
    [sale] = payments.of_object("payment", "10001")
    assert (sale["touchpoint_type"], sale["amount"], sale["currency"]) == ("payment_received", 49.99, "USD")
    [declined] = payments.of_object("payment", "10007")
    assert (declined["touchpoint_type"], declined["outcome"]) == ("payment_failed", "failure")
    assert declined["attributes"]["error_code"] == "card_declined"
    refunds = run(
        "shopify.refund", folder / "shopify_gql_refund_data.csv", order_return=folder / "shopify_gql_return_data.csv"
    )
    assert refunds.balances()
    [refund] = refunds.of_object("refund", "7002")
    assert (refund["occurred_at"], refund["amount"], refund["currency"]) == (datetime(2025, 7, 16, 9), 5.0, "CAD")
    assert refund["attributes"] == {"return_name": "#R1002", "return_status": "closed", "item_count": 2}
    events = run("shopify.fulfillment_event", folder / "shopify_fulfillment_event_data.csv")
    assert events.balances()
    [delivered] = events.where(touchpoint_type="order_delivered")
    assert identifiers(delivered) == {("shopify.order", "4502987"), ("shopify.fulfillment", "40495")}
    assert sorted(row["raw_type"] for row in events.where(touchpoint_type="unmapped")) == [
        "delayed",
        "in_transit",
        "in_transit",
        "out_for_delivery",
    ]
    withdrawn = run("shopify.fulfillment_event", folder / "shopify_gql_fulfillment_event_data.csv")
    assert withdrawn.balances()
    assert withdrawn.skipped == {"deleted": 5}


@pytest.mark.shared
def test_checkouts_visits_and_customers(run: Run, shared: Path) -> None:
    folder = shared / "shopify_tables"
    checkouts = run("shopify.abandoned_checkout", folder / "shopify_abandoned_checkout_data.csv")
    assert checkouts.balances()
    [checkout] = checkouts.of_object("checkout", "11111")
    assert (checkout["touchpoint_type"], checkout["outcome"]) == ("checkout_started", "abandoned")
    assert (checkout["amount"], checkout["page_path"]) == (10.35, "/collections/sale")
    assert checkout["referrer_host"] == "www.google.com"
    assert identifiers(checkout) == {("shopify.customer", "366525"), ("email", "u60f066fe@example.org")}
    visits = run("shopify.customer_visit", folder / "shopify_gql_customer_visit_data.csv")
    assert visits.balances()
    [visit] = visits.of_object("order", "5005")
    assert (visit["occurred_at"], visit["channel_detail"]) == (datetime(2025, 7, 13, 14), "newsletter")
    assert visit["campaign_medium"] == "email"
    consent = {
        dict(identifiers(row))["shopify.customer"]: row["consent_email"]
        for row in run("shopify.customer", folder / "shopify_gql_customer_data.csv").rows
    }
    assert (consent["1001"], consent["1002"], consent["1004"]) == (True, False, False)
    old = {
        dict(identifiers(row))["shopify.customer"]: row["consent_email"]
        for row in run("shopify.customer", folder / "shopify_customer_data.csv").rows
    }
    assert (old["3588998496353"], old["3589760876641"]) == (False, True)


def test_customers_of_the_admin(run_text: Run) -> None:
    mapped = run_text(
        "shopify.admin_customer",
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Phone,Phone,Total Spent,"
        "Total Orders,Default Address Zip,Default Address Country Code\n"
        "'8001,Anna,de Vries,anna@example.org,yes,'+31190000001,'+31190000002,64.96,2,'1011AB,nl\n"
        ",No,Id,b@example.org,no,,,0.00,0,,\n",
    )
    assert mapped.balances()
    assert [problem["column"] for problem in mapped.problems] == ["customer_id"]
    [anna] = mapped.rows
    assert identifiers(anna) == {
        ("shopify.customer", "8001"),
        ("email", "anna@example.org"),
        ("phone", "+31190000002"),
    }
    assert (anna["postal_code"], anna["country"], anna["consent_email"]) == ("1011AB", "NL", True)


def test_parcels(run_text: Run) -> None:
    mapped = run_text(
        "shopify.fulfillment",
        "id,order_id,status,service,tracking_company,created_at,updated_at\n"
        "1,900,success,manual,PostNL,2026-03-02 08:00:00,2026-03-02 08:00:00\n"
        "2,901,cancelled,manual,PostNL,2026-03-02 08:00:00,2026-03-02 09:00:00\n",
    )
    assert mapped.balances()
    assert mapped.skipped == {"not_sent": 1}
    [row] = mapped.rows
    assert (row["touchpoint_type"], row["channel_detail"]) == ("order_shipped", "PostNL")
    # Deliveries of the GraphQL tables name only the parcel: this is how they find the customer.
    assert identifiers(row) == {("shopify.order", "900"), ("shopify.fulfillment", "1")}

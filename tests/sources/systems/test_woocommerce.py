"""WooCommerce: the Analytics order download with values read by hand, and customers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.sources.systems.conftest import Mapped, identifiers

Run = Callable[..., Mapped]


@pytest.mark.shared
def test_order_of_the_download(run: Run, shared: Path) -> None:
    orders = run("woocommerce.analytics_order", shared / "_format_fixtures" / "woocommerce_analytics_orders.csv")
    assert orders.balances()
    [order] = orders.rows
    # 09:58:12 at the site, in winter.
    assert (order["touchpoint_type"], order["occurred_at"]) == ("order_placed", datetime(2026, 3, 2, 8, 58, 12))
    # The formatted amount has the currency; the plain one is the number.
    assert (order["amount"], order["currency"]) == (2999.0, "EUR")
    assert identifiers(order) == {("woocommerce.order", "2001"), ("order_reference", "2001")}
    assert [item["id"] for item in order["objects"] if item["type"] == "product"] == ["Crew Tee", "Mug"]
    assert order["campaign_source"] == "Google"
    assert (order["attributes"]["item_count"], order["attributes"]["customer_type"]) == (3, "returning")


def test_states_currencies_and_commas_in_names(run_text: Run) -> None:
    orders = run_text(
        "woocommerce.analytics_order",
        "Date,Order #,Net sales (formatted),Status,Customer,Customer type,Product(s),Items sold,Coupon(s),Net Sales,Attribution\n"
        '2026-07-02 10:00:00,1,$10.00,failed,A,new,"1× Tea, green, 2× Mug",3,,10,Direct\n'
        "2026-07-02 10:00:00,2,£10.00,completed,A,new,1× Tea,1,SPRING,10,Referral: example.org\n"
        "2026-07-02 10:00:00,3,,checkout-draft,A,new,1× Tea,1,,10,\n",
    )
    assert orders.balances()
    assert orders.skipped == {"not_ordered": 1}
    [failed] = orders.of_object("order", "1")
    assert (failed["outcome"], failed["occurred_at"]) == ("failure", datetime(2026, 7, 2, 8))
    # A dollar can be one of many.
    assert (failed["amount"], failed["currency"], failed["campaign_source"]) == (10.0, None, None)
    assert [item["id"] for item in failed["objects"] if item["type"] == "product"] == ["Tea, green", "Mug"]
    [paid] = orders.of_object("order", "2")
    assert (paid["currency"], paid["campaign_source"], paid["attributes"]["coupons"]) == (
        "GBP",
        "example.org",
        "SPRING",
    )


def test_customers(run_text: Run) -> None:
    customers = run_text(
        "woocommerce.analytics_customer",
        "Name,Username,Last active,Date registered,Email,Orders,Total spend,AOV,Country / Region,City,Region,Postal code\n"
        "Anna de Vries,anna,2026-03-02 09:58:12,2025-01-01 10:00:00,anna@example.org,2,64.96,32.48,NL,Amsterdam,,1011AB\n"
        "Guest,,2026-03-02 09:58:12,,,1,10,10,NL,,,\n",
    )
    assert customers.balances()
    assert customers.skipped == {"no_address": 1}
    [anna] = customers.rows
    assert identifiers(anna) == {("email", "anna@example.org"), ("login", "anna")}
    assert (anna["country"], anna["postal_code"], anna["valid_from"]) == (
        "NL",
        "1011AB",
        datetime(2026, 3, 2, 8, 58, 12),
    )

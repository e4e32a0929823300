"""Money and counts: sums of the released tables against the export files, read here without the project's readers."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from models.configuration import load_configuration
from tests.truth.conftest import Company


def records(exports: Path, name: str) -> Iterator[dict[str, str]]:
    """Records of a delimited export in all nights, those that a line break cut off left out."""
    for path in sorted(exports.glob(f"night_*/{name}")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows)
            yield from (dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header))


def orders(exports: Path) -> dict[str, tuple[Decimal, str, str]]:
    """Amount, currency and customer number of every order in the ERP, by order number."""
    found = {}
    for row in records(exports, "sap/vbak.csv"):
        # Planted orders with impossible dates; quarantined.
        if not row["vbeln"].startswith("00009999"):
            found[row["vbeln"]] = (Decimal(row["netwr"]), row["waerk"], row["kunnr"].lstrip("0"))
    return found


def sales(exports: Path) -> dict[str, tuple[Decimal, str]]:
    """Amount and customer number (empty: unnamed) of every sale at the till, by transaction."""
    euro = str.maketrans({"€": None, ".": None, ",": "."})
    return {
        row["Transaction ID"]: (
            Decimal(row["Total Collected"].translate(euro)),
            row["Customer Reference ID"].lstrip("0"),
        )
        for row in records(exports, "square/transactions.csv")
    }


@cache
def rate(currency: str) -> Decimal:
    """What one unit is worth in euro by the default configuration."""
    return Decimal(1) if currency == "EUR" else Decimal(str(load_configuration(None).exchange_rates[currency]))


def test_order_amounts_are_those_of_the_erp_in_both_currencies(company: Company) -> None:
    """Each order with its amount, its currency, and the amount in euro by the configured rate."""
    expected = orders(company.exports)
    found = company.rows(
        """
        select list_filter(objects, lambda o: o.qualifier = 'subject')[1].id, amount, currency, amount_base
        from touchpoint where touchpoint_type = 'order_placed'
        """
    )
    assert len(found) == len(expected) > 300
    by_number = {number.lstrip("0"): order for number, order in expected.items()}
    currencies = set()
    for number, amount, currency, amount_base in found:
        truth_amount, truth_currency, _ = by_number[number]
        assert (Decimal(str(amount)), currency) == (truth_amount, truth_currency)
        assert amount_base == pytest.approx(float(truth_amount * rate(currency)), abs=0.005)
        currencies.add(currency)
    assert currencies == {"DKK", "EUR"}
    assert rate("DKK") == Decimal("0.134")


def test_revenue_of_a_customer_is_the_sum_of_the_orders_and_named_sales(company: Company) -> None:
    """By customer number, in euro: every customer of the ERP and the tills, and nobody else has revenue."""
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    count: dict[str, int] = defaultdict(int)
    for amount, currency, customer in orders(company.exports).values():
        revenue[customer] += amount * rate(currency)
        count[customer] += 1
    for amount, customer in sales(company.exports).values():
        if customer:
            revenue[customer] += amount
            count[customer] += 1
    found = company.rows(
        """
        select i.identifier_value, c.order_amount_base, c.order_count
        from customer_360 as c
        join customer_identifier as i using (customer_id)
        where i.identifier_type = 'customer_number' and c.order_count > 0
        """
    )
    assert {number: orders for number, _, orders in found} == count
    for number, amount, _ in found:
        assert amount == pytest.approx(float(revenue[number]), abs=0.01), number
    total = company.value("select sum(order_amount_base) from customer_360")
    assert total == pytest.approx(float(sum(revenue.values())), abs=0.5)
    assert company.value("select count(*) from customer_360 where order_amount_base > 0") == len(count)


def test_value_of_converted_journeys_is_the_revenue(company: Company) -> None:
    """The value of converted purchase journeys is the revenue of customers: each order closes exactly one journey."""
    value, count = company.rows(
        """
        select sum(value_amount_base), count(*)
        from journey where journey_definition = 'purchase' and status = 'converted'
        """
    )[0]
    revenue, orders_placed = company.rows("select sum(order_amount_base), sum(order_count) from customer_360")[0]
    assert count == orders_placed
    assert value == pytest.approx(revenue, abs=0.01)


def test_channels_per_day_add_up_to_the_touchpoints(company: Company) -> None:
    """Per day and channel, up to the data date, robots apart."""
    expected = company.rows(
        """
        select cast(occurred_at as date), channel, count(*) filter (where not is_bot), count(*) filter (where is_bot)
        from touchpoint cross join setting where occurred_at <= data_date_at group by all order by all
        """
    )
    found = company.rows(
        """
        select activity_date, channel, sum(touchpoint_count), sum(bot_touchpoint_count)
        from channel_daily where touchpoint_count + bot_touchpoint_count > 0 group by all order by all
        """
    )
    assert found == expected
    assert len({channel for _, channel, *_ in found}) >= 12


def test_touchpoints_of_customers_add_up(company: Company) -> None:
    """customer_360 counts exactly the touchpoints that have a customer, are no robot's and not after the data date."""
    expected = company.value(
        "select count(*) from touchpoint cross join setting "
        "where not is_bot and customer_id is not null and occurred_at <= data_date_at"
    )
    assert company.value("select sum(touchpoint_count) from customer_360") == expected > 30_000


def test_costs_are_those_of_the_advertising_account(company: Company) -> None:
    """Nights bring the last thirty days again, with conversions counted again: the newest row of a line counts."""
    newest: dict[str, dict[str, str]] = {}
    for row in records(company.exports, "google_ads/campaign_stats.csv"):
        known = newest.get(row["_fivetran_id"])
        if known is None or row["_fivetran_synced"] >= known["_fivetran_synced"]:
            newest[row["_fivetran_id"]] = row
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for row in newest.values():
        cost[row["date"]] += Decimal(row["cost_micros"]) / 1_000_000
    found = dict(company.rows("select cast(cost_date as varchar), sum(cost_amount_base) from channel_cost group by 1"))
    assert found.keys() == cost.keys()
    assert all(found[day] == pytest.approx(float(cost[day]), abs=1e-6) for day in cost)
    for column, name in (
        ("clicks", "click_count"),
        ("impressions", "impression_count"),
        ("conversions", "conversion_count"),
    ):
        expected = sum(float(row[column]) for row in newest.values())
        assert company.value(f"select sum({name}) from channel_cost") == pytest.approx(expected)
    assert len(cost) == 26 * 7
    assert company.value("select distinct currency from channel_cost") == "EUR"


def test_costs_reach_the_channel_of_the_day(company: Company) -> None:
    by_day = "select {day} as day, sum(cost_amount_base) as cost from {table} where channel = 'advertising' group by 1"
    daily = by_day.format(day="activity_date", table="channel_daily")
    spent = by_day.format(day="cost_date", table="channel_cost")
    off = company.rows(
        f"""
        select day, daily.cost, spent.cost from ({daily}) as daily full join ({spent}) as spent using (day)
        where abs(coalesce(daily.cost, 0) - coalesce(spent.cost, 0)) > 0.005
            and day <= (select cast(data_date_at as date) from setting)
        """
    )
    assert off == []


def test_scores_are_the_answers_given(company: Company) -> None:
    """Every answer of the survey tool with its score on its own scale, scaled to 0 to 1 by the scale's ends."""
    ends = {"nps": (0, 10), "ces": (1, 7), "csat": (1, 5)}
    expected = sorted(
        (at, kind, float(score), (score - ends[kind][0]) / (ends[kind][1] - ends[kind][0]))
        for at, kind, score in company.rows("select occurred_at, kind, score from truth.survey_answer")
    )
    found = company.rows(
        """
        select date_trunc('second', occurred_at), score_kind, score_raw, score_scaled
        from touchpoint where source_system = 'qualtrics' order by 1, 2, 3
        """
    )
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    assert [row[3] for row in found] == pytest.approx([row[3] for row in expected], abs=1e-6)
    assert json.dumps(sorted({row[1] for row in found})) == '["ces", "csat", "nps"]'

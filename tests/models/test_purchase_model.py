"""Expected purchases: CDNOW's published parameters, laws of the formulas, reliability on a time hold-out, contracts by hand."""

from __future__ import annotations

import io
from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from scipy import integrate, special

from models import purchase_model as pm
from tests.models.oracles import from_package

CUT, END = date(1997, 9, 30), date(1998, 6, 30)


@pytest.fixture(scope="module")
def cdnow() -> pl.DataFrame:
    """The 1/10 sample of CDNOW's buyers of early 1997 in days, from the Lifetimes package."""
    text = from_package("Lifetimes", "lifetimes/datasets/CDNOW_sample.txt").decode()
    rows = [line.split() for line in io.StringIO(text) if line.strip()]
    frame = pl.DataFrame(
        {
            "customer_id": [int(row[0]) for row in rows],
            "date": [row[2] for row in rows],
            "amount": [float(row[4]) for row in rows],
        }
    )
    epoch = pl.col("date").str.to_date("%Y%m%d").cast(pl.Int32).cast(pl.Int64)
    return frame.group_by("customer_id", day=epoch).agg(pl.col("amount").sum())


def days_since_1970(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def test_cdnow_gives_the_published_parameters(cdnow: pl.DataFrame) -> None:
    """Table 2 of Fader, Hardie and Lee (2005), time in weeks."""
    past = pm.history(cdnow, days_since_1970(CUT))
    assert len(past.customer_id) == 2357
    model = pm.fit_bg_nbd(past.repeats, past.recency / 7, past.age / 7)
    assert model is not None
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.2426, 4.4135, 0.7929, 2.4258), abs=5e-4)
    likelihood = pm.bg_nbd_log_likelihood(model, past.repeats, past.recency / 7, past.age / 7).sum()
    assert likelihood == pytest.approx(-9582.4, abs=0.1)
    # Gamma-Gamma on the same customers (Fader and Hardie 2013): p 6.25, q 3.74, v 15.44.
    spending = pm.fit_gamma_gamma(past.repeats, past.mean_amount)
    assert spending is not None
    assert (spending.p, spending.q, spending.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.01)


def test_cdnow_probability_is_reliable_and_still_being_a_customer_is_not_it(cdnow: pl.DataFrame) -> None:
    """39 weeks to learn, 39 to test: Brier 0.16, against 0.61 for P(alive) read as a probability to buy."""
    table = pm.reliability(cdnow, days_since_1970(CUT), days_since_1970(END)).to_pylist()
    whole, bins = table[0], table[1:]
    assert (whole["probability_bin"], whole["customer_count"]) == (0, 2357)
    assert whole["brier_score"] == pytest.approx(0.16, abs=0.01)
    assert whole["brier_score"] < whole["base_brier_score"]
    assert whole["mean_probability"] == pytest.approx(whole["bought_share"], abs=0.06)
    assert [row["probability_bin"] for row in bins] == list(range(1, 11))
    assert bins[-1]["bought_share"] > 0.7 > 0.2 > bins[0]["bought_share"]
    past = pm.history(cdnow, days_since_1970(CUT))
    model, _ = pm.fitted(past)
    assert model is not None
    alive = pm.still_customer(model, past.repeats, past.recency, past.age)
    later = set(cdnow.filter(pl.col("day") > days_since_1970(CUT))["customer_id"])
    bought = np.array([customer in later for customer in past.customer_id.tolist()])
    assert ((alive - bought) ** 2).mean() == pytest.approx(0.61, abs=0.01)


MODEL = pm.BgNbd(0.8, 20.0, 1.7, 3.0)


def test_expected_purchases_are_the_sum_of_the_probabilities_of_one_more() -> None:
    """A tiny horizon holds at most one purchase: both formulas then say the same; none in no time."""
    x, recency, age = np.array([0.0, 2, 7]), np.array([0.0, 30, 90]), np.array([40.0, 60, 100])
    for horizon in (1e-3, 1e-2):
        count = pm.expected_purchases(MODEL, x, recency, age, horizon)
        chance = pm.purchase_probability(MODEL, x, recency, age, horizon)
        assert count == pytest.approx(chance, rel=1e-3)
    assert pm.expected_purchases(MODEL, x, recency, age, 0.0) == pytest.approx([0, 0, 0], abs=1e-9)
    assert (np.diff([pm.expected_purchases(MODEL, x, recency, age, h) for h in (10, 50, 200)], axis=0) > 0).all()
    assert (
        pm.purchase_probability(MODEL, x, recency, age, 1e9) <= pm.still_customer(MODEL, x, recency, age) + 1e-12
    ).all()


def test_probability_is_the_integral_over_rates() -> None:
    x, age, horizon = 3.0, 80.0, 30.0

    def silent(rate: float) -> float:
        shape, scale = MODEL.r + x, MODEL.alpha + age
        density = scale**shape * rate ** (shape - 1) * np.exp(-scale * rate) / special.gamma(shape)
        return float(density * np.exp(-rate * horizon))

    stays = pm.still_customer(MODEL, np.array([x]), np.array([60.0]), np.array([age]))[0]
    expected = stays * (1 - integrate.quad(silent, 0, 2)[0])
    found = pm.purchase_probability(MODEL, np.array([x]), np.array([60.0]), np.array([age]), horizon)[0]
    assert found == pytest.approx(expected, rel=1e-8)


def test_several_purchases_of_a_day_are_one_and_the_first_is_no_repeat() -> None:
    days = pl.DataFrame({"customer_id": [1, 1, 1, 2, 3], "day": [10, 20, 50, 30, 70], "amount": [100.0, 10, 30, 5, 1]})
    past = pm.history(days, 60)
    assert past.customer_id.tolist() == [1, 2]
    assert past.repeats.tolist() == [2, 0]
    assert past.recency.tolist() == [40, 0]
    assert past.age.tolist() == [50, 30]
    assert past.mean_amount.tolist() == [20, 0]


def test_too_few_who_came_back_give_no_figure() -> None:
    table = pa.table(
        {
            "customer_id": [1, 1, 2],
            "day": [10, 20, 30],
            "amount_base": [1.0, 2, 3],
            "today": [99] * 3,
            "horizon_days": [90.0] * 3,
        }
    )
    found = pm.purchase_prediction(table).to_pylist()
    assert [row["customer_id"] for row in found] == [1, 2]
    assert {row["purchase_probability"] for row in found} == {None}
    assert len(pm.purchase_reliability(table)) == 0


def test_contracts_by_kaplan_meier() -> None:
    """100 contracts: 20 end on day 100, 80 run for 300 days; so of those of age 50, a fifth ends within 60 days, of 250 few."""
    rows = (
        [(i, 100, True) for i in range(20)]
        + [(i, 300, False) for i in range(20, 98)]
        + [(98, 50, False), (99, 250, False)]
    )
    table = pa.table(
        {
            "customer_id": [row[0] for row in rows],
            "age_days": [row[1] for row in rows],
            "is_ended": [row[2] for row in rows],
            "horizon_days": [60.0] * 100,
        }
    )
    found = {row["customer_id"]: row["contract_end_probability"] for row in pm.contract_prediction(table).to_pylist()}
    assert len(found) == 80 and 5 not in found
    assert found[98] == pytest.approx(20 / 99)
    hazard = 20 / (20 * 100 + 78 * 300 + 300)
    # Kaplan-Meier sees nothing up to day 300, the discrete hazard goes on for the ten days beyond.
    assert found[99] == pytest.approx(1 - (1 - hazard) ** 10)
    assert found[50] == pytest.approx(1 - (1 - hazard) ** 60)


def test_one_rate_for_all_has_no_summit_and_still_a_figure() -> None:
    """Everybody buys once in a hundred days and nobody leaves: parameters grow without end, the prediction is Poisson's."""
    generator = np.random.default_rng(2)
    n, age, horizon = 2000, np.full(2000, 120.0), 60.0
    repeats = generator.poisson(age / 100).astype(float)
    recency = np.where(repeats > 0, age * generator.random(n) ** (1 / np.maximum(repeats, 1)), 0.0)
    model = pm.fit_bg_nbd(repeats, recency, age)
    assert model is not None
    chance = pm.purchase_probability(model, repeats, recency, age, horizon)
    assert chance.mean() == pytest.approx(1 - np.exp(-horizon / 100), abs=0.03)


def test_a_short_history_is_held_out_by_its_last_third() -> None:
    """Ninety days of history and a horizon of ninety: nothing would be left to fit on; thirty are held out instead."""
    generator = np.random.default_rng(4)
    rows = [
        {"customer_id": customer, "day": int(day), "amount_base": 10.0, "today": 90, "horizon_days": 90.0}
        for customer in range(400)
        for day in {0, *generator.integers(0, 91, generator.poisson(2))}
    ]
    found = pm.purchase_reliability(pa.Table.from_pylist(rows)).to_pylist()
    # Who has bought once and nothing else has one prediction, whatever tenth it falls in: bins hold whole predictions.
    bins = found[1:]
    assert sum(row["customer_count"] for row in bins) == 400
    assert [row["mean_probability"] for row in bins] == sorted({row["mean_probability"] for row in bins})
    assert max(row["customer_count"] for row in bins) > 400 / pm.BINS
    assert {(row["fitted_until_date"] - date(1970, 1, 1)).days for row in found} == {60}
    assert found[0]["customer_count"] == 400

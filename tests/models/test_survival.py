"""Survival estimates against statsmodels, hand calculation and simulations whose truth is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from models import survival
from models.contract import load_contracts
from models.statistics import wilson
from tests.sql.runner import Room

DAY = 86_400
GAP = 30 * DAY

people = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=60)


def counts(status: np.ndarray, kind: int) -> np.ndarray:
    return (status == kind).astype(float)


@settings(max_examples=60, deadline=None)
@given(people)
def test_survival_and_incidence_are_those_of_statsmodels(rows: list[tuple[int, int, int]]) -> None:
    """Status 0 is censored, 1 and 2 are competing events; ties everywhere."""
    time = np.array([row[0] + 1 for row in rows], float)
    status = np.array([row[1] for row in rows])
    curve = survival.survival_curve(time, [counts(status, 1), counts(status, 2)], counts(status, 0))
    if (status > 0).any():
        peer = SurvfuncRight(time, (status > 0).astype(int))
        ours = [survival.value_at(curve, curve.survival, moment, 1.0) for moment in peer.surv_times]
        assert ours == pytest.approx(peer.surv_prob, abs=1e-12)
        finite = peer.surv_prob > 0
        spread = np.array([survival.value_at(curve, curve.variance, moment, 0.0) for moment in peer.surv_times])
        assert np.sqrt(spread[finite]) == pytest.approx(peer.surv_prob_se[finite], abs=1e-9)
        competing = CumIncidenceRight(time, status)
        for kind in range(min(2, len(competing.cinc))):
            ours = [survival.value_at(curve, curve.incidence[kind], moment, 0.0) for moment in competing.times]
            assert ours == pytest.approx(competing.cinc[kind], abs=1e-12)
    total = curve.survival + sum(curve.incidence)
    assert total == pytest.approx(np.ones(len(total)))


@settings(max_examples=60, deadline=None)
@given(people)
def test_log_rank_is_that_of_statsmodels_for_every_group_against_the_rest(rows: list[tuple[int, int, int]]) -> None:
    time = np.array([row[0] + 1 for row in rows], float)
    event = np.array([min(row[1], 1) for row in rows])
    _, group = np.unique([row[2] for row in rows], return_inverse=True)
    z, p = survival.log_rank_against_rest(group, time, event.astype(float), 1.0 - event)
    for number in range(group.max() + 1):
        if len(set(group)) == 1 or np.isnan(z[number]):
            continue
        chi_square, expected_p = survdiff(time, event, (group == number).astype(int))
        assert z[number] ** 2 == pytest.approx(chi_square, rel=1e-6)
        assert p[number] == pytest.approx(expected_p, rel=1e-6, abs=1e-12)


def test_incidence_variance_against_the_bootstrap() -> None:
    """The delta-method spread of an Aalen-Johansen share is what resampling the people gives."""
    generator = np.random.default_rng(3)
    n = 400
    first, second, watched = generator.exponential(5, n), generator.exponential(9, n), generator.uniform(0, 12, n)
    time = np.minimum(np.minimum(first, second), watched)
    status = np.where(watched <= time, 0, np.where(first <= second, 1, 2))

    def share(rows: np.ndarray) -> survival.Curve:
        return survival.survival_curve(
            time[rows], [counts(status[rows], 1), counts(status[rows], 2)], counts(status[rows], 0)
        )

    curve = share(np.arange(n))
    ours = np.sqrt(survival.value_at(curve, curve.incidence_variance[1], 8.0, 0.0))
    again = [share(generator.integers(0, n, n)) for _ in range(300)]
    spread = np.std([survival.value_at(sample, sample.incidence[1], 8.0, 0.0) for sample in again])
    assert ours == pytest.approx(spread, rel=0.15)


def test_the_interval_is_wilsons_where_nobody_is_censored() -> None:
    curve = survival.survival_curve([1, 2, 3], [[10, 20, 0]], [0, 0, 70])
    low, high = survival.share_interval(float(curve.survival[-1]), float(curve.variance[-1]), 100)
    assert (low, high) == pytest.approx(tuple(float(end) for end in wilson(70, 100)))
    assert survival.share_interval(0.0, 0.0, 50) == pytest.approx(tuple(float(end) for end in wilson(0, 50)))
    assert all(np.isnan(survival.share_interval(float("nan"), 0.1, 50)))


def test_median_time_is_the_first_at_which_half_had_the_event() -> None:
    curve = survival.survival_curve([1, 2, 3, 4], [[1, 1, 0, 0]], [0, 0, 1, 1])
    assert survival.quantile_time(curve, 0.5) == 2
    assert np.isnan(survival.quantile_time(curve, 0.75))


# --- a company whose truth is known ------------------------------------------------------------------------------------


def visits(
    generator: np.random.Generator, n: int, dropping: float, exiting: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """(seconds watched, outcome) of visits to one point over 120 days as of the last day, more of them of late.

    Of all visits `dropping` are never followed by anything; `exiting` leave for good and the others go on, after a time
    of 6 days in the mean.
    """
    age = 120 * DAY * (1 - np.sqrt(generator.uniform(0, 1, n)))
    fate = generator.choice(["dropped", "exiting", "went_on"], n, p=[dropping, exiting, 1 - dropping - exiting])
    wait = np.minimum(generator.exponential(6 * DAY, n), GAP)
    known = fate != "dropped"
    outcome = np.where(known & (wait <= age), fate, np.where(age > GAP, "dropped", "open"))
    seconds = np.where(outcome == "dropped", GAP, np.where(outcome == "open", age, wait))
    return seconds, outcome


def timed(points: dict[str, tuple[np.ndarray, np.ndarray]]) -> pa.Table:
    """The rows that the SELECT of `drop_off_point` gives for visits to some points."""
    rows = []
    for name, (seconds, outcome) in points.items():
        for moment, what in zip(seconds, outcome, strict=True):
            rows.append(
                {
                    "drop_off_level": "touchpoint", "journey_definition": "purchase", "step_number": 0, "touchpoint_type": name,
                    "seconds_at_risk": int(moment), "converted_count": 0, "exited_count": 0,
                    **{f"{kind}_count": int(what == kind) for kind in ("went_on", "exiting", "dropped", "open")},
                    "followed_count": int(what != "open"),
                    "evidence": None, "evidence_dropped_share": None, "evidence_went_on_share": None, "evidence_ratio": None,
                }
            )  # fmt: skip
    schema = pa.schema(
        [
            (name, pa.string() if name in TEXTS else pa.float64() if name.startswith("evidence_") else pa.int64())
            for name in rows[0]
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


TEXTS = ("drop_off_level", "journey_definition", "touchpoint_type", "evidence")


def test_naive_counting_is_biased_and_the_published_share_is_not() -> None:
    """3 in 10 drop. Of 200 companies, the intervals hold the truth about 19 times in 20; no naive count comes near."""
    generator = np.random.default_rng(11)
    truth = 0.3
    held, ours, decided, of_all, not_yet = 0, [], [], [], []
    for _ in range(200):
        seconds, outcome = visits(generator, 800, truth)
        (row,) = survival.drop_off_point(timed({"page_view": (seconds, outcome)})).to_pylist()
        ours.append(row["dropped_share"])
        held += row["dropped_share_low"] <= truth <= row["dropped_share_high"]
        dropped, opened = (outcome == "dropped").sum(), (outcome == "open").sum()
        decided.append(dropped / (len(outcome) - opened))
        of_all.append(dropped / len(outcome))
        not_yet.append((dropped + opened) / len(outcome))
    assert np.mean(ours) == pytest.approx(truth, abs=0.01)
    assert held >= 180
    # Leaving the open out favours the quick, who go on; counting them as going on, or as drops, is further off still.
    assert np.mean(decided) < truth - 0.04
    assert np.mean(of_all) < truth - 0.08
    assert np.mean(not_yet) > truth + 0.04


def test_competing_exits_are_not_read_off_a_survival_curve() -> None:
    """2 in 10 drop, 3 in 10 exit. Censoring the others and taking 1 - Kaplan-Meier gives far too many exits."""
    generator = np.random.default_rng(12)
    shares, naive = [], []
    for _ in range(60):
        seconds, outcome = visits(generator, 1000, 0.2, exiting=0.3)
        (row,) = survival.drop_off_point(timed({"page_view": (seconds, outcome)})).to_pylist()
        shares.append((row["dropped_share"], row["exiting_share"]))
        alone = survival.survival_curve(seconds, [counts(outcome, "exiting")], (outcome != "exiting").astype(float))
        naive.append(1 - alone.survival[-1])
    dropped, exits = np.mean(shares, axis=0)
    assert dropped == pytest.approx(0.2, abs=0.01)
    assert exits == pytest.approx(0.3, abs=0.01)
    assert np.mean(naive) > 0.4


def test_a_planted_drop_off_is_marked_and_the_others_are_not() -> None:
    generator = np.random.default_rng(5)
    points = {f"type_{number}": visits(generator, 900, 0.15) for number in range(6)}
    points["type_6"] = visits(generator, 900, 0.35)
    # All that came there are still open: nothing is known about their share yet.
    points["type_7"] = (np.full(40, 5.0), np.full(40, "open"))
    rows = {row["touchpoint_type"]: row for row in survival.drop_off_point(timed(points)).to_pylist()}
    assert [name for name, row in rows.items() if row["is_marked"]] == ["type_6"]
    assert rows["type_6"]["dropped_share_low"] < 0.35 < rows["type_6"]["dropped_share_high"]
    assert rows["type_6"]["baseline_share"] == pytest.approx(0.15, abs=0.02)
    assert rows["type_7"]["dropped_share"] is None
    assert rows["type_7"]["open_count"] == rows["type_7"]["reached_count"] == 40


@pytest.mark.parametrize(("lost", "is_marked"), [(4, False), (5, True)])
def test_a_handful_of_losses_marks_nothing(lost: int, is_marked: bool) -> None:
    """Beside 10,000 of whom nobody is lost even one loss in 500 gives a small p, by a test that needs five."""
    outcome = np.array(["dropped"] * lost + ["went_on"] * (500 - lost))
    seconds = np.where(outcome == "dropped", GAP, 60.0)
    calm = (np.full(10_000, 60.0), np.array(["went_on"] * 10_000))
    rows = survival.drop_off_point(timed({"cart": (seconds, outcome), "page_view": calm})).to_pylist()
    found = {row["touchpoint_type"]: row for row in rows}["cart"]
    assert found["dropped_count"] == lost and found["p_value_adjusted"] < 0.001
    assert found["is_marked"] is is_marked


def test_without_a_difference_marks_are_rare() -> None:
    """All points have the same chance: the correction keeps companies with any false mark near one in twenty."""
    generator = np.random.default_rng(7)
    wrong = 0
    for _ in range(40):
        points = {f"type_{number:02}": visits(generator, 80, 0.2) for number in range(12)}
        wrong += any(survival.drop_off_point(timed(points))["is_marked"].to_pylist())
    assert wrong <= 6


def test_repeat_purchase_is_not_biased_by_the_buyers_of_last_month() -> None:
    """Half of all buyers order again, after 100 days in the mean; buyers of two years, more of them of late.

    Within 180 days that is 0.5 (1 - e^-1.8) = 0.417 of them. Dividing repeat buyers by buyers gives far less.
    """
    generator = np.random.default_rng(21)
    shares, naive, held = [], [], 0
    truth = 0.5 * (1 - np.exp(-1.8))
    for _ in range(100):
        watched = 730 * (1 - np.sqrt(generator.uniform(0, 1, 800)))
        wait = np.where(generator.uniform(0, 1, 800) < 0.5, generator.exponential(100, 800), np.inf)
        again = wait <= watched
        table = pa.table(
            {
                "cohort_month": ["(all)"] * 800, "first_touch_channel": ["(all)"] * 800,
                "watched_days": pa.array(np.minimum(wait, watched).astype(int), pa.int32()),
                "customer_count": [1] * 800, "buyer_count": [1] * 800, "repeat_buyer_count": again.astype(int),
            }
        )  # fmt: skip
        row = {r["within_days"]: r for r in survival.repeat_purchase(table).to_pylist()}[180]
        shares.append(row["repeat_share"])
        naive.append(row["repeat_buyer_count"] / row["buyer_count"])
        held += row["repeat_share_low"] <= truth <= row["repeat_share_high"]
    assert np.mean(shares) == pytest.approx(truth, abs=0.01)
    assert held >= 88
    assert np.mean(naive) < truth - 0.05


def test_evidence_is_a_ratio_with_its_interval() -> None:
    """Hand-checked: 40 of 100 dropped against 10 of 100 who went on is 4 times as often (Katz: e^(ln 4 ± 1.96 √0.105))."""
    table = pa.table(
        {
            "drop_off_level": ["touchpoint"] * 2, "journey_definition": ["purchase"] * 2, "step_number": [0, 0],
            "touchpoint_type": ["checkout_started"] * 2, "friction": ["payment_failed", "long_wait"],
            "dropped_count": [100, 100], "dropped_with_count": [40, 3], "went_on_count": [100, 100],
            "went_on_with_count": [10, 0],
        }
    )  # fmt: skip
    rare, failed = survival.drop_off_evidence(table).to_pylist()
    assert failed["evidence_ratio"] == pytest.approx(4)
    assert (failed["evidence_ratio_low"], failed["evidence_ratio_high"]) == pytest.approx((2.1195, 7.5489), abs=1e-3)
    assert failed["is_marked"] and not rare["is_marked"]
    assert rare["evidence_ratio"] is None and rare["dropped_with_share"] == 0.03


@pytest.mark.parametrize(
    "finish",
    [
        survival.drop_off_point,
        survival.drop_off_segment,
        survival.drop_off_evidence,
        survival.repeat_purchase,
        survival.cohort_retention,
    ],
    ids=lambda finish: finish.__name__,
)
def test_finished_table_has_the_columns_of_its_contract(finish) -> None:
    room = Room({})
    room.build(finish.__name__)
    names = {row[0] for row in room.rows(f"describe {finish.__name__}")}
    assert names == set(load_contracts()[finish.__name__].column_names)

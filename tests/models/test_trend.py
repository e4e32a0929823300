"""Weekly alerts on series whose truth is known: quiet when nothing happens, loud when something does."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from models import trend

START = dt.date(2022, 1, 3)


def weeks_of(count: int) -> list[dt.date]:
    return [START + dt.timedelta(weeks=number) for number in range(count)]


def season(count: int, level: float, seed: int = 3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    wave = np.exp(0.3 * np.sin(2 * np.pi * np.arange(count) / trend.WEEK_DAYS))
    return generator.poisson(level * wave).astype(float)


def table(
    counts: np.ndarray,
    *,
    kind: str = "touchpoint",
    last_seen: int = 0,
    pause: int = 1,
    incidents: str = "",
    measure: str = "count",
    score: np.ndarray | None = None,
) -> pa.Table:
    """A series that ends on the Sunday of its last week; weeks with 0 are left out, as SQL leaves them out."""
    weeks = weeks_of(len(counts))
    today = weeks[-1] + dt.timedelta(days=6)
    sums = counts * (score if score is not None else np.zeros(len(counts)))
    frame = pl.DataFrame({"week_date": weeks, "touchpoint_count": counts.astype(int), "score_sum": sums}).filter(
        pl.col("touchpoint_count") > 0
    )
    return frame.with_columns(
        measure=pl.lit(measure), series_kind=pl.lit(kind), series=pl.lit("page_view"), data_date=pl.lit(today),
        last_seen_date=pl.lit(today - dt.timedelta(days=last_seen)), longest_pause_days=pl.lit(pause),
        incident_weeks=pl.lit(incidents), special_days=pl.lit(""),
    ).to_arrow()  # fmt: skip


def last(result: pa.Table, number: int = -1) -> dict:
    return result.to_pylist()[number]


@pytest.mark.parametrize(
    ("year", "day"), [(2024, (3, 31)), (2025, (4, 20)), (2026, (4, 5)), (2038, (4, 25)), (2285, (3, 22))]
)
def test_easter(year: int, day: tuple[int, int]) -> None:
    assert trend.easter(year) == dt.date(year, *day)
    assert trend.easter(year) + dt.timedelta(days=39) in trend.holidays(year)


def test_an_ordinary_week_is_quiet_and_half_a_week_is_seen() -> None:
    counts = season(120, 1000)
    quiet = last(trend.touchpoint_trend(table(counts)))
    assert (quiet["trend_status"], quiet["is_alert"]) == ("tested", False)
    assert quiet["expected_value"] == pytest.approx(
        1000 * np.exp(0.3 * np.sin(2 * np.pi * 119 / trend.WEEK_DAYS)), rel=0.05
    )
    counts[-1] = counts[-1] // 2
    loud = last(trend.touchpoint_trend(table(counts)))
    assert loud["is_alert"] and loud["z_score"] < -4
    assert loud["change_share"] == pytest.approx(-0.5, abs=0.06)
    assert loud["alert_reason"].startswith("less than")
    # The week under test trains nothing: what is expected of it does not depend on it.
    assert loud["expected_value"] == quiet["expected_value"]
    assert loud["is_confirmed"] is True and loud["year_on_year_share"] < -0.4


def test_the_smallest_visible_drop_is_where_the_alert_begins() -> None:
    counts = season(120, 1000)
    seen = last(trend.touchpoint_trend(table(counts)))
    for beside, alert in ((0.99, True), (1.02, False)):
        counts[-1] = np.floor(seen["expected_value"] * (1 - seen["smallest_drop_share"]) * beside)
        assert last(trend.touchpoint_trend(table(counts)))["is_alert"] is alert
    counts[-1] = np.ceil(seen["expected_value"] * (1 + seen["smallest_rise_share"]) * 1.01)
    assert last(trend.touchpoint_trend(table(counts)))["is_alert"]


def test_of_a_small_series_even_silence_is_not_visible_to_the_model() -> None:
    found = last(trend.touchpoint_trend(table(season(120, 3) + 1)))
    assert found["smallest_drop_share"] is None and found["smallest_rise_share"] > 1


def test_with_less_than_sixty_weeks_only_the_floor_speaks() -> None:
    counts = np.full(30, 40.0)
    assert last(trend.touchpoint_trend(table(counts)))["trend_status"] == "floor"
    counts[-1] = 8
    assert not last(trend.touchpoint_trend(table(counts)))["is_alert"]
    counts[-2] = 0
    rows = trend.touchpoint_trend(table(counts)).to_pylist()
    assert len(rows) == 30 and rows[-2]["touchpoint_count"] == 0
    assert rows[-2]["is_alert"] and not rows[-1]["is_alert"]


def test_a_known_incident_is_not_tested_and_trains_nothing() -> None:
    counts = season(120, 1000)
    expected = last(trend.touchpoint_trend(table(counts)))["expected_value"]
    counts[-10] = 20000
    spoiled = last(trend.touchpoint_trend(table(counts)))
    told = trend.touchpoint_trend(table(counts, incidents=weeks_of(120)[-10].isoformat())).to_pylist()
    assert abs(spoiled["expected_value"] / expected - 1) > 0.05 > abs(told[-1]["expected_value"] / expected - 1)
    assert told[-10]["is_incident"] and told[-10]["trend_status"] == "incident" and not told[-10]["is_alert"]


def test_silence_of_a_source_is_an_alert() -> None:
    counts = np.full(20, 40.0)
    for days, pause, silent in ((3, 1, False), (4, 1, True), (14, 7, False), (15, 7, True)):
        row = last(trend.touchpoint_trend(table(counts, kind="source", last_seen=days, pause=pause)))
        assert (row["trend_status"] == "silent") is silent
        assert row["is_alert"] is silent
    assert last(trend.touchpoint_trend(table(counts, kind="channel", last_seen=90)))["trend_status"] == "floor"


def test_scores_have_their_own_variance() -> None:
    """The same fall of the mean is an alert in a week of 400 scores and none in a week of 6."""
    generator = np.random.default_rng(2)
    sizes = np.full(100, 400.0)
    means = 0.7 + generator.normal(0, 0.01, 100)
    means[-1] = 0.6
    loud = last(trend.touchpoint_trend(table(sizes, kind="score", measure="score", score=means)))
    assert (
        loud["is_alert"]
        and loud["mean_score_scaled"] == pytest.approx(0.6)
        and loud["expected_value"] == pytest.approx(0.7, abs=0.01)
    )
    sizes[-1] = 6
    assert not last(trend.touchpoint_trend(table(sizes, kind="score", measure="score", score=means)))["is_alert"]
    sizes[-1] = 4
    assert (
        last(trend.touchpoint_trend(table(sizes, kind="score", measure="score", score=means)))["trend_status"]
        == "no_model"
    )


def test_false_alarms_are_rare() -> None:
    """Forty quiet series, their last twelve weeks: at 0.06 a series-year, more than three would be bad luck indeed."""
    matrix = trend.design(weeks_of(130))
    alarms = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        counts = season(130, 400, seed)
        counts = generator.negative_binomial(counts + 1, 0.5).astype(float)
        for week in range(118, 130):
            verdict = trend.count_verdict(matrix, counts, np.arange(130) < week, week)
            assert verdict is not None
            alarms += abs(verdict.z) >= trend.LIMIT
    assert alarms <= 3

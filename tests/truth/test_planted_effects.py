"""Planted effects are recovered within their intervals, and nothing is found where nothing was planted.

Six thousand people of the demo company as a night would see them if every identifier were found: touchpoints from the truth,
waits and reopenings from what happened, through the SQL models and their finish functions. How well a night finds people is
tested elsewhere; here the question is whether the estimates are right. docs/measures.md shows the same for a whole night.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from pipelines.demo.generate import generate
from tests.truth.planted import NULLS, SATISFACTION, VARIANT, Comparison, comparisons, found_in, ideal_room

CUSTOMERS, SEED = 6000, 11


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict, dict, dict, list[Comparison]]]:
    """touchpoint_effect by its key; the truth's experiences; the truth's experiment; all comparisons."""
    out = tmp_path_factory.mktemp("planted")
    generate(out, customers=CUSTOMERS, seed=SEED, nights=1)
    connection = ideal_room(out, CUSTOMERS, SEED).connection
    planted = {row["experience"]: row for row in pl.read_parquet(out / "truth/touchpoint_effect.parquet").to_dicts()}
    variant = {row["variant"]: row for row in pl.read_parquet(out / "truth/experiment.parquet").to_dicts()}
    yield found_in(connection), planted, variant, list(comparisons(connection, out / "truth"))


def test_planted_effects_on_satisfaction_are_recovered(company) -> None:
    found, planted, *_ = company
    for experience, factor in SATISFACTION.items():
        row = found["satisfaction", "nps", *factor]
        if row["estimate_status"] == "too_few":
            assert row["with_count"] < 30
            continue
        low, high = 10 * row["effect_low"], 10 * row["effect_high"]
        assert low < planted[experience]["felt_points"] < high, (experience, low, high, planted[experience])
    for experience in ("ticket_reopened", "delivered_late", "service_visit"):
        row = found["satisfaction", "nps", *SATISFACTION[experience]]
        assert row["is_marked"] and row["effect"] * planted[experience]["planted_points"] > 0
        assert row["importance_share"] > 0.1


def test_nothing_is_marked_where_nothing_was_planted(company) -> None:
    found, *_ = company
    tested = [
        found["satisfaction", "nps", "touchpoint", name]
        for name in NULLS["satisfaction", "nps"]
        if ("satisfaction", "nps", "touchpoint", name) in found
    ]
    estimated = [row for row in tested if row["estimate_status"] == "estimated"]
    assert len(estimated) >= 8
    assert [row for row in estimated if row["is_marked"]] == []


def test_coming_back_depends_on_the_service_visit_and_on_nothing_else_that_service_does(company) -> None:
    """Later episodes of a person are drawn without looking back; only returns after a service visit are planted."""
    *_, compared = company
    retention = [one for one in compared if one.measure == "retention" and one.values]
    visit = next(one for one in retention if one.what == "service_visit")
    assert visit.is_recovered and visit.row["is_marked"] and visit.values[0] > 0.5
    nulls = [one for one in retention if one.is_null]
    assert len(nulls) >= 8
    assert [one.what for one in nulls if one.row["is_marked"]] == []


def test_the_experiment_is_recovered_and_its_nulls_stay_null(company) -> None:
    found, _, variant, _ = company
    name = VARIANT
    clicked = found["conversion", "email_clicked", "variant", name]
    share = {key: row["clicked_count"] / row["person_count"] for key, row in variant.items()}
    assert clicked["method"] == "experiment" and clicked["reference"] == "subject_a"
    assert clicked["effect_low"] < share["subject_b"] - share["subject_a"] < clicked["effect_high"]
    assert clicked["is_marked"] and clicked["effect"] > 0.05
    assert not found["conversion", "email_opened", "variant", name]["is_marked"]
    assert not found["conversion", "goal", "variant", name]["is_marked"]


def test_losses_at_the_checkout_are_recovered(company) -> None:
    *_, compared = company
    for name in ("payment_failed", "error_page"):
        one = next(one for one in compared if one.measure == "conversion" and one.what == name)
        assert one.planted < -0.5 and one.is_recovered, one
        assert one.row["is_marked"]


def test_the_channel_of_the_first_visit_is_recovered(company) -> None:
    """Six channels against direct visits share one reference, so one of them may miss; the largest of both signs must show."""
    *_, compared = company
    channel = {one.what.removeprefix("first visit by "): one for one in compared if one.what.startswith("first visit")}
    assert len(channel) == 6
    assert sum(bool(one.is_recovered) for one in channel.values()) >= 5
    assert channel["email"].values[0] > channel["organic_search"].values[0] > channel["paid_social"].values[0]


def test_nothing_is_marked_that_conversion_does_not_depend_on(company) -> None:
    *_, compared = company
    nulls = [one for one in compared if one.measure == "conversion" and one.is_null and one.values]
    assert len(nulls) >= 8
    assert [one.what for one in nulls if one.row["is_marked"]] == []


def test_most_intervals_hold_the_truth(company) -> None:
    """Intervals of 95 % miss one time in twenty; of fifty comparisons a handful may, more would be a bias."""
    *_, compared = company
    held = [one.is_recovered for one in compared if one.values]
    assert len(held) >= 35
    assert sum(held) >= 0.88 * len(held), [one.what for one in compared if one.is_recovered is False]

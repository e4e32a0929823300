"""Statistics against scipy's own, against simulation, and against laws they must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models import statistics
from models.contract import load_contracts
from tests.sql.runner import Room

counts = st.integers(1, 10_000)


@given(counts, st.floats(0, 1))
def test_wilson_is_scipys(n: int, share: float) -> None:
    k = round(n * share)
    low, high = statistics.wilson([k], [n])
    expected = stats.binomtest(k, n).proportion_ci(confidence_level=0.95, method="wilson")
    assert low[0] == pytest.approx(expected.low, abs=1e-9)
    assert high[0] == pytest.approx(expected.high, abs=1e-9)


def test_wilson_of_nothing_is_unknown() -> None:
    low, high = statistics.wilson([0], [0])
    assert math.isnan(low[0]) and math.isnan(high[0])


@given(st.integers(30, 2000), st.floats(0.01, 0.99), st.integers(30, 2000), st.floats(0.01, 0.99))
def test_two_proportions_are_the_chi_square_of_their_table(n1: int, s1: float, n2: int, s2: float) -> None:
    k1, k2 = round(n1 * s1), round(n2 * s2)
    p = statistics.two_proportion_p([k1], [n1], [k2], [n2])[0]
    if 0 < k1 + k2 < n1 + n2:
        table = [[k1, n1 - k1], [k2, n2 - k2]]
        # Without continuity correction the z-test squared is the chi-square test.
        assert p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, abs=1e-9)
    else:
        assert p == 1


def test_no_p_value_for_few_observations() -> None:
    assert math.isnan(statistics.two_proportion_p([29], [29], [0], [1000])[0])
    assert not math.isnan(statistics.two_proportion_p([30], [30], [0], [1000])[0])


def test_newcombe_of_the_paper() -> None:
    """Newcombe (1998), table II, method 10: 56/70 against 48/80, and 9/10 against 3/10."""
    difference, low, high = statistics.share_difference([56, 9], [70, 10], [48, 3], [80, 10])
    assert difference == pytest.approx([0.2, 0.6])
    assert low == pytest.approx([0.0524, 0.1705], abs=1e-4)
    assert high == pytest.approx([0.3339, 0.8090], abs=1e-4)


@given(st.integers(30, 60), st.integers(30, 60), st.integers(0, 2**32 - 1))
def test_welch_is_scipys(n1: int, n2: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.normal(1, 2, n1), generator.normal(1.3, 5, n2)
    expected = stats.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval(0.95)
    difference, low, high, p = statistics.mean_difference(
        [n1], [a.mean()], [a.var(ddof=1)], [n2], [b.mean()], [b.var(ddof=1)]
    )
    assert difference[0] == pytest.approx(a.mean() - b.mean())
    assert p[0] == pytest.approx(expected.pvalue, abs=1e-9)
    assert (low[0], high[0]) == pytest.approx((interval.low, interval.high), abs=1e-7)


def test_welch_without_spread() -> None:
    difference, low, high, p = statistics.mean_difference(
        [40, 40, 1], [1, 1, 1], [0, 0, np.nan], [40, 40, 9], [1, 0.5, 2], [0, 0, 1]
    )
    assert difference == pytest.approx([0, 0.5, -1])
    assert list(p[:2]) == [1, 0]
    assert low[:2] == pytest.approx([0, 0.5])
    assert math.isnan(p[2]) and math.isnan(low[2]) and math.isnan(high[2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_rejects_as_its_step_up_rule(p_values: list[float]) -> None:
    adjusted = statistics.benjamini_hochberg([*p_values, math.nan])
    assert math.isnan(adjusted[-1])
    ordered = sorted(p_values)
    passing = [p for rank, p in enumerate(ordered, 1) if p <= 0.05 * rank / len(ordered)]
    limit = max(passing) if passing else -1.0
    for p, q in zip(p_values, adjusted, strict=False):
        assert q >= p - 1e-12
        # Values on the edge may fall to either side by rounding.
        if abs(q - 0.05) > 1e-9:
            assert (q < 0.05) == (p <= limit)


def test_groups_are_corrected_apart() -> None:
    p = np.array([0.01, 0.02, 0.01, 0.5])
    adjusted = statistics.adjusted_by_group(p, ["a", "a", "b", "b"], ["x", "x", "x", "x"])
    assert adjusted == pytest.approx([0.02, 0.02, 0.02, 0.5])


@pytest.mark.parametrize(
    "finish",
    [
        statistics.funnel_step,
        statistics.omnichannel_consistency,
    ],
    ids=lambda finish: finish.__name__,
)
def test_finished_table_has_the_columns_of_its_contract(finish) -> None:
    room = Room({})
    room.build(finish.__name__)
    names = [row[0] for row in room.rows(f"describe {finish.__name__}")]
    assert names == list(load_contracts()[finish.__name__].column_names)

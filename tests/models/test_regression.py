"""Regressions against statsmodels, relative importance against the definition, marginal effects against a difference."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special

from models import regression


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Design with a constant and three columns, an outcome of 0 to 1, a cluster per row, weights."""
    generator = np.random.default_rng(4)
    n = 1200
    cluster = np.repeat(np.arange(n // 3), 3)
    mood = generator.normal(0, 0.5, n // 3)[cluster]
    design = np.column_stack([np.ones(n), generator.random((n, 2)) < 0.3, generator.normal(0, 1, n)]).astype(float)
    outcome = (generator.random(n) < special.expit(design @ [-0.5, 0.8, -0.4, 0.3] + mood)).astype(float)
    return design, outcome, cluster, generator.integers(1, 4, n).astype(float)


def test_logistic_is_that_of_statsmodels(data: tuple[np.ndarray, ...]) -> None:
    design, outcome, cluster, _ = data
    ours = regression.logistic(design, outcome, np.ones(len(outcome)), cluster)
    theirs = sm.Logit(outcome, design).fit(disp=0, cov_type="cluster", cov_kwds={"groups": cluster})
    assert ours.coefficient == pytest.approx(theirs.params, abs=1e-4)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse, rel=1e-3)
    for column in (1, 2):
        effect = regression.marginal_effect(design, np.ones(len(outcome)), ours, column)
        expected = theirs.get_margeff(dummy=True).summary_frame()
        assert effect[0] == pytest.approx(expected["dy/dx"].iloc[column - 1], abs=1e-4)
        assert (effect[2] - effect[1]) / 2 / 1.966 == pytest.approx(expected["Std. Err."].iloc[column - 1], rel=0.01)


def test_linear_is_that_of_statsmodels_with_weights(data: tuple[np.ndarray, ...]) -> None:
    design, outcome, cluster, weight = data
    ours = regression.linear(design, outcome, weight, cluster)
    theirs = sm.WLS(outcome, design, weights=weight).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    assert ours.coefficient == pytest.approx(theirs.params)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse, rel=1e-6)
    assert ours.freedom == len(np.unique(cluster)) - 1


def test_a_column_that_others_explain_is_left_out() -> None:
    one, two = np.array([1.0, 0, 1, 0, 1]), np.array([0.0, 0, 1, 1, 1])
    design = np.column_stack([np.ones(5), one, two, one + two, one, np.zeros(5)])
    assert regression.independent(design, np.ones(5)).tolist() == [0, 1, 2]


def test_columns_that_go_together_nearly_every_time_are_not_set_off_against_each_other() -> None:
    generator = np.random.default_rng(1)
    one = (generator.random(1000) < 0.3).astype(float)
    flipped = np.where(generator.random(1000) < 0.01, 1 - one, one)
    other = (generator.random(1000) < 0.3).astype(float)
    design = np.column_stack([np.ones(1000), one, flipped, other])
    assert regression.independent(design, np.ones(1000), controls=1).tolist() == [0, 1, 3]
    assert regression.independent(design, np.ones(1000)).tolist() == [0, 1, 2, 3]


def test_importance_is_the_mean_over_all_orders(data: tuple[np.ndarray, ...]) -> None:
    design, outcome, *_ = data
    factors = design[:, 1:] + 0.4 * design[:, [3]]

    def r_squared(columns: tuple[int, ...]) -> float:
        return (
            float(sm.OLS(outcome, np.column_stack([design[:, 0], factors[:, list(columns)]])).fit().rsquared)
            if columns
            else 0.0
        )

    expected = np.zeros(3)
    for order in permutations(range(3)):
        for place, column in enumerate(order):
            expected[column] += (r_squared(order[: place + 1]) - r_squared(order[:place])) / 6
    found = regression.relative_importance(factors, outcome, np.ones(len(outcome)))
    assert found == pytest.approx(expected, abs=1e-7)
    assert found.sum() == pytest.approx(r_squared((0, 1, 2)), abs=1e-7)


def test_separation_does_not_run_away() -> None:
    """Everybody with the factor converts: the estimate stays finite and its interval wide."""
    design = np.column_stack([np.ones(80), np.repeat([0.0, 1.0], 40)])
    outcome = np.concatenate([np.tile([0.0, 1.0], 20), np.ones(40)])
    fit = regression.logistic(design, outcome, np.ones(80), np.arange(80))
    assert 3 < fit.coefficient[1] < 20

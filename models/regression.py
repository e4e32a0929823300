"""Regressions on many rows and few columns, with what observational data need: clusters, weights, weak identification.

Linear and logistic models by normal equations, cluster-robust covariance (Liang and Zeger 1986, with the small-sample
factor that statsmodels uses), average marginal effects by the delta method, LMG relative importance (Lindeman, Merenda and
Gold 1980; Grömping 2007). Pure functions on arrays, checked against statsmodels in the tests; written out here because a
fit by singular values, as there, takes thirty times as long on a million rows. Not here: what is regressed on what.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
from scipy import linalg, special, stats

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Shrinks a coefficient no data speak about, instead of letting it run away; far below what thirty observations weigh.
RIDGE = 1e-3
MAXIMUM_ROUNDS = 60
# Variance inflation beyond which two columns cannot be told apart (the usual limit).
LARGEST_INFLATION = 10.0
CONVERGED = 1e-9
# Orders of entering that LMG averages over: all of them up to seven factors, else these many, drawn once and for all.
ORDERS = 300
SEED = 360


@dataclass(frozen=True)
class Fit:
    """Coefficients with their cluster-robust covariance and degrees of freedom (clusters less one)."""

    coefficient: Floats
    covariance: Floats
    freedom: int

    def interval(self, number: int, alpha: float = 0.05) -> tuple[float, float, float, float]:
        """Coefficient, ends of its interval, and two-sided p, by Student's t."""
        value, error = float(self.coefficient[number]), float(np.sqrt(max(self.covariance[number, number], 0)))
        return within(value, error, self.freedom, alpha)


def within(value: float, error: float, freedom: int, alpha: float = 0.05) -> tuple[float, float, float, float]:
    """Value, ends of its interval and two-sided p for a standard error; NaN for a p that has no error to go by."""
    reach = float(stats.t.ppf(1 - alpha / 2, max(freedom, 1))) * error
    p = float(2 * stats.t.sf(abs(value) / error, max(freedom, 1))) if error > 0 else float("nan")
    return value, value - reach, value + reach, p


def independent(design: Floats, weight: Floats, controls: int = 0, tolerance: float = 1e-7) -> Ints:
    """Columns that no columns before them explain, in order: the first of two equal columns stays.

    The first `controls` columns, and all where there are none, go only when explained wholly. A later column goes when the
    columns before it explain more than 1 - 1 / LARGEST_INFLATION of what the controls leave of it: then the two go together
    nearly every time, and a model would set one off against the other.
    """
    gram = design.T @ (design * weight[:, None])
    scale = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1))
    gram = gram / scale[:, None] / scale[None, :]
    kept: list[int] = []
    inverse: Floats = np.zeros((0, 0))
    base, base_inverse = kept, inverse
    for column in range(len(gram)):
        if column == controls:
            base, base_inverse = list(kept), inverse
        if gram[column, column] <= 0:
            continue
        cross = gram[kept, column]
        rest = gram[column, column] - cross @ inverse @ cross
        limit = tolerance
        if controls and column >= controls:
            alone = gram[base, column]
            left = gram[column, column] - alone @ base_inverse @ alone
            limit = max(tolerance, left / LARGEST_INFLATION)
        if rest > limit:
            kept.append(column)
            inverse = np.asarray(np.linalg.inv(gram[np.ix_(kept, kept)]), dtype=np.float64)
    return np.array(kept, dtype=np.int64)


def clustered(design: Floats, residual: Floats, cluster: Ints, bread: Floats) -> tuple[Floats, int]:
    """Sandwich covariance with the scores summed per cluster, and clusters less one. `residual` is weighted."""
    size = int(cluster.max()) + 1 if len(cluster) else 0
    scores = np.stack(
        [np.bincount(cluster, weights=design[:, i] * residual, minlength=size) for i in range(design.shape[1])], axis=1
    )
    groups = len(np.unique(cluster))
    rows, columns = design.shape
    correction = groups / max(groups - 1, 1) * (rows - 1) / max(rows - columns, 1)
    return correction * bread @ (scores.T @ scores) @ bread, groups - 1


def linear(design: Floats, outcome: Floats, weight: Floats, cluster: Ints) -> Fit:
    """Weighted least squares with cluster-robust covariance."""
    gram = design.T @ (design * weight[:, None])
    bread = linalg.inv(gram + RIDGE * 1e-6 * np.eye(len(gram)))
    coefficient = bread @ (design.T @ (weight * outcome))
    covariance, freedom = clustered(design, weight * (outcome - design @ coefficient), cluster, bread)
    return Fit(coefficient, covariance, freedom)


def logistic(design: Floats, outcome: Floats, weight: Floats, cluster: Ints) -> Fit:
    """Weighted logistic regression (Newton), very weakly shrunk to 0 (RIDGE), with cluster-robust covariance."""
    columns = design.shape[1]
    coefficient = np.zeros(columns)
    penalty = RIDGE * np.eye(columns)
    bread = np.eye(columns)
    for _ in range(MAXIMUM_ROUNDS):
        chance = special.expit(design @ coefficient)
        information = design.T @ (design * (weight * chance * (1 - chance))[:, None]) + penalty
        bread = linalg.inv(information)
        step = bread @ (design.T @ (weight * (outcome - chance)) - RIDGE * coefficient)
        # A step of more than a few units of log-odds is a chance near 0 or 1 overshooting.
        step *= min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        coefficient = coefficient + step
        if float(np.abs(step).max()) < CONVERGED:
            break
    chance = special.expit(design @ coefficient)
    covariance, freedom = clustered(design, weight * (outcome - chance), cluster, bread)
    return Fit(coefficient, covariance, freedom)


def marginal_effect(design: Floats, weight: Floats, fit: Fit, column: int) -> tuple[float, float, float, float]:
    """Average difference in probability between 1 and 0 in `column`, all else as it is; with interval and p (delta)."""
    base = design @ fit.coefficient - design[:, column] * fit.coefficient[column]
    high, low = special.expit(base + fit.coefficient[column]), special.expit(base)
    total = weight.sum()
    slope_high, slope_low = weight * high * (1 - high) / total, weight * low * (1 - low) / total
    gradient = design.T @ (slope_high - slope_low)
    gradient[column] = slope_high.sum()
    error = float(np.sqrt(max(gradient @ fit.covariance @ gradient, 0)))
    return within(float(weight @ (high - low) / total), error, fit.freedom)


def relative_importance(factors: Floats, outcome: Floats, weight: Floats, controls: Floats | None = None) -> Floats:
    """LMG: each column's share of the explained variance, averaged over the orders in which columns can enter.

    `controls` enter first and get nothing. The increments of one order are the squares of L^-1 r, L being the Cholesky
    factor of the factors' correlations in that order. Shares add up to R² (of what the controls leave).
    """
    columns = factors.shape[1]
    if not columns or not len(outcome):
        return np.zeros(columns)
    before = np.ones((len(outcome), 1)) if controls is None else controls
    root = np.sqrt(weight)[:, None]
    basis, _ = np.linalg.qr(before * root)
    left = np.column_stack([factors, outcome]) * root
    left = left - basis @ (basis.T @ left)
    gram = left.T @ left
    scale = np.sqrt(np.where(np.diag(gram) > 1e-12, np.diag(gram), np.inf))
    correlation = gram / scale[:, None] / scale[None, :]
    correlation[np.diag_indices(columns + 1)] = 1
    inner = correlation[:columns, :columns] * (1 - 1e-9) + 1e-9 * np.eye(columns)
    cross = correlation[:columns, columns]
    if columns <= 7:
        orders = list(permutations(range(columns)))
    else:
        generator = np.random.default_rng(SEED)
        orders = [tuple(generator.permutation(columns)) for _ in range(ORDERS)]
    share = np.zeros(columns)
    for order in orders:
        chosen = np.array(order)
        factor = linalg.cholesky(inner[np.ix_(chosen, chosen)], lower=True)
        share[chosen] += linalg.solve_triangular(factor, cross[chosen], lower=True) ** 2
    return share / len(orders)

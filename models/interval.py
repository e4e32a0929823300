"""Intervals of shares and of their differences, on arrays: all that a page needs to draw them, and quick to import.

Sources: Wilson (1927) for a share; Newcombe (1998, method 10) for a difference of shares. Does not belong here: tests,
corrections, tables (`statistics.py`), whose libraries take a second to import.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ALPHA = 0.05
# Two-sided 95 %: the 0.975 quantile of the normal distribution.
Z = 1.959963984540054


def wilson(successes: npt.ArrayLike, counts: npt.ArrayLike) -> tuple[Floats, Floats]:
    """95 % score interval of a share (0 to 1), element by element; NaN where the count is 0."""
    k = np.asarray(successes, dtype=np.float64)
    n = np.asarray(counts, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def share_difference(
    k1: npt.ArrayLike, n1: npt.ArrayLike, k2: npt.ArrayLike, n2: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Difference of two shares (first minus second) with its 95 % interval by Newcombe; NaN where a count is 0."""
    a, m, b, n = (np.asarray(values, dtype=np.float64) for values in (k1, n1, k2, n2))
    low1, high1 = wilson(a, m)
    low2, high2 = wilson(b, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p2 = a / m, b / n
    difference = p1 - p2
    below = np.sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    above = np.sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return difference, difference - below, difference + above

"""Groups of records that are one person, inside a component of links.

Belongs here: average linkage under constraints. Does not belong here: which pairs link (`decide.py`).

Plain components join A and C because B is like both. Average linkage (UPGMA; Sokal and Michener, 1958) joins two groups
only while the mean weight of all their pairs is high enough, and a pair that must not be together keeps its groups
apart whatever the mean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Weights are cut to this range before they are averaged: one pair's extreme says no more than "surely (not)".
LOWEST, HIGHEST = -10.0, 25.0
# A mean over up to 1,000 × 1,000 pairs with one forbidden pair is still far below every weight.
_FORBIDDEN = 1e9


def average_linkage(
    count: int, left: Ints, right: Ints, weight: Floats, is_apart: npt.NDArray[np.bool_], cut: float
) -> Ints:
    """Group number (smallest member) of each of `count` records (0 to count-1).

    `left`, `right`, `weight`, `is_apart`: all pairs that are known; a pair that is not listed weighs `LOWEST`. Two
    groups join while the mean weight of their pairs is at least `cut`; groups with a pair `is_apart` between them never
    do. Equal means join in the order of the records, so the result depends on their order only through it.
    """
    distance = np.full((count, count), HIGHEST - LOWEST)
    known = HIGHEST - np.clip(weight, LOWEST, HIGHEST)
    known = np.where(is_apart, _FORBIDDEN, known)
    distance[left, right] = known
    distance[right, left] = known
    condensed = distance[np.triu_indices(count, 1)]
    tree = linkage(condensed, method="average")
    flat = fcluster(tree, HIGHEST - cut + 1e-9, criterion="distance")
    first = np.full(int(flat.max()) + 1, count, dtype=np.int64)
    np.minimum.at(first, flat, np.arange(count))
    return np.asarray(first[flat], dtype=np.int64)

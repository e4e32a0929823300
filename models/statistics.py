"""Statistics that SQL says badly, as pure functions on arrays, and the `finish` functions of SQL models that use them.

A finish function takes the Arrow table its SELECT gives and returns the published table: same rows, more columns.
Sources: Welch (1947) for a difference of means; Benjamini and Hochberg (1995) for many comparisons. Not here: intervals of shares
(`interval.py`), reading or writing, what is counted (SQL).

What these numbers can say: how far chance alone would go. Touchpoints of one customer depend on each other, and nobody
was assigned a touchpoint by lot: a mark says "look here", not "this is the cause".
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy import stats

from models.interval import ALPHA, Floats, Z, share_difference, wilson

__all__ = ["ALPHA", "Floats", "Z", "share_difference", "wilson"]

# Below this many observations in a group a p-value from a normal approximation says nothing; none is given.
MINIMUM_COUNT = 30
# Makes the median absolute deviation of normal data an estimate of the standard deviation.
MAD_SCALE = 1.4826


def two_proportion_p(k1: npt.ArrayLike, n1: npt.ArrayLike, k2: npt.ArrayLike, n2: npt.ArrayLike) -> Floats:
    """Two-sided p of the pooled z-test that two shares are equal; NaN where a group is below MINIMUM_COUNT."""
    a, m, b, n = (np.asarray(values, dtype=np.float64) for values in (k1, n1, k2, n2))
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (a + b) / (m + n)
        error = np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n))
        z = (a / m - b / n) / error
        # No spread at all: both shares are 0, or both are 1.
        z = np.where(error == 0, 0.0, z)
        p = 2 * stats.norm.sf(np.abs(z))
    return np.where((m >= MINIMUM_COUNT) & (n >= MINIMUM_COUNT), p, np.nan)


def mean_difference(
    n1: npt.ArrayLike, mean1: npt.ArrayLike, variance1: npt.ArrayLike,
    n2: npt.ArrayLike, mean2: npt.ArrayLike, variance2: npt.ArrayLike,
) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
    """Difference of two means (first minus second), its 95 % interval and two-sided p, all by Welch.

    Variances are those of the sample (divided by n - 1). NaN where a group has fewer than two values; p also where it
    is below MINIMUM_COUNT.
    """
    m, x, v, n, y, w = (np.asarray(values, dtype=np.float64) for values in (n1, mean1, variance1, n2, mean2, variance2))
    with np.errstate(divide="ignore", invalid="ignore"):
        part1, part2 = v / m, w / n
        error = np.sqrt(part1 + part2)
        freedom = (part1 + part2) ** 2 / (part1**2 / (m - 1) + part2**2 / (n - 1))
        difference = x - y
        reach = np.where(error == 0, 0.0, stats.t.ppf(1 - ALPHA / 2, freedom) * error)
        spread = 2 * stats.t.sf(np.abs(difference) / error, freedom)
        p = np.where(error == 0, np.where(difference == 0, 1.0, 0.0), spread)
    enough = (m >= 2) & (n >= 2)
    reach = np.where(enough, reach, np.nan)
    tested = (m >= MINIMUM_COUNT) & (n >= MINIMUM_COUNT)
    return difference, difference - reach, difference + reach, np.where(tested, p, np.nan)


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Adjusted p-values that control the false discovery rate among those that are not NaN; NaN stays NaN."""
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    known = ~np.isnan(values)
    if known.any():
        adjusted[known] = stats.false_discovery_control(values[known], method="bh")
    return adjusted


def adjusted_by_group(p: Floats, *keys: Iterable[object]) -> Floats:
    """benjamini_hochberg within each group of rows that share all `keys`."""
    frame = pl.DataFrame({f"key_{number}": list(key) for number, key in enumerate(keys)}, strict=False)
    adjusted = np.full(p.shape, np.nan)
    for rows in frame.with_row_index("row").group_by(frame.columns, maintain_order=True).agg("row")["row"]:
        index = rows.to_numpy()
        adjusted[index] = benjamini_hochberg(p[index])
    return adjusted


def funnel_step(table: pa.Table) -> pa.Table:
    """Finish of `funnel_step`: share of the previous step with its interval, and share of all who entered.

    Of the customers whose window is over.
    """
    table = _sorted(table, "funnel", "step_number")
    frame: pl.DataFrame = pl.DataFrame(table)
    decided, previous = _numbers(frame, "decided_count"), _numbers(frame, "previous_decided_count")
    low, high = wilson(decided, previous)
    return _with_columns(
        table.drop_columns(["previous_decided_count", "entered_decided_count"]),
        {
            "previous_share": _floats(_ratio(decided, previous)),
            "previous_share_low": _floats(low),
            "previous_share_high": _floats(high),
            "entered_share": _floats(_ratio(decided, _numbers(frame, "entered_decided_count"))),
        },
    )


def omnichannel_consistency(table: pa.Table) -> pa.Table:
    """Finish of `omnichannel_consistency`: online against offline, corrected within each measure."""
    table = _sorted(table, "measure", "dimension", "dimension_value")
    return _compared(table, "online", "offline", "measure")


def channel_consistency(table: pa.Table) -> pa.Table:
    """Finish of `channel_consistency`: each channel against the others of its purpose, corrected within each measure."""
    table = _sorted(table, "measure", "journey_family", "channel")
    return _compared(table, "channel", "other", "measure")


def _compared(table: pa.Table, first: str, second: str, *groups: str) -> pa.Table:
    """Two groups compared, row by row. Reads `<group>_count`, `<group>_sum`, `<group>_square_sum` and `is_share`.

    A share is a sum of zeros and ones; its interval and test are those of shares, all others those of means. The sums
    are replaced by means.
    """
    frame: pl.DataFrame = pl.DataFrame(table)
    n1, n2 = _numbers(frame, f"{first}_count"), _numbers(frame, f"{second}_count")
    sum1, sum2 = _numbers(frame, f"{first}_sum"), _numbers(frame, f"{second}_sum")
    mean1, mean2 = _ratio(sum1, n1), _ratio(sum2, n2)
    variance1 = _variance(n1, sum1, _numbers(frame, f"{first}_square_sum"))
    variance2 = _variance(n2, sum2, _numbers(frame, f"{second}_square_sum"))
    is_share = frame["is_share"].to_numpy().astype(bool)
    by_share = [*share_difference(sum1, n1, sum2, n2), two_proportion_p(sum1, n1, sum2, n2)]
    by_mean = mean_difference(n1, mean1, variance1, n2, mean2, variance2)
    difference, low, high, p = (np.where(is_share, a, b) for a, b in zip(by_share, by_mean, strict=True))
    adjusted = adjusted_by_group(p, *(frame[name] for name in groups))
    helpers = [f"{group}_{part}" for group in (first, second) for part in ("sum", "square_sum")]
    return _with_columns(
        table.drop_columns([*helpers, "is_share"]),
        {
            f"{first}_mean": _floats(mean1),
            f"{second}_mean": _floats(mean2),
            "difference": _floats(difference),
            "difference_low": _floats(low),
            "difference_high": _floats(high),
            "p_value": _floats(p),
            "p_value_adjusted": _floats(adjusted),
            "is_marked": _marks(adjusted < ALPHA),
            "method": pa.array(["association"] * len(frame), pa.string()),
        },
    )


def _variance(n: Floats, total: Floats, squares: Floats) -> Floats:
    """Sample variance from count, sum and sum of squares; scores and waits are small numbers, so this loses nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.maximum((squares - total**2 / n) / (n - 1), 0)


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _numbers(frame: pl.DataFrame, name: str) -> Floats:
    """A column as floats, NULL as NaN."""
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)


def _floats(values: Floats) -> pa.Array:
    """Floats with NaN as NULL: a share of nothing is not known, and NaN sorts and compares differently per engine."""
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def _marks(values: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, pa.bool_())


def _sorted(table: pa.Table, *keys: str) -> pa.Table:
    """In a fixed order: floating sums and published files must not depend on how many threads counted."""
    return table.sort_by([(key, "ascending") for key in keys])


def _with_columns(table: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table

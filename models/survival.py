"""Survival analysis: what share goes on, leaves or stays silent when part of the people is still on the way.

Pure functions on arrays, and the `finish` functions of the SQL models that use them. Open cases are censored: they count as
long as they were watched, and as nothing after. Not here: shares and tests without censoring (`statistics.py`), what is
counted (SQL).

Sources: Kaplan and Meier (1958) and Greenwood (1926) for one kind of event; Aalen and Johansen (1978) for competing ones, with
the delta-method variance of Marubini and Valsecchi (1995); Wilson (1927) intervals at the effective sample size of Dorey
and Korn (1987), which without censoring are exactly Wilson's; the log-rank test of Mantel (1966) with the variance for ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy import stats

from models.statistics import ALPHA, MINIMUM_COUNT, adjusted_by_group, two_proportion_p, wilson

Floats = npt.NDArray[np.float64]
# The log-rank test leans on the normal distribution, which a handful of losses does not follow (Cochran 1954 asks for five).
LEAST_LOST = 5
Z = float(stats.norm.ppf(1 - ALPHA / 2))


@dataclass(frozen=True)
class Curve:
    """One group's estimate: steps at increasing `time`, all arrays of one length.

    `at_risk` counts those still watched just before; `survival` is the share to whom nothing has happened; `incidence` holds,
    per kind of event, the share to whom that kind has happened first; `variance` and `incidence_variance` go with them.
    """

    time: Floats
    at_risk: Floats
    survival: Floats
    variance: Floats
    incidence: tuple[Floats, ...]
    incidence_variance: tuple[Floats, ...]


def survival_curve(time: npt.ArrayLike, events: Sequence[npt.ArrayLike], censored: npt.ArrayLike) -> Curve:
    """Kaplan-Meier survival and Aalen-Johansen incidence from counts per time.

    `time` need not be sorted or unique; `events` has one array of counts per kind of event; `censored` counts those who left
    unobserved. At equal times events come before censoring. With one kind of event incidence is 1 - survival.
    """
    moments = np.asarray(time, dtype=np.float64)
    unique, place = np.unique(moments, return_inverse=True)
    kinds = [np.bincount(place, np.asarray(kind, np.float64), len(unique)) for kind in events]
    lost = np.bincount(place, np.asarray(censored, np.float64), len(unique))
    happened = np.sum(kinds, axis=0) if kinds else np.zeros(len(unique))
    at_risk = np.cumsum((happened + lost)[::-1])[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(at_risk > 0, happened / at_risk, 0.0)
        survival = np.cumprod(1 - hazard)
        before = np.concatenate([[1.0], survival[:-1]])
        growth = np.where(at_risk > happened, happened / (at_risk * (at_risk - happened)), 0.0)
        variance = survival**2 * np.cumsum(growth)
        incidence = []
        incidence_variance = []
        for kind in kinds:
            share = np.where(at_risk > 0, kind / at_risk, 0.0)
            cumulated = np.cumsum(before * share)
            incidence.append(cumulated)
            own = np.where(at_risk > 0, before**2 * kind * (at_risk - kind) / at_risk**3, 0.0)
            cross = np.where(at_risk > 0, before * kind / at_risk**2, 0.0)
            # Σ (F(t) - F(tᵢ))² gᵢ and Σ (F(t) - F(tᵢ)) cᵢ, multiplied out so that every t costs one running sum.
            g0, g1, g2 = (np.cumsum(growth * cumulated**power) for power in (0, 1, 2))
            c0, c1 = (np.cumsum(cross * cumulated**power) for power in (0, 1))
            spread = cumulated**2 * g0 - 2 * cumulated * g1 + g2 + np.cumsum(own) - 2 * (cumulated * c0 - c1)
            incidence_variance.append(np.maximum(spread, 0))
    return Curve(unique, at_risk, survival, variance, tuple(incidence), tuple(incidence_variance))


def share_interval(share: float, variance: float, count: float) -> tuple[float, float]:
    """95 % interval of a share estimated under censoring: Wilson's at the effective sample size (Dorey and Korn 1987).

    `count` is the number of observations, used where the share is 0 or 1 and its variance says nothing.
    """
    if np.isnan(share) or count <= 0:
        return float("nan"), float("nan")
    effective = share * (1 - share) / variance if variance > 0 and 0 < share < 1 else count
    low, high = wilson(share * effective, effective)
    return float(low), float(high)


def value_at(curve: Curve, values: Floats, moment: float, start: float) -> float:
    """The value of a step function of `curve` at `moment`; `start` before its first step."""
    place = int(np.searchsorted(curve.time, moment, side="right"))
    return float(values[place - 1]) if place else start


def quantile_time(curve: Curve, share: float) -> float:
    """First time at which at least `share` of the people had an event; NaN when it was not reached."""
    reached = np.flatnonzero(curve.survival <= 1 - share + 1e-12)
    return float(curve.time[reached[0]]) if len(reached) else float("nan")


def log_rank_against_rest(
    group: npt.ArrayLike, time: npt.ArrayLike, events: npt.ArrayLike, censored: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """For every group 0, 1, …: the log-rank statistic z against all others together, and its two-sided p.

    Inputs are counts per (group, time), in any order. z above 0: the event happens more often or earlier than among the
    others. NaN where a side has nobody or nothing happened. Running sums over the pooled times make the cost that of one
    sort, however many groups there are.
    """
    g = np.asarray(group, dtype=np.int64)
    t = np.asarray(time, dtype=np.float64)
    d = np.asarray(events, dtype=np.float64)
    size = d + np.asarray(censored, dtype=np.float64)
    groups = int(g.max()) + 1 if len(g) else 0
    if groups == 0:
        return np.empty(0), np.empty(0)
    unique, place = np.unique(t, return_inverse=True)
    pooled_events = np.bincount(place, d, len(unique))
    pooled = np.cumsum(np.bincount(place, size, len(unique))[::-1])[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = np.where(pooled > 0, pooled_events / pooled, 0.0)
        spread = np.where(pooled > 1, pooled_events * (pooled - pooled_events) / (pooled - 1) / pooled**2, 0.0)
    expected_until, mean_until, square_until = np.cumsum(hazard), np.cumsum(spread * pooled), np.cumsum(spread)
    observed = np.bincount(g, d, groups)
    expected = np.bincount(g, size * expected_until[place], groups)
    # A group's at-risk count is constant between its own times, so Σ spread·n² needs one term per row.
    order = np.lexsort((t, g))
    og, oplace, osize = g[order], place[order], size[order]
    total = np.bincount(g, size, groups)
    gone = np.cumsum(osize) - osize
    first = np.searchsorted(og, np.arange(groups))
    at_risk = total[og] - (gone - gone[first[og]])
    until = square_until[oplace]
    since = np.concatenate([[0.0], until[:-1]])
    since[first[first < len(og)]] = 0.0
    squared = np.bincount(og, at_risk**2 * (until - since), groups)
    variance = np.bincount(g, size * mean_until[place], groups) - squared
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where((variance > 1e-12) & (total < total.sum()), (observed - expected) / np.sqrt(variance), np.nan)
    return z, 2 * stats.norm.sf(np.abs(z))


def drop_off_point(table: pa.Table) -> pa.Table:
    """Finish of `drop_off_point`: from counts per time to one row per point.

    `dropped_share` is the Kaplan-Meier share to whom nothing happened within the gap; `exiting_share` the Aalen-Johansen
    share whose next touchpoint was an exit. The baseline is all other points of the definition and level; the log-rank
    test compares how soon and how many go on. Marked: more drop than at the baseline, which lies below the interval, with
    an adjusted p below 0.05.
    """
    keys = ["drop_off_level", "journey_definition", "step_number", "touchpoint_type"]
    return _points(
        table, keys, family=["drop_off_level", "journey_definition"], corrected=["drop_off_level", "journey_definition"]
    )


def drop_off_segment(table: pa.Table) -> pa.Table:
    """Finish of `drop_off_segment`: as `drop_off_point`, the baseline being the other segments at the same point.

    Corrected for the comparisons within one definition and kind of segment.
    """
    keys = ["journey_definition", "touchpoint_type", "segment_kind", "segment"]
    return _points(
        table,
        keys,
        family=["journey_definition", "touchpoint_type", "segment_kind"],
        corrected=["journey_definition", "segment_kind"],
    )


COUNTS = ("continued_count", "converted_count", "exited_count", "dropped_count", "open_count")
STATISTICS = (
    "dropped_share", "dropped_share_low", "dropped_share_high", "exiting_share", "exiting_share_low", "exiting_share_high",
    "baseline_share", "p_value", "p_value_adjusted",
)  # fmt: skip
EVIDENCE = (
    ("evidence", pa.string()), ("evidence_dropped_share", pa.float64()), ("evidence_went_on_share", pa.float64()),
    ("evidence_ratio", pa.float64()),
)  # fmt: skip


def _points(table: pa.Table, keys: list[str], family: list[str], corrected: list[str]) -> pa.Table:
    """One row per `keys` from counts per (keys, seconds_at_risk); the groups of one `family` are each other's baseline.

    Reads went_on_count, exiting_count (the next touchpoint was an exit), converted_count and exited_count (nothing more could
    happen: not at risk), dropped_count (watched to the end of the gap), open_count (still watched), and followed_count (how many
    came early enough to be watched to the end).
    """
    frame = pl.DataFrame(table)
    carried = [name for name, _ in EVIDENCE if name in frame.columns]
    with_times = frame.sort([*keys, "seconds_at_risk"])
    points = with_times.group_by(keys, maintain_order=True).agg(
        (pl.col("went_on_count") + pl.col("exiting_count")).sum().alias("continued_count"),
        pl.col(
            "exiting_count", "converted_count", "exited_count", "dropped_count", "open_count", "followed_count"
        ).sum(),
        pl.col(carried).first(),
        rows=pl.len(),
    )
    columns = {name: np.full(len(points), np.nan) for name in STATISTICS}
    if len(points):
        rows = points["rows"].to_numpy()
        point = np.repeat(np.arange(len(points)), rows)
        families = points.select(family).with_row_index().group_by(family, maintain_order=True).agg("index")["index"]
        values = {name: _array(with_times, name) for name in ("seconds_at_risk", *TIMED)}
        for members in families:
            _estimate(members.to_numpy(), point, values, points, columns)
        columns["p_value_adjusted"] = adjusted_by_group(columns["p_value"], *(points[name] for name in corrected))
    marked = (
        (columns["p_value_adjusted"] < ALPHA)
        & (points["dropped_count"].to_numpy() >= LEAST_LOST)
        & (columns["dropped_share"] > columns["baseline_share"])
        & (columns["dropped_share_low"] > columns["baseline_share"])
    )
    arrays: dict[str, pa.Array] = {name: table.schema.field(name).type for name in keys}
    arrays = {name: pa.array(points[name].to_list(), kind) for name, kind in arrays.items()}
    arrays["reached_count"] = pa.array(sum(points[name].to_numpy() for name in COUNTS), pa.int64())
    for name in ("continued_count", "exiting_count", *COUNTS[1:]):
        arrays[name] = pa.array(points[name].to_numpy(), pa.int64())
    arrays.update({name: pa.array(column, pa.float64(), mask=np.isnan(column)) for name, column in columns.items()})
    arrays["is_marked"] = pa.array(marked, pa.bool_())
    for name, kind in EVIDENCE:
        if name in carried:
            arrays[name] = pa.array(points[name].to_list(), kind)
    return pa.table(arrays)


TIMED = ("went_on_count", "exiting_count", "dropped_count", "open_count")


def _estimate(
    members: npt.NDArray[np.int64],
    point: npt.NDArray[np.int64],
    values: dict[str, Floats],
    points: pl.DataFrame,
    columns: dict[str, Floats],
) -> None:
    """Fill `columns` for the points of one family."""
    # Points stand in key order, so a family's rows are not one slice: its members are looked up.
    chosen = np.isin(point, members)
    local = np.searchsorted(members, point[chosen])
    time = values["seconds_at_risk"][chosen]
    went_on, exiting, dropped, opened = (values[name][chosen] for name in TIMED)
    at_risk = np.bincount(local, went_on + exiting + dropped + opened, len(members))
    followed = points["followed_count"].to_numpy()[members]
    starts = np.searchsorted(local, np.arange(len(members) + 1))
    moments, place = np.unique(time, return_inverse=True)
    pooled = [np.bincount(place, part, len(moments)) for part in (went_on, exiting, dropped + opened)]
    for number, member in enumerate(members):
        own = slice(starts[number], starts[number + 1])
        curve = survival_curve(time[own], [went_on[own], exiting[own]], dropped[own] + opened[own])
        if at_risk[number] == 0:
            continue
        share = float(curve.survival[-1])
        # Nobody was watched long enough, and not everybody went on: what is left may still do either.
        if followed[number] > 0 or share == 0:
            columns["dropped_share"][member] = share
            low, high = share_interval(share, float(curve.variance[-1]), at_risk[number])
            columns["dropped_share_low"][member], columns["dropped_share_high"][member] = low, high
            exits, spread = float(curve.incidence[1][-1]), float(curve.incidence_variance[1][-1])
            columns["exiting_share"][member] = exits
            low, high = share_interval(exits, spread, at_risk[number])
            columns["exiting_share_low"][member], columns["exiting_share_high"][member] = low, high
        others = [
            whole - np.bincount(place[own], part[own], len(moments))
            for whole, part in zip(pooled, (went_on, exiting, dropped + opened), strict=True)
        ]
        if sum(part.sum() for part in others) > 0:
            columns["baseline_share"][member] = survival_curve(moments, others[:2], others[2]).survival[-1]
    _, p = log_rank_against_rest(local, time, went_on, exiting + dropped + opened) if len(local) else (0, np.empty(0))
    enough = (at_risk >= MINIMUM_COUNT) & (at_risk.sum() - at_risk >= MINIMUM_COUNT)
    columns["p_value"][members[: len(p)]] = np.where(enough[: len(p)], p, np.nan)


def drop_off_evidence(table: pa.Table) -> pa.Table:
    """Finish of `drop_off_evidence`: how much more often the bad experience stands before a drop than before going on.

    Ratio of the two shares with the log interval of Katz et al. (1978); NULL where it never stood before going on.
    Corrected for the comparisons within one definition and level; marked when more often, with an adjusted p below 0.05.
    """
    table = table.sort_by(
        [
            (name, "ascending")
            for name in ("drop_off_level", "journey_definition", "touchpoint_type", "step_number", "friction")
        ]
    )
    frame = pl.DataFrame(table)
    a, m = _array(frame, "dropped_with_count"), _array(frame, "dropped_count")
    b, n = _array(frame, "went_on_with_count"), _array(frame, "went_on_count")
    with np.errstate(divide="ignore", invalid="ignore"):
        share, other = np.where(m > 0, a / m, np.nan), np.where(n > 0, b / n, np.nan)
        ratio = np.where((b > 0) & (m > 0), share / other, np.nan)
        reach = Z * np.sqrt(1 / a - 1 / m + 1 / b - 1 / n)
        low, high = np.where(a > 0, ratio * np.exp(-reach), np.nan), np.where(a > 0, ratio * np.exp(reach), np.nan)
    p = two_proportion_p(a, m, b, n)
    adjusted = adjusted_by_group(p, frame["drop_off_level"], frame["journey_definition"])
    columns = {
        "dropped_with_share": share, "went_on_with_share": other, "evidence_ratio": ratio, "evidence_ratio_low": low,
        "evidence_ratio_high": high, "p_value": p, "p_value_adjusted": adjusted,
    }  # fmt: skip
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, pa.float64(), mask=np.isnan(values)))
    return table.append_column("is_marked", pa.array((adjusted < ALPHA) & (share > other), pa.bool_()))


# Days after the first order for which the share of second orders is told.
HORIZONS = (30, 90, 180, 365)


def repeat_purchase(table: pa.Table) -> pa.Table:
    """Finish of `repeat_purchase`: Kaplan-Meier shares of buyers with a second order within so many days.

    From counts per cohort, channel and days watched (NULL for who never bought). A share is NULL where nobody was watched for
    so long and not everybody has ordered again.
    """
    keys = ["cohort_month", "first_touch_channel"]
    rows: list[dict[str, object]] = []
    for (month, channel), part in pl.DataFrame(table).sort(*keys, "watched_days").group_by(keys, maintain_order=True):
        bought = part.filter(pl.col("watched_days").is_not_null())
        days, again = _array(bought, "watched_days"), _array(bought, "repeat_buyer_count")
        alone = _array(bought, "buyer_count") - again
        curve = survival_curve(days, [again], alone)
        buyers = int(bought["buyer_count"].sum())
        half = quantile_time(curve, 0.5) if buyers else float("nan")
        for horizon in HORIZONS:
            left = value_at(curve, curve.survival, horizon, 1.0)
            spread = value_at(curve, curve.variance, horizon, 0.0)
            known = buyers > 0 and (left == 0 or bool(days.max() >= horizon))
            low, high = share_interval(left, spread, buyers) if known else (float("nan"), float("nan"))
            rows.append(
                {
                    "cohort_month": month,
                    "first_touch_channel": channel,
                    "within_days": horizon,
                    "customer_count": int(part["customer_count"].sum()),
                    "buyer_count": buyers,
                    "repeat_buyer_count": int(again[days <= horizon].sum()),
                    "censored_count": int(alone[days < horizon].sum()),
                    "repeat_share": _or_none(1 - left if known else float("nan")),
                    "repeat_share_low": _or_none(1 - high),
                    "repeat_share_high": _or_none(1 - low),
                    "median_days_to_second_order": _or_none(half),
                }
            )
    floats = ("repeat_share", "repeat_share_low", "repeat_share_high", "median_days_to_second_order")
    counts = ("customer_count", "buyer_count", "repeat_buyer_count", "censored_count")
    schema = pa.schema(
        [
            *((name, pa.string()) for name in keys),
            ("within_days", pa.int32()),
            *((name, pa.int64()) for name in counts),
            *((name, pa.float64()) for name in floats),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def cohort_retention(table: pa.Table) -> pa.Table:
    """Finish of `cohort_retention`: share of the cohort that acted in a month, with Wilson's interval.

    Only for months that are over: all customers of a calendar month's cohort are then watched equally long.
    """
    table = table.sort_by([(name, "ascending") for name in ("cohort_month", "first_touch_channel", "period_number")])
    frame = pl.DataFrame(table)
    active, size = _array(frame, "active_count"), _array(frame, "customer_count")
    over = frame["is_complete"].to_numpy().astype(bool)
    low, high = wilson(active, size)
    shares = {"retained_share": active / np.maximum(size, 1), "retained_share_low": low, "retained_share_high": high}
    for name, values in shares.items():
        table = table.append_column(name, pa.array(values, pa.float64(), mask=~over))
    return table


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def _array(frame: pl.DataFrame, name: str) -> Floats:
    """A column as floats."""
    return frame[name].cast(pl.Float64).fill_null(0.0).to_numpy().astype(np.float64)

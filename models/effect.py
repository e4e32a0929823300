"""What a touchpoint goes with: conversion, satisfaction and coming back, each adjusted for all other touchpoints.

Every table comes as units (journeys, answers, months after an order) and the factors each unit met before its outcome.
Conversion and coming back are discrete-time hazards (Cox 1972; Allison 1982), satisfaction is a linear model of answers,
weighted for those who did not answer (Horvitz and Thompson 1952); clusters are customers; p-values are corrected by
Benjamini and Hochberg. Experiments are estimated as such. Penalty and reward after Brandt (1987). Not here: how units
and factors are found (sql/measure/), regressions (`regression.py`).

An association says where to look: nobody was assigned a touchpoint by lot, so those who met it may differ in ways no
export shows. Only rows with method `experiment` say what the touchpoint does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy import special, stats

from models import regression
from models.statistics import MINIMUM_COUNT, adjusted_by_group, share_difference, two_proportion_p
from models.threads import single_threaded

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# An invitation that was hardly ever answered must not make one answer weigh like fifty.
LARGEST_WEIGHT = 10.0
# Events, and rows without one, that a factor must have been met with before a chance is estimated from it.
MINIMUM_EVENTS = 5
# Beyond a hundredfold odds a factor is a step of the process, not an influence: a solution after a reply, a page in a visit.
LARGEST_LOG_ODDS = float(np.log(100))
# p below which the sizes of an experiment's groups are not what the lot would give.
SAMPLE_RATIO_ALPHA = 0.001
CHANNEL_REFERENCE = "direct"
# Channels of which one names its visitors more than so many times as often as the other are not compared among the named.
LARGEST_NAMING_RATIO = 2.0
# Steps in which the chance to convert may change with the time since the occasion before.
PAUSE_DAYS = (1, 2, 4, 7, 11, 16, 22, 30)

SCHEMA = pa.schema(
    [
        ("measure", pa.string()), ("scope", pa.string()), ("factor_kind", pa.string()), ("factor", pa.string()),
        ("reference", pa.string()), ("method", pa.string()), ("estimate_status", pa.string()),
        ("with_count", pa.int64()), ("without_count", pa.int64()), ("with_mean", pa.float64()),
        ("without_mean", pa.float64()), ("effect", pa.float64()), ("effect_low", pa.float64()),
        ("effect_high", pa.float64()), ("log_odds", pa.float64()), ("log_odds_low", pa.float64()),
        ("log_odds_high", pa.float64()), ("p_value", pa.float64()), ("p_value_adjusted", pa.float64()),
        ("is_marked", pa.bool_()), ("importance_share", pa.float64()), ("penalty", pa.float64()),
        ("reward", pa.float64()), ("asymmetry", pa.float64()), ("response_share", pa.float64()),
        ("sample_ratio_p_value", pa.float64()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Units:
    """Rows of a regression. `unit` says which row belongs to which thing that is counted (a journey has several rows).

    `member` is 1 where a row met a factor: shape (rows, factors). `controls` holds the columns that are always in the
    model, the constant among them.
    """

    names: tuple[tuple[str, str], ...]
    member: Floats
    outcome: Floats
    controls: Floats
    weight: Floats
    cluster: Ints
    unit: Ints


def estimate(units: Units, is_logistic: bool) -> list[dict[str, Any]]:
    """One row per factor: counts and raw means, and the adjusted effect where at least MINIMUM_COUNT met it and did not."""
    size = int(units.unit.max()) + 1
    met = np.zeros((size, len(units.names)), dtype=bool)
    np.logical_or.at(met, units.unit, units.member > 0)
    ended = np.zeros(size)
    np.maximum.at(ended, units.unit, units.outcome)
    with_count, without_count = met.sum(axis=0), size - met.sum(axis=0)
    enough = (with_count >= MINIMUM_COUNT) & (without_count >= MINIMUM_COUNT)
    if is_logistic:
        # Where nobody (or everybody) with a factor had the event, robust errors say nothing and look like certainty.
        happened = np.minimum(units.member.T @ units.outcome, met.T @ ended)
        stayed = with_count - met.T @ ended
        other = units.outcome.sum() - units.member.T @ units.outcome
        enough &= (happened >= MINIMUM_EVENTS) & (stayed >= MINIMUM_EVENTS) & (other >= MINIMUM_EVENTS)
    first = units.controls.shape[1]
    can = units.outcome.sum() > 0 and len(np.unique(units.cluster)) > 1
    model = regression.logistic if is_logistic else regression.linear
    steps: set[int] = set()
    if is_logistic:
        # The odds as they are, half an event added on each side.
        odds = [(ended @ side + 0.5) / (side.sum(axis=0) - ended @ side + 0.5) for side in (met, ~met)]
        steps = set(np.flatnonzero(enough & (np.abs(np.log(odds[0] / odds[1])) > LARGEST_LOG_ODDS)).tolist())
        enough[list(steps)] = False
    while True:
        chosen = np.flatnonzero(enough)
        design = np.column_stack([units.controls, units.member[:, chosen]])
        kept = regression.independent(design, units.weight, first)
        design = design[:, kept]
        place = {int(column) - first: number for number, column in enumerate(kept) if column >= first}
        fit = model(design, units.outcome, units.weight, units.cluster) if can and place else None
        if fit is None or not is_logistic:
            break
        sizes = np.abs(fit.coefficient[list(place.values())])
        if sizes.max() <= LARGEST_LOG_ODDS:
            break
        # Beside a step of the process itself the others are set off against it, so they are estimated without it.
        worst = int(chosen[list(place)[int(sizes.argmax())]])
        steps.add(worst)
        enough[worst] = False
    importance = np.zeros(0)
    if fit is not None:
        base = design[:, [number for number in range(len(kept)) if kept[number] < first]]
        importance = regression.relative_importance(design[:, list(place.values())], units.outcome, units.weight, base)
        total = importance.sum()
        importance = importance / total if total > 0 else importance
    rows: list[dict[str, Any]] = []
    for number, (kind, factor) in enumerate(units.names):
        row: dict[str, Any] = {
            "factor_kind": kind,
            "factor": factor,
            "estimate_status": "process_step" if number in steps else "too_few",
            "with_count": int(with_count[number]),
            "without_count": int(without_count[number]),
            "with_mean": _mean(ended[met[:, number]]),
            "without_mean": _mean(ended[~met[:, number]]),
        }
        position = int(np.searchsorted(chosen, number))
        if enough[number] and fit is not None:
            if position not in place:
                row["estimate_status"] = "same_as_another"
            else:
                column = place[position]
                row["estimate_status"] = "estimated"
                if is_logistic:
                    effect = regression.marginal_effect(design, units.weight, fit, column)
                    row["log_odds"], row["log_odds_low"], row["log_odds_high"], row["p_value"] = fit.interval(column)
                else:
                    effect = fit.interval(column)
                    row["p_value"] = effect[3]
                row["effect"], row["effect_low"], row["effect_high"] = effect[:3]
                row["importance_share"] = float(importance[list(place).index(position)])
        rows.append(row)
    return rows


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def published(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as the table `touchpoint_effect`: p-values corrected within measure, scope and kind of factor; NULL for NaN."""
    for row in rows:
        row.setdefault("method", "association")
        row.setdefault("reference", "without it")
        for name, value in row.items():
            if isinstance(value, float) and not np.isfinite(value):
                row[name] = None
    names = [row for row in rows if row.get("p_value") is not None]
    p = np.array([row["p_value"] for row in names], dtype=np.float64)
    keys = [[str(row[key]) for row in names] for key in ("measure", "scope", "factor_kind")]
    for row, adjusted in zip(names, adjusted_by_group(p, *keys), strict=True) if names else ():
        row["p_value_adjusted"] = float(adjusted)
    for row in rows:
        row["is_marked"] = bool((row.get("p_value_adjusted") is not None) and row["p_value_adjusted"] < 0.05)
    rows.sort(key=lambda row: tuple(str(row[key]) for key in ("measure", "scope", "factor_kind", "factor")))
    return pa.Table.from_pylist([{name: row.get(name) for name in SCHEMA.names} for row in rows], schema=SCHEMA)


def _coded(frame: pl.DataFrame, *columns: str) -> Ints:
    """Numbers from 0 for the distinct values of columns, in their order."""
    return frame.select(pl.struct(columns).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy().astype(np.int64)


def _membership(met: pl.DataFrame, row: Ints, size: int) -> tuple[tuple[tuple[str, str], ...], Floats, Floats]:
    """Names of the factors in `met`, sorted, and two matrices (size, factors): row `row[i]` met factor i; met it badly."""
    # Touchpoints first: of two factors that always go together the first is estimated, and a payment that failed is a touchpoint.
    rank = pl.col("factor_kind").replace_strict({"touchpoint": 0}, default=1, return_dtype=pl.Int8)
    names = met.select("factor_kind", "factor").unique().sort(rank, "factor_kind", "factor").with_row_index("column")
    numbered = met.join(names, on=["factor_kind", "factor"], how="left", maintain_order="left")
    column = numbered["column"].to_numpy().astype(np.int64)
    member, worse = np.zeros((size, len(names))), np.zeros((size, len(names)))
    member[row, column] = 1
    bad = met["is_bad"].fill_null(False).to_numpy().astype(bool)
    worse[row[bad], column[bad]] = 1
    return tuple(names.select("factor_kind", "factor").iter_rows()), member, worse


# Channels are the sums of their touchpoints, so the two cannot stand in one model.
MODEL_KINDS = (("touchpoint", "failure", "wait"), ("channel",))


def _estimates(units: Units, is_logistic: bool) -> Iterator[dict[str, Any]]:
    """`estimate` of each kind of factors that goes together."""
    for kinds in MODEL_KINDS:
        columns = [i for i, (kind, _) in enumerate(units.names) if kind in kinds]
        if columns:
            part = replace(units, names=tuple(units.names[i] for i in columns), member=units.member[:, columns])
            yield from estimate(part, is_logistic)


def _scopes(table: pa.Table, *order: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each scope, in a fixed order."""
    frame: pl.DataFrame = pl.DataFrame(table).sort("scope", *order, "factor_kind", "factor", nulls_last=False)
    for part in frame.partition_by("scope", maintain_order=True):
        yield part["scope"][0], part


@single_threaded
def conversion(table: pa.Table) -> pa.Table:
    """Finish of `effect_conversion`: hazard of converting per visit or contact, given what came strictly before.

    Reads one row without a factor per occasion (visit or contact) that could be watched for the whole gap of its journey:
    `unit_id`, `period`, `customer_id`, `is_event`, `is_converted` (the journey, within the gap of its first occasion),
    `is_named`, `is_unlinked`, `begins_with_visit`, `is_returning`, `first_channel`, `occasion_channel`, `step_count` (steps
    so far), `age_days` (since the journey began), `is_near`, `was_near`; and one per factor and occasion it was met at,
    `first_period`, with `last_period` (NULL for all that follow) and the age of the journey until which it counts as met
    (`until_days`). Controls: age of the journey, occasions and steps so far (who looks at more meets more), whether an
    earlier occasion came near to the goal in vain, where this occasion and the first one came from, whether the customer is
    named and was here before. The channel of the first is a factor too (`first_channel`), estimated per journey. See
    `_comparable` for unnamed visitors.
    """
    rows: list[dict[str, Any]] = []
    for scope, part in _scopes(table, "unit_id", "period"):
        everybody = part.filter(pl.col("factor").is_null())
        touch = _comparable(everybody)
        journey = touch.filter(pl.col("period") == 1)
        if not touch["is_event"].any():
            continue
        begun = _begun(everybody.filter(pl.col("period") == 1))
        found = [
            *_first_channels(journey.join(begun, on="unit_id", how="semi"), _named_shares(begun)),
            *_estimates(_person_periods(part, touch, journey), is_logistic=True),
        ]
        rows.extend({"measure": "conversion", "scope": scope, **row} for row in found)
    return published(rows)


def _comparable(touch: pl.DataFrame) -> pl.DataFrame:
    """The touches without those of named, or of unnamed, customers when next to none of these converted.

    Who buys is named by it, so journeys of unnamed visitors mostly never convert: with them, whatever gives a visitor a name
    (a form, a newsletter, a call) would seem to sell. With a column of their own they would say nothing in a logistic model.
    """
    converted = touch.filter("is_event").group_by("is_named").len()
    enough = converted.filter(pl.col("len") >= MINIMUM_EVENTS)["is_named"].to_list()
    return touch.filter(pl.col("is_named").is_in(enough)) if enough else touch


def _person_periods(part: pl.DataFrame, touch: pl.DataFrame, journey: pl.DataFrame) -> Units:
    """A row per occasion of each journey; its outcome: whether the journey converts before the next one, within its gap."""
    periods = np.diff(np.append(np.flatnonzero(touch["period"].to_numpy() == 1), len(touch))).astype(np.int64)
    start = np.concatenate([[0], np.cumsum(periods)])
    unit = np.repeat(np.arange(len(journey)), periods)
    number = np.arange(start[-1]) - start[unit] + 1
    outcome = touch["is_event"].to_numpy().astype(np.float64)
    met = part.filter(pl.col("factor").is_not_null()).join(
        journey.select("unit_id", pl.int_range(pl.len()).alias("unit")), on="unit_id"
    )
    first = met["first_period"].to_numpy().astype(np.int64)
    place = met["unit"].to_numpy().astype(np.int64)
    last = met["last_period"].fill_null(np.iinfo(np.int32).max).to_numpy().astype(np.int64)
    # Occasions of a journey follow one another in time: those until a moment are counted in one sorted list of all journeys.
    age = touch["age_days"].to_numpy().astype(np.float64)
    longest = max(float(age.max()), 0.0) + 1
    until = np.clip(met["until_days"].to_numpy().astype(np.float64), 0, longest - 0.5)
    reached = np.searchsorted(unit * longest + age, place * longest + until, side="right") - start[place]
    length = np.maximum(np.minimum(np.minimum(periods[place], last), np.maximum(reached, first)) - first + 1, 0)
    # A factor met at occasion k counts at k and at all later ones, while its window lasts.
    row = np.repeat(start[place] + first - 1, length) + _counting(length)
    names, member, _ = _membership(met[np.repeat(np.arange(len(met)), length)], row, int(start[-1]))
    # A visit by a newsletter is another occasion than a mail to somebody who never visits.
    kind = pl.when("begins_with_visit").then(pl.lit("visit ")).otherwise(pl.lit("contact "))
    channel = _dummies(journey.select(kind + pl.col("first_channel").fill_null("")).to_series())[unit]
    here = _dummies(touch.select(kind + pl.col("occasion_channel")).to_series())
    person = touch.select(pl.col("is_near", "was_near", "is_named", "is_returning").cast(pl.Float64)).to_numpy()
    steps = np.log1p(touch["step_count"].to_numpy().astype(np.float64))
    few = [number == k for k in (2, 3, 4)]
    # Who is still looking and who begins anew: after a day, a week, a month.
    pause = np.where(number > 1, age - np.concatenate([[0.0], age[:-1]]), 0.0)
    since = [(number > 1) & (pause >= days) for days in PAUSE_DAYS]
    controls = np.column_stack(
        [
            np.ones(len(unit)),
            *few,
            number > 4,
            np.log(number),
            np.log1p(age),
            *since,
            steps,
            steps**2,
            person,
            channel,
            here,
        ]
    )
    cluster = _coded(journey, "customer_id")[unit]
    return Units(names, member, outcome, controls.astype(np.float64), np.ones(len(unit)), cluster, unit)


def _counting(length: Ints) -> Ints:
    """0, 1, … up to each length less one, one after another."""
    ends = np.cumsum(length)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - length, length)


def _dummies(values: pl.Series) -> Floats:
    """A column per value but the first."""
    names = values.unique().sort()[1:]
    return np.column_stack([(values == name).to_numpy() for name in names] or [np.zeros((len(values), 0))]).astype(
        float
    )


def _named_shares(journey: pl.DataFrame) -> dict[str, float]:
    """Share of the journeys by each first channel whose customer has a name."""
    share = journey.group_by("first_channel").agg(pl.col("is_named").mean())
    return dict(share.iter_rows())


def _begun(journey: pl.DataFrame) -> pl.DataFrame:
    """Journeys by their first visit; where a definition has no visits, by their first contact."""
    journey = journey.filter(pl.col("first_channel").is_not_null())
    # A call or a mail to somebody who never visits is no visit in vain.
    return journey.filter("begins_with_visit") if journey["begins_with_visit"].any() else journey


def _first_channels(journey: pl.DataFrame, named_share: dict[str, float]) -> list[dict[str, Any]]:
    """Conversion of whole journeys by the channel of their first visit, against those that came by themselves.

    Adjusted for whether the customer had been here before: who returns comes directly more often, and buys more often. Two
    kinds of journeys are counted but not estimated from, because who buys gets a name and who does not may stay nobody:
    those of customers whose visits on different days nothing joins (`is_unlinked`), and those by a channel that names its
    visitors far more or less often than the reference (LARGEST_NAMING_RATIO; a link in a newsletter says who clicked it):
    of one the visits in vain are there, of the other they are missing.
    """
    if not len(journey):
        return []
    counts = journey["first_channel"].value_counts().sort(["count", "first_channel"], descending=[True, False])
    names = counts["first_channel"].to_list()
    reference = CHANNEL_REFERENCE if CHANNEL_REFERENCE in names else names[0]
    size = dict(counts.iter_rows())
    won = dict(journey.group_by("first_channel").agg(pl.col("is_converted").mean()).iter_rows())
    linked = journey.filter(~pl.col("is_unlinked"))
    linked_size = dict(linked["first_channel"].value_counts().iter_rows())
    found: list[dict[str, Any]] = []
    large: list[str] = []
    for name in sorted(name for name in names if name != reference):
        less, more = sorted((named_share[name], named_share[reference]))
        if min(size[name], size[reference]) < MINIMUM_COUNT:
            status = "too_few"
        elif more > LARGEST_NAMING_RATIO * less:
            status = "named_visits"
        elif min(linked_size.get(name, 0), linked_size.get(reference, 0)) < MINIMUM_COUNT:
            status = "unlinked_visits"
        else:
            large.append(name)
            continue
        found.append({"factor_kind": "first_channel", "factor": name, "estimate_status": status})
    if large:
        # The others are left out: kept without a column of their own they would count as the reference.
        asked = linked.filter(pl.col("first_channel").is_in([reference, *large]))
        rows = len(asked)
        units = Units(
            tuple(("first_channel", name) for name in large),
            np.column_stack([(asked["first_channel"] == name).to_numpy() for name in large]).astype(float),
            asked["is_converted"].to_numpy().astype(np.float64),
            np.column_stack([np.ones(rows), asked.select(pl.col("is_named", "is_returning").cast(pl.Float64))]),
            np.ones(rows),
            _coded(asked, "customer_id"),
            np.arange(rows),
        )
        found += estimate(units, is_logistic=True)
    # Beside a channel stand the journeys of the reference, not all others.
    beside = {"reference": reference, "without_count": size[reference], "without_mean": won[reference]}
    return [{**row, **beside, "with_count": size[row["factor"]], "with_mean": won[row["factor"]]} for row in found]


@single_threaded
def satisfaction(table: pa.Table) -> pa.Table:
    """Finish of `effect_satisfaction`: scaled score against what the customer met before the survey.

    Reads per survey one row without a factor (`unit_id`, `customer_id`, `score`: NULL where nobody answered, `is_invited`)
    and one per factor met before it (`is_bad`: it failed, took long or went wrong). Answers weigh by the inverse of the
    chance that an invitation like theirs was answered, where the exports tell of invitations.
    """
    rows: list[dict[str, Any]] = []
    for scope, part in _scopes(table, "unit_id"):
        survey = part.filter(pl.col("factor").is_null())
        number = survey.select("unit_id", pl.int_range(pl.len()).alias("row"))
        met = part.filter(pl.col("factor").is_not_null()).join(number, on="unit_id")
        names, member, worse = _membership(met, met["row"].to_numpy().astype(np.int64), len(survey))
        score = survey["score"].to_numpy().astype(np.float64)
        answered = ~np.isnan(score)
        if not answered.any():
            continue
        cluster = _coded(survey, "customer_id")
        invited = survey["is_invited"].to_numpy().astype(bool)
        weight, share = response_weights(member, answered, invited, cluster)
        here = answered
        units = Units(
            names,
            member[here],
            score[here],
            np.ones((int(here.sum()), 1)),
            weight[here],
            cluster[here],
            np.arange(int(here.sum())),
        )
        sides = _penalty_and_reward(units, worse[here])
        for row in _estimates(units, is_logistic=False):
            row.update(sides.get((row["factor_kind"], row["factor"]), {}))
            rows.append({"measure": "satisfaction", "scope": scope, "response_share": share, **row})
    return published(rows)


def response_weights(
    member: Floats, answered: npt.NDArray[np.bool_], invited: npt.NDArray[np.bool_], cluster: Ints
) -> tuple[Floats, float | None]:
    """Inverse of the chance that an invitation is answered, given what came before it; and the share answered.

    1 for answers nobody is known to have been asked for. The mean weight of the answers is 1.
    """
    weight = np.ones(len(answered))
    asked = int(invited.sum())
    if not asked:
        return weight, None
    share = float(answered[invited].mean())
    if asked >= 2 * MINIMUM_COUNT and 0 < share < 1:
        met = member[invited]
        common = (met.sum(axis=0) >= MINIMUM_COUNT) & ((1 - met).sum(axis=0) >= MINIMUM_COUNT)
        design = np.column_stack([np.ones(asked), met[:, common]])
        design = design[:, regression.independent(design, np.ones(asked))]
        fit = regression.logistic(design, answered[invited].astype(float), np.ones(asked), cluster[invited])
        chance = special.expit(design @ fit.coefficient)
        weight[invited] = np.minimum(share / np.maximum(chance, 1e-6), LARGEST_WEIGHT)
    weight[answered] /= weight[answered].mean()
    return weight, share


def _penalty_and_reward(units: Units, worse: Floats) -> dict[tuple[str, str], dict[str, float]]:
    """Per touchpoint met both well and badly often enough: what a bad one costs, what a good one brings, and which is more.

    asymmetry: (|reward| - |penalty|) / (|reward| + |penalty|), from -1 (it can only hurt: a must) to 1 (it can only please).
    """
    good = units.member * (1 - worse)
    counts = np.minimum(worse.sum(axis=0), good.sum(axis=0))
    split = [i for i, (kind, _) in enumerate(units.names) if kind == "touchpoint" and counts[i] >= MINIMUM_COUNT]
    if not split:
        return {}
    whole = [
        i
        for i, (kind, _) in enumerate(units.names)
        if kind == "touchpoint"
        and i not in split
        and MINIMUM_COUNT <= units.member[:, i].sum() <= len(units.outcome) - MINIMUM_COUNT
    ]
    design = np.column_stack([units.controls, good[:, split], worse[:, split], units.member[:, whole]])
    kept = list(regression.independent(design, units.weight, units.controls.shape[1]))
    fit = regression.linear(design[:, kept], units.outcome, units.weight, units.cluster)
    first = units.controls.shape[1]
    found: dict[tuple[str, str], dict[str, float]] = {}
    for number, factor in enumerate(units.names[i] for i in split):
        columns = (first + number, first + len(split) + number)
        if all(column in kept for column in columns):
            reward, penalty = (float(fit.coefficient[kept.index(column)]) for column in columns)
            size = abs(reward) + abs(penalty)
            found[factor] = {"penalty": penalty, "reward": reward}
            if size > 0:
                found[factor]["asymmetry"] = (abs(reward) - abs(penalty)) / size
    return found


@single_threaded
def retention(table: pa.Table) -> pa.Table:
    """Finish of `effect_retention`: hazard of coming back (or leaving) per period, with touches that change over time.

    Reads per period at risk one row without a factor (`unit_id`, `period`, `order_number`, `customer_id`, `is_event`) and one per
    factor met in the window before the period began. Controls: the period since the order or the contract's beginning, and
    how many orders came before (who ordered often comes back, whatever is met in between).
    """
    rows: list[dict[str, Any]] = []
    for scope, part in _scopes(table, "unit_id", "period"):
        spell = part.filter(pl.col("factor").is_null())
        if not spell["is_event"].any():
            continue
        number = spell.select("unit_id", "period", pl.int_range(pl.len()).alias("row"))
        met = part.filter(pl.col("factor").is_not_null()).join(number, on=["unit_id", "period"])
        names, member, _ = _membership(met, met["row"].to_numpy().astype(np.int64), len(spell))
        period = spell["period"].to_numpy().astype(np.int64)
        later = [period == k for k in range(2, min(int(period.max()), 12))] + [period >= min(int(period.max()), 12)]
        order = spell["order_number"].to_numpy().astype(np.float64)
        controls = np.column_stack([np.ones(len(spell)), *later, order > 1, np.log(order)]).astype(np.float64)
        units = Units(
            names,
            member,
            spell["is_event"].to_numpy().astype(np.float64),
            controls[:, regression.independent(controls, np.ones(len(spell)))],
            np.ones(len(spell)),
            _coded(spell, "customer_id"),
            np.arange(len(spell)),
        )
        rows.extend({"measure": "retention", "scope": scope, **row} for row in _estimates(units, is_logistic=True))
    return published(rows)


def experiment(table: pa.Table) -> pa.Table:
    """Finish of `effect_experiment`: variants of a mail, page or script against the first of them, as drawn by lot.

    Reads one row per experiment and variant: `scope` (the outcome), `experiment`, `variant`, `person_count`, `event_count`.
    The sizes of the groups are checked against an even lot (chi-square); a p below SAMPLE_RATIO_ALPHA means that the lot did not
    decide alone, and the row says association.
    """
    rows: list[dict[str, Any]] = []
    frame: pl.DataFrame = pl.DataFrame(table).sort("scope", "experiment", "variant")
    for part in frame.partition_by("scope", "experiment", maintain_order=True):
        size, event = (part[name].to_numpy().astype(np.float64) for name in ("person_count", "event_count"))
        if len(part) < 2:
            continue
        ratio = float(stats.chisquare(size).pvalue)
        for number in range(1, len(part)):
            effect = [
                float(x[0])
                for x in share_difference(event[number : number + 1], size[number : number + 1], event[:1], size[:1])
            ]
            p = float(two_proportion_p(event[number], size[number], event[0], size[0]))
            enough = min(size[number], size[0]) >= MINIMUM_COUNT
            row: dict[str, Any] = {
                "measure": "conversion",
                "scope": part["scope"][0],
                "factor_kind": "variant",
                "factor": f"{part['experiment'][0]}: {part['variant'][number]}",
                "reference": part["variant"][0],
                "method": "experiment" if ratio >= SAMPLE_RATIO_ALPHA else "association",
                "estimate_status": "estimated" if enough else "too_few",
                "with_count": int(size[number]),
                "without_count": int(size[0]),
                "with_mean": float(event[number] / size[number]),
                "without_mean": float(event[0] / size[0]),
                "sample_ratio_p_value": ratio,
            }
            if enough:
                row |= {"effect": effect[0], "effect_low": effect[1], "effect_high": effect[2], "p_value": p}
            rows.append(row)
    return published(rows)

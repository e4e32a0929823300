"""Funnels on sorted arrays: who took which steps, found by binary search instead of joins.

The same answer as the table macro `funnel_people` (`pipelines/macros/`), whose header says what a funnel is: that one is for
analysts in SQL, this one for a page that has to be there at once. Does not belong here: where the arrays come from
(`pipelines/explore/index.py`), counting and drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A place is the rank of a customer and, in the lowest bits, the number of the touchpoint in the customer's total order.
NUMBER_BITS = 24
Places = NDArray[np.int64]
Moments = NDArray[np.int64]
NOWHERE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Trail:
    """Touchpoints of one or more types: `place` ascending, and `moment` in microseconds since 1970."""

    place: Places
    moment: Moments

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class People:
    """One entry per customer who entered, ascending by customer.

    rank: the customer's. entered: moment of the attempt that counts, microseconds. step_count: steps taken. places, moments: per
    step the touchpoint that took it and when, 0 where it was not taken.
    """

    rank: NDArray[np.int64]
    entered: Moments
    step_count: NDArray[np.int64]
    places: list[Places]
    moments: list[Moments]


def merged(trails: Sequence[Trail]) -> Trail:
    """Several trails as one; a touchpoint that is in two of them stands once."""
    if len(trails) == 1:
        return trails[0]
    place, first = np.unique(
        np.concatenate([trail.place for trail in trails] or [np.empty(0, np.int64)]), return_index=True
    )
    return Trail(place, np.concatenate([trail.moment for trail in trails] or [np.empty(0, np.int64)])[first])


def found_from(places: Places, start: Places) -> NDArray[np.int64]:
    """For each `start` the index of the first place at or after it of the same customer; `len(places)` where there is none."""
    if not len(places):
        return np.zeros(len(start), np.int64)
    index = np.searchsorted(places, start)
    inside = np.minimum(index, len(places) - 1)
    same = (index == inside) & ((places[inside] ^ start) >> NUMBER_BITS == 0)
    return np.where(same, index, len(places))


def lasts(places: Places) -> NDArray[np.bool_]:
    """Which places are the last of their customer."""
    rank = places >> NUMBER_BITS
    return np.append(rank[1:] != rank[:-1], np.full(min(1, len(places)), True))


def best_entries(first: Trail, others: Sequence[Trail]) -> Trail:
    """The touchpoints of `first` that can be the entry that counts: the last before each of `others`, and each customer's last.

    Any other is followed by one of its own kind before anything else of the funnel happens: that one's window ends later and
    reaches all that this one's does.
    """
    if not len(first):
        return first
    kept = lasts(first.place)
    for other in others:
        before = np.searchsorted(first.place, other.place) - 1
        # of another customer: that one's last, which is kept already
        kept[before[before >= 0]] = True
    return Trail(first.place[kept], first.moment[kept])


def entries_of(steps: Sequence[Trail], mode: str) -> Trail:
    """Touchpoints that an attempt may begin with: of step 1, unordered of any step."""
    if mode != "unordered":
        # what comes after step 1 is told by step 2 alone
        return best_entries(steps[0], steps[1:2])
    largest = max(range(len(steps)), key=lambda number: len(steps[number]))
    others = [step for number, step in enumerate(steps) if number != largest]
    return merged([best_entries(steps[largest], others), *others])


def people(
    steps: Sequence[Trail],
    window: int,
    mode: str = "ordered",
    excluded: Trail | None = None,
    ignored: Places | None = None,
) -> People:
    """Everybody who entered, each by the deepest attempt, of several the latest.

    window: microseconds from the entry, inclusive. mode: ordered, strict or unordered. excluded: touchpoints that end an attempt.
    ignored: for strict, places (ascending) that may stand between two steps although nothing else may.
    """
    entries = entries_of(steps, mode)
    count = len(entries)
    end = entries.moment + window
    barrier = None
    if excluded is not None and len(excluded):
        barrier = np.append(excluded.place, NOWHERE)[found_from(excluded.place, entries.place)]
    alive = np.arange(count)
    place = entries.place
    depth = np.zeros(count, np.int64)
    places: list[Places] = []
    moments: list[Moments] = []
    for number, step in enumerate(steps, start=1):
        if number == 1 and mode != "unordered":
            met, moment = entries.place, entries.moment
        else:
            index = found_from(step.place, place)
            there = index < len(step)
            index, alive, place = index[there], alive[there], place[there]
            met, moment = step.place[index], step.moment[index]
            fits = moment <= end[alive]
            if barrier is not None:
                fits &= met < barrier[alive]
            if mode == "strict":
                fits &= met - place == ignored_between(ignored, place, met)
            alive, met, moment, place = alive[fits], met[fits], moment[fits], place[fits]
        depth[alive] = number
        for kept, values in ((places, met), (moments, moment)):
            taken = np.zeros(count, np.int64)
            taken[alive] = values
            kept.append(taken)
        if mode != "unordered":
            place = met + 1
    if not count:
        nothing = np.empty(0, np.int64)
        return People(nothing, nothing, nothing, [nothing for _ in steps], [nothing for _ in steps])
    starts = np.flatnonzero(np.append(True, lasts(entries.place)[:-1]))
    best = np.maximum.reduceat(depth * count + np.arange(count), starts) % count
    best = best[depth[best] > 0]
    return People(
        entries.place[best] >> NUMBER_BITS,
        entries.moment[best],
        depth[best],
        [taken[best] for taken in places],
        [taken[best] for taken in moments],
    )


def ignored_between(ignored: Places | None, start: Places, end: Places) -> NDArray[np.int64]:
    """How many of `ignored` are at or after each `start` and before its `end`."""
    if ignored is None or not len(ignored):
        return np.zeros(len(start), np.int64)
    return np.searchsorted(ignored, end) - np.searchsorted(ignored, start)


def took(trail: Trail, after: Places, start: Moments, end: Moments) -> NDArray[np.bool_]:
    """Whether each customer has a touchpoint of `trail` from `start` to `end`, both inclusive.

    after: the place of the touchpoint that happened at `start`: of those at the same moment some stand before it.
    """
    if not len(trail):
        return np.zeros(len(after), bool)
    index = np.searchsorted(trail.place, after)
    hit = np.zeros(len(after), bool)
    for candidate in (index, index - 1):
        inside = np.clip(candidate, 0, len(trail) - 1)
        same = (candidate == inside) & (trail.place[inside] >> NUMBER_BITS == after >> NUMBER_BITS)
        moment = trail.moment[inside]
        hit |= same & (moment >= start) & (moment <= end)
    return hit

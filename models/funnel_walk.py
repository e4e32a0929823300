"""Funnels on sorted arrays: who took which steps, found by binary search instead of joins.

The same answer as the table macro `funnel_people` (`pipelines/macros/`), whose header says what a funnel is: that one is for
analysts in SQL, this one for a page that has to be there at once. Does not belong here: where the arrays come from
(`pipelines/explore/index.py`), counting and drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# A place is the rank of a customer and, in the lowest bits, the number of the touchpoint in the customer's total order.
NUMBER_BITS = 24
Places = NDArray[np.int64]
Moments = NDArray[np.int64]
Indexes = NDArray[np.int64]
NOWHERE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Trail:
    """Touchpoints of one or more types: `place` ascending, and `moment` in microseconds since 1970."""

    place: Places
    moment: Moments

    def __len__(self) -> int:
        return len(self.place)

    @cached_property
    def lasts(self) -> Indexes:
        """Indexes of each customer's last touchpoint."""
        if not len(self):
            return np.empty(0, np.int64)
        rank = self.place >> NUMBER_BITS
        return np.append(np.flatnonzero(rank[1:] != rank[:-1]), len(rank) - 1)


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
    nothing = np.empty(0, np.int64)
    largest, *others = sorted(trails, key=len, reverse=True) or [Trail(nothing, nothing)]
    for other in others:
        index = np.searchsorted(largest.place, other.place)
        new = np.append(largest.place, NOWHERE)[index] != other.place
        index = index[new]
        largest = Trail(
            np.insert(largest.place, index, other.place[new]), np.insert(largest.moment, index, other.moment[new])
        )
    return largest


def found_from(places: Places, start: Places) -> NDArray[np.int64]:
    """For each `start` the index of the first place at or after it of the same customer; `len(places)` where there is none."""
    if not len(places):
        return np.zeros(len(start), np.int64)
    index = np.searchsorted(places, start)
    inside = np.minimum(index, len(places) - 1)
    same = (index == inside) & ((places[inside] ^ start) >> NUMBER_BITS == 0)
    return np.where(same, index, len(places))


@dataclass
class Attempts:
    """Attempts under way: their entries, how far each came, and which touchpoints took the steps.

    taken: per step (attempts that took it, places, moments).
    """

    entries: Trail
    end: Moments
    barrier: Places | None
    depth: NDArray[np.int64]
    taken: list[tuple[Indexes, Places, Moments]]

    @classmethod
    def begin(cls, entries: Trail, window: int, excluded: Trail | None) -> Attempts:
        """Nobody has taken a step yet."""
        barrier = None
        if excluded is not None and len(excluded):
            barrier = np.append(excluded.place, NOWHERE)[found_from(excluded.place, entries.place)]
        return cls(entries, entries.moment + window, barrier, np.zeros(len(entries), np.int64), [])

    def take(self, alive: Indexes, place: Places, moment: Moments, more: NDArray[np.bool_] | None = None) -> Indexes:
        """The next step of the attempts `alive`, by these touchpoints, where window, exclusions and `more` allow it."""
        fits = moment <= self.end[alive]
        if self.barrier is not None:
            fits &= place < self.barrier[alive]
        if more is not None:
            fits &= more
        alive = alive[fits]
        self.taken.append((alive, place[fits], moment[fits]))
        self.depth[alive] = len(self.taken)
        return alive

    def best(self) -> Indexes:
        """Of each customer's attempts that took a step the deepest, of several the latest."""
        count = len(self.entries)
        if not count:
            return np.empty(0, np.int64)
        starts = np.append(0, self.entries.lasts[:-1] + 1)
        found = np.maximum.reduceat(self.depth * count + np.arange(count), starts) % count
        return found[self.depth[found] > 0]

    def put(self, chosen: Indexes, where: Indexes, size: int) -> tuple[list[Places], list[Moments]]:
        """Places and moments of each step of the attempts `chosen`, at `where` in arrays of `size`, 0 elsewhere."""
        slot = np.full(len(self.entries), -1, np.int64)
        slot[chosen] = where
        places: list[Places] = []
        moments: list[Moments] = []
        for alive, place, moment in self.taken:
            at = slot[alive]
            kept = at >= 0
            for column, values in ((places, place), (moments, moment)):
                filled = np.zeros(size, np.int64)
                filled[at[kept]] = values[kept]
                column.append(filled)
        return places, moments


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
    if mode == "unordered":
        return unordered(steps, window, excluded)
    first, second = steps[0], steps[1] if len(steps) > 1 else Trail(np.empty(0, np.int64), np.empty(0, np.int64))
    # An entry that another one follows before step 2 comes is never the one that counts: the other one's window ends later, and
    # it reaches all that this one does. So each touchpoint of step 2 has one entry, the last before it.
    entry = np.searchsorted(first.place, second.place) - 1
    met = np.flatnonzero(entry >= 0)
    entry = entry[met]
    same = (first.place[entry] ^ second.place[met]) >> NUMBER_BITS == 0
    same[1:] &= entry[1:] != entry[:-1]
    entry, met = entry[same], met[same]
    attempts = Attempts.begin(Trail(first.place[entry], first.moment[entry]), window, excluded)
    alive = attempts.take(np.arange(len(entry)), attempts.entries.place, attempts.entries.moment)
    for number, step in enumerate(steps[1:], start=2):
        start = attempts.taken[-1][1] + 1
        index = met if number == 2 else found_from(step.place, start)
        there = index < len(step)
        index, start, alive = index[there], start[there], alive[there]
        place = step.place[index]
        gap = place - start == ignored_between(ignored, start, place) if mode == "strict" else None
        alive = attempts.take(alive, place, step.moment[index], gap)
    # Everybody who entered: by the last entry, and who came further by that attempt.
    rank = first.place[first.lasts] >> NUMBER_BITS
    best = attempts.best()
    best = best[attempts.depth[best] > 1]
    where = np.searchsorted(rank, attempts.entries.place[best] >> NUMBER_BITS)
    places, moments = attempts.put(best, where, len(rank))
    depth = np.ones(len(rank), np.int64)
    depth[where] = attempts.depth[best]
    for column, values in ((places, first.place), (moments, first.moment)):
        alone = values[first.lasts]
        alone[where] = column[0][where]
        column[0] = alone
    return People(rank, moments[0], depth, places, moments)


def unordered(steps: Sequence[Trail], window: int, excluded: Trail | None) -> People:
    """The same where the steps may come in any order: an attempt begins with any of them, and step k counts when steps 1 to k
    happened."""
    largest = max(range(len(steps)), key=lambda number: len(steps[number]))
    others = [step for number, step in enumerate(steps) if number != largest]
    attempts = Attempts.begin(merged([before_others(steps[largest], others), *others]), window, excluded)
    alive = np.arange(len(attempts.entries))
    for step in steps:
        index = found_from(step.place, attempts.entries.place[alive])
        there = index < len(step)
        index, alive = index[there], alive[there]
        alive = attempts.take(alive, step.place[index], step.moment[index])
    best = attempts.best()
    places, moments = attempts.put(best, np.arange(len(best)), len(best))
    entries = attempts.entries
    return People(entries.place[best] >> NUMBER_BITS, entries.moment[best], attempts.depth[best], places, moments)


def before_others(many: Trail, others: Sequence[Trail]) -> Trail:
    """Of `many` the last before each touchpoint of `others`, and each customer's last: no other can be the entry that counts,
    because one of its own kind follows it before anything else of the funnel happens."""
    kept = np.zeros(len(many), bool)
    kept[many.lasts] = True
    for other in others:
        before = np.searchsorted(many.place, other.place) - 1
        # of another customer: that one's last, which is kept already
        kept[before[before >= 0]] = True
    return Trail(many.place[kept], many.moment[kept])


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

"""Funnels on sorted arrays: who took which steps, by looking things up instead of joining them.

The same answer as the table macro `funnel_people` (`pipelines/macros/`), whose header says what a funnel is: that one is for
analysts in SQL, this one for a page that has to be there at once. Does not belong here: where the arrays come from
(`pipelines/explore/index.py`), counting and drawing.

All touchpoints stand in one order: by customer, and each customer's in the total order. A touchpoint's *place* is its number in
that order. Searches go forward, so where a block of touchpoints is asked for in bulk, one table per step says for every place
which of the step's touchpoints comes next: a look-up costs a few nanoseconds, a binary search ten times that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
Moments = NDArray[np.int64]
# From how many questions per place of the block a table pays; below, each is a binary search.
TABLE_SHARE = 1 / 12


@dataclass(frozen=True)
class Block:
    """The touchpoints of some customers, places 0, 1, … in order.

    customer: the customer of each place, ascending, a whole number from `first` on. moment: of each place, microseconds since
    1970. bounds: where each customer's touchpoints begin, and the end of the last one's: customer `first + k` has the places
    from `bounds[k]` to before `bounds[k + 1]`, which may be none.
    """

    customer: NDArray[np.integer]
    moment: Moments
    bounds: Places
    first: int = 0

    def __len__(self) -> int:
        return len(self.moment)

    def number(self, places: Places) -> Places:
        """The customers of these places, counted from 0 within the block."""
        return np.subtract(self.customer.take(places), self.first, dtype=np.intp)


class Trail:
    """Touchpoints of one or more types in a block of `size` places: `places`, ascending."""

    def __init__(self, places: Places, size: int) -> None:
        self.places = places
        self.size = size

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def _padded(self) -> Places:
        return np.append(self.places, self.size)

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        """For each place 0 to `size` the index of the first of the trail at or after it."""
        gaps = self._padded.copy()
        gaps[1:] -= self._padded[:-1]
        gaps[0] += 1
        return np.repeat(np.arange(len(gaps), dtype=np.int32), gaps)

    def index(self, places: Places) -> NDArray[np.integer]:
        """For each of `places` (0 to `size`) the index of the first of the trail at or after it; `len(self)` where none is."""
        if len(places) < self.size * TABLE_SHARE and "_table" not in self.__dict__:
            return np.searchsorted(self.places, places)
        return self._table.take(places)

    def following(self, places: Places) -> Places:
        """For each of `places` the first of the trail at or after it; `size` where there is none."""
        return self._padded.take(self.index(places))


@dataclass(frozen=True)
class People:
    """One entry per customer who entered, ascending by customer.

    customer: number in the block. entry: the place where the attempt that counts began. step_count: steps taken. places: per step
    the touchpoints that took it, of those who took it (`step_count` at least the step's number), in the same order.
    """

    customer: Places
    entry: Places
    step_count: NDArray[np.int8]
    places: list[Places]


def merged(trails: Sequence[Trail], size: int) -> Trail:
    """Several trails of a block as one."""
    if len(trails) == 1:
        return trails[0]
    there = np.zeros(size, bool)
    for trail in trails:
        there[trail.places] = True
    return Trail(np.flatnonzero(there), size)


def last_of_each(block: Block, trail: Trail) -> tuple[Places, Places]:
    """Customers (numbers in the block) that have a touchpoint of the trail, and the last one of each."""
    if not len(trail):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    customer = block.customer.take(trail.places)
    last = trail.places.take(np.append(np.flatnonzero(customer[1:] != customer[:-1]), len(trail) - 1))
    return block.number(last), last


class Attempts:
    """Attempts under way, as places where they began: how far each may go, and which touchpoints took its steps."""

    def __init__(self, block: Block, entries: Places, window: int, excluded: Trail | None) -> None:
        self.block = block
        self.entries = entries
        self.customer = block.number(entries)
        # no step is taken at or after this place: where the next customer begins, or where an exclusion stands
        self._barrier = block.bounds.take(self.customer + 1)
        if excluded is not None and len(excluded):
            self._barrier = np.minimum(self._barrier, excluded.following(entries))
        self._end = block.moment.take(entries) + window
        self.alive = np.arange(len(entries))
        # per step the attempts that took it, and the places where
        self.taken: list[tuple[Places, Places]] = []

    def take(self, place: Places, more: NDArray[np.bool_] | None = None) -> Places:
        """The attempts still alive take their next step at these places, where barrier, window and `more` allow it; returns the
        places of those that did."""
        fits = place < self._barrier
        fits &= self.block.moment.take(place, mode="clip") <= self._end
        if more is not None:
            fits &= more
        kept = np.flatnonzero(fits)
        if len(kept) < len(place):
            place = place.take(kept)
            self.alive = self.alive.take(kept)
            self._barrier = self._barrier.take(kept)
            self._end = self._end.take(kept)
        self.taken.append((self.alive, place))
        return place

    def best(self, customers: int, started: int) -> tuple[Places, NDArray[np.int8]]:
        """Of each customer's attempts the deepest, of several the latest, -1 where none took a step; and the steps it took.

        started: steps that every attempt had taken before the first of `taken`.
        """
        found = np.full(customers, -1, np.intp)
        depth = np.zeros(customers, np.int8)
        for step, (alive, _) in enumerate(self.taken, start=1 + started):
            # ascending by entry: of several the last one, the latest, stays
            whose = self.customer.take(alive)
            found[whose] = alive
            depth[whose] = step
        return found, depth

    def places(self, chosen: Places, depth: NDArray[np.int8], started: int) -> list[Places]:
        """Per step of `taken` the places of the attempts `chosen` (ascending) that took it, `depth` being how far they came."""
        at = np.empty(len(self.entries), np.intp)
        found: list[Places] = []
        for step, (alive, place) in enumerate(self.taken, start=1 + started):
            at[alive] = place
            found.append(at.take(chosen[depth >= step]))
        return found


def people(
    block: Block,
    steps: Sequence[Trail],
    window: int,
    mode: str = "ordered",
    excluded: Trail | None = None,
    ignored: Trail | None = None,
) -> People:
    """Everybody of the block who entered, each by the deepest attempt, of several the latest.

    window: microseconds from the entry, inclusive. mode: ordered, strict or unordered. excluded: touchpoints that end an attempt.
    ignored: for strict, touchpoints that may stand between two steps although nothing else may.
    """
    if mode == "unordered":
        return unordered(block, steps, window, excluded)
    first, second = steps[0], steps[1] if len(steps) > 1 else Trail(np.empty(0, np.intp), len(block))
    entries, met = entries_met(first, second)
    attempts = Attempts(block, entries, window, excluded)
    place = entries
    for number, step in enumerate(steps[1:], start=2):
        start = place + 1
        place = met if number == 2 else step.following(start)
        gap = None
        if mode == "strict":
            gap = place - start == (0 if ignored is None else ignored.index(place) - ignored.index(start))
        place = attempts.take(place, gap)
    # Everybody who entered: by the last entry, and who came further by the attempt that did.
    customer, entry = last_of_each(block, first)
    best, depth = attempts.best(len(block.bounds) - 1, started=1)
    best, depth = best.take(customer), np.maximum(depth.take(customer), np.int8(1))
    further = np.flatnonzero(best >= 0)
    chosen = best.take(further)
    entry[further] = entries.take(chosen)
    return People(customer, entry, depth, [entry, *attempts.places(chosen, depth.take(further), started=1)])


def entries_met(first: Trail, second: Trail) -> tuple[Places, Places]:
    """The entries that step 2 follows, each with the touchpoint of step 2 that comes next (which may be another customer's).

    An entry that another one follows before step 2 comes is never the one that counts: the other one's window ends later, and it
    reaches all that this one does. So each touchpoint of step 2 has one entry, the last before it.
    """
    if not len(first) or not len(second):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    index = first.index(second.places) - 1
    new = np.empty(len(index), bool)
    new[0] = index[0] >= 0
    # nothing stands before the first ones; of an entry's several the first counts
    np.not_equal(index[1:], index[:-1], out=new[1:])
    kept = np.flatnonzero(new)
    return first.places.take(index.take(kept)), second.places.take(kept)


def unordered(block: Block, steps: Sequence[Trail], window: int, excluded: Trail | None) -> People:
    """The same where the steps may come in any order: an attempt begins with any of them, and step k counts when steps 1 to k
    happened."""
    attempts = Attempts(block, unordered_entries(block, steps), window, excluded)
    for step in steps:
        attempts.take(step.following(attempts.entries.take(attempts.alive)))
    best, depth = attempts.best(len(block.bounds) - 1, started=0)
    customer = np.flatnonzero(best >= 0)
    best, depth = best.take(customer), depth.take(customer)
    return People(customer, attempts.entries.take(best), depth, attempts.places(best, depth, started=0))


def unordered_entries(block: Block, steps: Sequence[Trail]) -> Places:
    """Where an attempt may begin that counts: at each touchpoint of the steps, but of the most frequent step only at the last
    before each touchpoint of the others and at each customer's last: no other can be the entry that counts, because one of its
    own kind follows it before anything else of the funnel happens."""
    there = np.zeros(len(block), bool)
    many = max(steps, key=len)
    for other in steps:
        if other is many:
            continue
        there[other.places] = True
        before = many.index(other.places) - 1
        # of another customer: that one's last, which is kept anyway
        there[many.places.take(before[before >= 0])] = True
    there[last_of_each(block, many)[1]] = True
    return np.flatnonzero(there)


def took(block: Block, trail: Trail, after: Places, start: Moments, end: Moments) -> NDArray[np.bool_]:
    """Whether each customer has a touchpoint of `trail` from `start` to `end`, both inclusive.

    after: the place of the touchpoint that happened at `start`: of those at the same moment some stand before it.
    """
    hit = np.zeros(len(after), bool)
    if not len(trail):
        return hit
    index = trail.index(after)
    customer = block.customer.take(after)
    for candidate in (index, index - 1):
        place = trail.places.take(candidate, mode="clip")
        moment = block.moment.take(place)
        hit |= (block.customer.take(place) == customer) & (moment >= start) & (moment <= end)
    return hit

"""A funnel answered from the index of a release: the same `Answer` as `pipelines.funnel.ask` gives from its tables, at once.

Does not belong here: reading the question (`pipelines/funnel.py`), the search (`models/funnel_walk.py`), pages (`funnels.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.funnel_walk import people, took
from models.interval import wilson
from pipelines.explore.index import Index, Part
from pipelines.funnel import SEGMENTS, Answer, Question

DAY = 86_400_000_000
EPOCH = dt.datetime(1970, 1, 1)
ALL, OTHER = "(all)", "(other)"
QUANTILES = (0.25, 0.5, 0.75, 0.9)
SPREAD = (
    "seconds_from_entry_quarter",
    "median_seconds_from_entry",
    "seconds_from_entry_three_quarters",
    "seconds_from_entry_nine_tenths",
)
# Mean and QUANTILES of the seconds from entry to a step.
Spread = tuple[float | None, list[float | None]]
NOBODY: Spread = (None, [None] * len(QUANTILES))


@dataclass(frozen=True)
class Walked:
    """The people of a question, ascending by customer.

    customer: rank. entered: microseconds since 1970. step_count: steps taken. is_over: whether the window is over at the data
    date. segment: number of the entry's value of the column to divide by, 0 without one. moments: per step when it was taken, of
    those who took it. taken: per optional step whether it was taken, of those who took the step before it.
    """

    customer: NDArray[np.intp]
    entered: NDArray[np.int64]
    step_count: NDArray[np.int8]
    is_over: NDArray[np.bool_]
    segment: NDArray[np.integer]
    moments: list[NDArray[np.int64]]
    taken: list[NDArray[np.bool_]]
    last_step: int

    @property
    def is_converted(self) -> NDArray[np.bool_]:
        """Whether all steps were taken."""
        return self.step_count == self.last_step

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Whether they may still be."""
        return ~self.is_converted & ~self.is_over


def codes(types: tuple[str, ...]) -> list[int]:
    """Codes of touchpoint types."""
    return [load_catalogue()[name].code for name in types]


def window_of(question: Question) -> int:
    """The window in microseconds, rounded as the macro does."""
    return round(question.window_days * DAY)


def walk(index: Index, question: Question, by: str = "") -> Walked:
    """Who took which steps; `by` is one of the columns of the index."""
    steps = [codes(step) for step in question.steps]
    excluded = codes(question.exclusions)
    ignored = None
    if question.considered:
        named = {*question.considered, *question.exclusions, *(name for step in question.steps for name in step)}
        ignored = [entry.code for name, entry in load_catalogue().items() if name not in named]
    window = window_of(question)

    def look(part: Part) -> Walked:
        block = part.block
        found = people(
            block,
            [part.trail(step) for step in steps],
            window,
            question.mode,
            part.trail(excluded) if excluded else None,
            part.trail(ignored) if ignored else None,
        )
        depth, entered = found.step_count, block.moment.take(found.entry)
        moments = [block.moment.take(places) for places in found.places]
        taken = []
        for after, types in question.optional:
            reached = np.flatnonzero(depth >= after)
            end = entered.take(reached) + window
            if after < len(steps):
                end[depth.take(reached) > after] = moments[after]
            taken.append(took(block, part.trail(codes(types)), found.places[after - 1], moments[after - 1], end))
        segment = part.values(by, found.places[0]) if by else np.zeros(len(entered), np.int8)
        return Walked(
            found.customer + block.first,
            entered,
            depth,
            entered < index.until - window,
            segment,
            moments,
            taken,
            len(steps),
        )

    return together(index.each(look), len(steps), len(question.optional))


def together(parts: list[Walked], steps: int, optional: int) -> Walked:
    """The people of all blocks."""

    def column(of: Callable[[Walked], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([of(part) for part in parts]) if parts else np.empty(0, np.int64)

    return Walked(
        column(lambda part: part.customer),
        column(lambda part: part.entered),
        column(lambda part: part.step_count),
        column(lambda part: part.is_over),
        column(lambda part: part.segment),
        [column(lambda part, n=n: part.moments[n]) for n in range(steps)],  # type: ignore[misc]
        [column(lambda part, n=n: part.taken[n]) for n in range(optional)],  # type: ignore[misc]
        steps,
    )


def answer(index: Index, question: Question, by: str = "", trend: bool = False) -> Answer:
    """Count a funnel; `by` is one of the columns of the index."""
    walked = walk(index, question, by)
    return Answer(
        question,
        step_rows(index, question, walked, by),
        optional_rows(question, walked),
        trend_rows(walked) if trend else [],
    )


def segments(index: Index, walked: Walked, by: str) -> tuple[NDArray[np.int8], list[str]]:
    """The segment of each person as a number, and the names: the largest by name, the others together."""
    if not by:
        return np.zeros(len(walked.entered), np.int8), [ALL]
    words = index.words(by)
    sizes = np.bincount(walked.segment, minlength=len(words))
    ranked = sorted(np.flatnonzero(sizes), key=lambda number: (-sizes[number], words[number]))
    kept = ranked[:SEGMENTS]
    place = np.full(len(words), len(kept), np.int8)
    place[kept] = np.arange(len(kept))
    return place.take(walked.segment), [*(words[number] for number in kept), OTHER]


def step_rows(index: Index, question: Question, walked: Walked, by: str) -> list[dict[str, Any]]:
    """One row per segment and step, as `pipelines.funnel.step_rows`."""
    group, names = segments(index, walked, by)
    last = walked.last_step
    depths = 2 * (last + 1)
    key = 2 * walked.step_count.astype(np.intp) + walked.is_over + depths * group.astype(np.intp)
    # per segment by depth, those whose window is over and the others; then who came at least so far
    counted = np.bincount(key, minlength=depths * len(names)).reshape(len(names), last + 1, 2)
    counted = counted[:, ::-1].cumsum(axis=1)[:, ::-1]
    spreads = index.spread(
        [partial(spread, walked, group, len(names), step, question.mode) for step in range(1, last + 1)]
    )
    rows: list[tuple[int, str, list[dict[str, Any]]]] = []
    for number, name in enumerate(names):
        if counted[number, 1].any():
            steps = segment_rows(question, name, counted[number], [found[number] for found in spreads])
            rows.append((-sum(row["reached_count"] for row in steps), name, steps))
    return [row for _, _, steps in sorted(rows, key=lambda item: item[:2]) for row in steps]


def segment_rows(
    question: Question,
    segment: str,
    counted: NDArray[np.int64],
    spreads: list[Spread],
) -> list[dict[str, Any]]:
    """The steps of one segment. counted: per depth from 0 who came at least so far, window not over and over."""
    last = len(question.steps)
    reached, decided = counted.sum(axis=1), counted[:, 1]
    rows = []
    for step in range(1, last + 1):
        # who stopped at a step: of them the window is over, or not yet
        stopped = int(reached[step] - (reached[step + 1] if step < last else 0))
        over = int(decided[step] - (decided[step + 1] if step < last else 0))
        previous = int(decided[step - 1]) if step > 1 else 0
        low, high = wilson(int(decided[step]), previous) if previous else (None, None)
        mean, quarters = spreads[step - 1]
        rows.append(
            {
                "segment": segment, "step_number": step, "touchpoint_type": "|".join(question.steps[step - 1]),
                "reached_count": int(reached[step]), "dropped_count": over if step < last else 0,
                "open_count": stopped - over if step < last else 0,
                "previous_share": int(decided[step]) / previous if previous else None,
                "previous_share_low": None if low is None else float(low),
                "previous_share_high": None if high is None else float(high),
                "entered_share": int(decided[step]) / int(decided[1]) if decided[1] else None,
                "mean_seconds_from_entry": mean, **dict(zip(SPREAD, quarters, strict=True)),
            }
        )  # fmt: skip
    return rows


def spread(walked: Walked, group: NDArray[np.int8], groups: int, step: int, mode: str) -> list[Spread]:
    """Per group mean and quantiles of the seconds from entry to a step, of those who took it."""
    reached = np.flatnonzero(walked.step_count >= step)
    group = group.take(reached)
    sizes = np.bincount(group, minlength=groups)
    if step == 1 and mode != "unordered":
        return [(0.0, [0.0] * len(QUANTILES)) if size else NOBODY for size in sizes]
    seconds = (walked.moments[step - 1] - walked.entered.take(reached)) / 1e6
    if groups > 1:
        # people of a group beside each other, so that each is one slice
        seconds = seconds.take(np.argsort(group, kind="stable"))
    pieces = np.split(seconds, np.cumsum(sizes)[:-1])
    return [(float(piece.mean()), quantiles(piece)) if len(piece) else NOBODY for piece in pieces]


def quantiles(values: NDArray[np.float64]) -> list[float | None]:
    """QUANTILES of `values` (at least one), between two of them in proportion; puts `values` into another order."""
    positions = np.array(QUANTILES) * (len(values) - 1)
    below = positions.astype(np.intp)
    above = np.minimum(below + 1, len(values) - 1)
    values.partition(np.unique(np.concatenate([below, above])))
    found: list[float | None] = (values[below] + (values[above] - values[below]) * (positions - below)).tolist()
    return found


def optional_rows(question: Question, walked: Walked) -> list[dict[str, Any]]:
    """How many took each optional step, as `pipelines.funnel.optional_rows`."""
    rows = []
    for (after, types), taken in zip(question.optional, walked.taken, strict=True):
        converted = walked.is_converted[walked.step_count >= after]
        rows.append(
            {
                "touchpoint_type": "|".join(types), "after_step_number": after, "reached_count": len(taken),
                "taken_count": int(taken.sum()), "taken_share": float(taken.sum() / len(taken)) if len(taken) else None,
                "converted_count": int((taken & converted).sum()),
            }
        )  # fmt: skip
    return rows


def trend_rows(walked: Walked) -> list[dict[str, Any]]:
    """Per week of entry, as `pipelines.funnel.trend_rows`."""
    # 1970-01-01 was a Thursday: weeks since Monday 1969-12-29
    week = (walked.entered // DAY + 3) // 7
    if not len(week):
        return []
    first = int(week.min())
    week -= first
    # per week by what became of them: 0 neither, 1 converted, 2 window over, 3 both
    counted = np.bincount(4 * week + walked.is_converted + 2 * walked.is_over).tolist()
    counted += [0] * (-len(counted) % 4)
    rows = []
    for number in range(len(counted) // 4):
        opened, early, lost, won = counted[4 * number : 4 * number + 4]
        entered, decided = opened + early + lost + won, lost + won
        if not entered:
            continue
        low, high = wilson(won, decided) if decided else (None, None)
        rows.append(
            {
                "week_date": (EPOCH + dt.timedelta(days=(number + first) * 7 - 3)).date(),
                "entered_count": entered, "converted_count": early + won, "open_count": opened,
                "converted_share": won / decided if decided else None,
                "converted_share_low": None if low is None else float(low),
                "converted_share_high": None if high is None else float(high),
            }
        )  # fmt: skip
    return rows


def person_rows(
    index: Index, question: Question, step: int, state: str, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The people who reached, dropped at or are open at a step, the latest entry first, at most `limit`; and how many."""
    walked = walk(index, question)
    depth = walked.step_count
    wanted = {
        "reached": depth >= step,
        "dropped": (depth == step) & ~walked.is_converted & ~walked.is_open,
        "open": (depth == step) & walked.is_open,
    }[state]
    chosen = np.flatnonzero(wanted)
    total = len(chosen)
    entered = walked.entered[chosen]
    if total > limit:
        # all at least as late as the last one shown: with the ties, which the id then orders
        latest = np.partition(entered, total - limit)[total - limit]
        kept = entered >= latest
        chosen, entered = chosen[kept], entered[kept]
    ids = index.customer_ids[walked.customer[chosen]]
    order = np.lexsort((ids, -entered))[:limit]
    return [
        {
            "customer_id": int(ids[n]),
            "entered_at": EPOCH + dt.timedelta(microseconds=int(entered[n])),
            "step_count": int(depth[chosen[n]]),
            "is_converted": bool(walked.is_converted[chosen[n]]),
        }
        for n in order
    ], total

"""A funnel answered from the index of a release: the same `Answer` as `pipelines.funnel.ask` gives from its tables, at once.

Does not belong here: reading the question (`pipelines/funnel.py`), the search (`models/funnel_walk.py`), pages (`funnels.py`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.funnel_walk import People, people, took
from models.interval import wilson
from pipelines.explore.index import Index
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


@dataclass(frozen=True)
class Walked:
    """The people of a question, and of each whether converted, still open, and whether the window is over at the data date."""

    people: People
    is_converted: NDArray[np.bool_]
    is_open: NDArray[np.bool_]
    is_over: NDArray[np.bool_]


def codes(types: tuple[str, ...]) -> list[int]:
    """Codes of touchpoint types."""
    return [load_catalogue()[name].code for name in types]


def window_of(question: Question) -> int:
    """The window in microseconds, rounded as the macro does."""
    return round(question.window_days * DAY)


def walk(index: Index, question: Question) -> Walked:
    """Who took which steps."""
    steps = [index.trail(codes(step)) for step in question.steps]
    excluded = index.trail(codes(question.exclusions))
    ignored = None
    if question.considered:
        named = {*question.considered, *question.exclusions, *(name for step in question.steps for name in step)}
        ignored = index.trail([entry.code for name, entry in load_catalogue().items() if name not in named]).place
    window = window_of(question)
    found = people(steps, window, question.mode, excluded, ignored)
    is_converted = found.step_count == len(steps)
    is_over = found.entered + window < index.until
    return Walked(found, is_converted, ~is_converted & ~is_over, is_over)


def answer(index: Index, question: Question, by: str = "", trend: bool = False) -> Answer:
    """Count a funnel; `by` is one of the columns of the index."""
    walked = walk(index, question)
    return Answer(
        question,
        step_rows(index, question, walked, by),
        optional_rows(index, question, walked),
        trend_rows(walked) if trend else [],
    )


def segments(index: Index, question: Question, walked: Walked, by: str) -> tuple[NDArray[np.int64], list[str]]:
    """The segment of each person as a number, and the names: the largest by name, the others together."""
    if not by:
        return np.zeros(len(walked.people.rank), np.int64), [ALL]
    found, words = index.values(by, codes(question.steps[0]), walked.people.places[0])
    sizes = np.bincount(found, minlength=len(words))
    ranked = sorted(np.flatnonzero(sizes), key=lambda number: (-sizes[number], words[number]))
    kept = ranked[:SEGMENTS]
    place = np.full(len(words), len(kept), np.int64)
    place[kept] = np.arange(len(kept))
    return place[found], [*(words[number] for number in kept), OTHER]


def step_rows(index: Index, question: Question, walked: Walked, by: str) -> list[dict[str, Any]]:
    """One row per segment and step, as `pipelines.funnel.step_rows`."""
    group, names = segments(index, question, walked, by)
    found = walked.people
    # people of a segment beside each other, so that each segment is one slice
    order = np.argsort(group.astype(np.int16), kind="stable") if by else slice(None)
    ends = np.cumsum(np.bincount(group, minlength=len(names)))
    depth, entered, is_over = found.step_count[order], found.entered[order], walked.is_over[order]
    moments = [moment[order] for moment in found.moments]
    rows: list[tuple[int, str, list[dict[str, Any]]]] = []
    for number, name in enumerate(names):
        mine = slice(int(ends[number - 1]) if number else 0, int(ends[number]))
        if mine.stop > mine.start:
            steps = segment_rows(question, name, depth[mine], entered[mine], is_over[mine], [m[mine] for m in moments])
            rows.append((-sum(row["reached_count"] for row in steps), name, steps))
    return [row for _, _, steps in sorted(rows, key=lambda item: item[:2]) for row in steps]


def segment_rows(
    question: Question,
    segment: str,
    depth: NDArray[np.int64],
    entered: NDArray[np.int64],
    is_over: NDArray[np.bool_],
    moments: list[NDArray[np.int64]],
) -> list[dict[str, Any]]:
    """The steps of one segment."""
    last = len(question.steps)
    # by depth, those whose window is over and the others
    counted = np.bincount(2 * depth + is_over, minlength=2 * last + 2).reshape(-1, 2)[::-1].cumsum(axis=0)[::-1]
    reached, decided = counted.sum(axis=1), counted[:, 1]
    rows = []
    for step in range(1, last + 1):
        # who stopped at a step: of them the window is over, or not yet
        stopped = int(reached[step] - (reached[step + 1] if step < last else 0))
        over = int(decided[step] - (decided[step + 1] if step < last else 0))
        previous = int(decided[step - 1]) if step > 1 else 0
        low, high = wilson(int(decided[step]), previous) if previous else (None, None)
        mean, quarters = spread(moments[step - 1], entered, depth, step, question.mode)
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


def spread(
    moment: NDArray[np.int64], entered: NDArray[np.int64], depth: NDArray[np.int64], step: int, mode: str
) -> tuple[float | None, list[float | None]]:
    """Mean and quantiles of the seconds from entry to a step, of those who took it."""
    if step == 1 and mode != "unordered" and len(depth):
        return 0.0, [0.0] * len(QUANTILES)
    reached = depth >= step
    seconds = (moment[reached] - entered[reached]) / 1e6
    if not len(seconds):
        return None, [None] * len(QUANTILES)
    return float(seconds.mean()), np.quantile(seconds, QUANTILES).tolist()


def optional_rows(index: Index, question: Question, walked: Walked) -> list[dict[str, Any]]:
    """How many took each optional step, as `pipelines.funnel.optional_rows`."""
    found = walked.people
    rows = []
    for after, types in question.optional:
        reached = found.step_count >= after
        start = found.moments[after - 1][reached]
        end = found.entered[reached] + window_of(question)
        if after < len(question.steps):
            went_on = found.step_count[reached] > after
            end = np.where(went_on, found.moments[after][reached], end)
        taken = took(index.trail(codes(types)), found.places[after - 1][reached], start, end)
        count = int(reached.sum())
        rows.append(
            {
                "touchpoint_type": "|".join(types), "after_step_number": after, "reached_count": count,
                "taken_count": int(taken.sum()), "taken_share": float(taken.sum() / count) if count else None,
                "converted_count": int((taken & walked.is_converted[reached]).sum()),
            }
        )  # fmt: skip
    return rows


def trend_rows(walked: Walked) -> list[dict[str, Any]]:
    """Per week of entry, as `pipelines.funnel.trend_rows`."""
    # 1970-01-01 was a Thursday: weeks since Monday 1969-12-29
    week = (walked.people.entered // DAY + 3) // 7
    if not len(week):
        return []
    first = int(week.min())
    week -= first

    def counted(which: NDArray[np.bool_] | None) -> list[int]:
        found: list[int] = np.bincount(week if which is None else week[which], minlength=int(week.max()) + 1).tolist()
        return found

    columns = (None, walked.is_converted, walked.is_open, walked.is_over, walked.is_over & walked.is_converted)
    rows = []
    for number, (entered, converted, opened, decided, won) in enumerate(zip(*map(counted, columns), strict=True)):
        if not entered:
            continue
        low, high = wilson(won, decided) if decided else (None, None)
        rows.append(
            {
                "week_date": (EPOCH + dt.timedelta(days=(number + first) * 7 - 3)).date(),
                "entered_count": entered, "converted_count": converted, "open_count": opened,
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
    depth = walked.people.step_count
    wanted = {
        "reached": depth >= step,
        "dropped": (depth == step) & ~walked.is_converted & ~walked.is_open,
        "open": (depth == step) & walked.is_open,
    }[state]
    chosen = np.flatnonzero(wanted)
    total = len(chosen)
    entered = walked.people.entered[chosen]
    if total > limit:
        # all at least as late as the last one shown: with the ties, which the id then orders
        latest = np.partition(entered, total - limit)[total - limit]
        kept = entered >= latest
        chosen, entered = chosen[kept], entered[kept]
    ids = index.customer_ids[walked.people.rank[chosen]]
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

"""Funnels asked on the spot: the question in words, its answer from the released file through the macro `funnel_people`.

Belongs here: reading the question, counting, comparing. Does not belong here: what a funnel is (`macros/funnel_people.sql`), the
statistics (`models/statistics.py`), printing (`commands/journeys.py`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from models.catalogue import UNMAPPED, load_catalogue
from models.contract import load_contracts
from models.interval import share_difference, wilson
from models.naming import nearest
from pipelines.macros import load_macros

MAX_STEPS = 8
UNITS = {"m": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0}
LONGEST_WINDOW_DAYS = 36_500
MODES = ("ordered", "strict", "unordered")
SEGMENTS = 12


class FunnelError(ValueError):
    """A funnel that cannot be asked; the text says what is wrong and what would be valid."""


@dataclass(frozen=True)
class Question:
    """A funnel: `steps` (each one or more types), `optional` as (number of the step before, types), window in days."""

    steps: tuple[tuple[str, ...], ...]
    window_days: float = 7.0
    mode: str = "ordered"
    exclusions: tuple[str, ...] = ()
    optional: tuple[tuple[int, tuple[str, ...]], ...] = ()
    considered: tuple[str, ...] = ()

    @property
    def call(self) -> str:
        """The macro call that gives the people."""
        steps = _list("|".join(step) for step in self.steps)
        return (
            f"funnel_people({steps}, window_days := {self.window_days!r}, mode := '{self.mode}', "
            f"exclusions := {_list(self.exclusions)}, considered := {_list(self.considered)})"
        )


@dataclass
class Answer:
    """What a funnel gives: one dict per row of each table, names as in `funnel_step`. Times in seconds."""

    question: Question
    steps: list[dict[str, Any]]
    optional: list[dict[str, Any]]
    trend: list[dict[str, Any]] = field(default_factory=list)
    comparison: dict[str, Any] | None = None


def read_question(
    text: str, window: str = "7d", mode: str = "ordered", exclusions: Sequence[str] = (), considered: Sequence[str] = ()
) -> Question:
    """A funnel from words: "ad_click > page_view|landing_page_view > [site_search] > order_placed".

    `|` gives a step several types; a step in brackets is optional: counted, but nobody has to take it. Raises FunnelError with
    the nearest valid name.
    """
    if mode not in MODES:
        raise FunnelError(f"mode {mode!r} is not one of {', '.join(MODES)}{nearest(mode, MODES)}")
    steps: list[tuple[str, ...]] = []
    optional: list[tuple[int, tuple[str, ...]]] = []
    for part in (part.strip() for part in text.split(">")):
        is_optional = part.startswith("[") and part.endswith("]")
        types = tuple(known_type(name.strip()) for name in part.strip("[]").split("|"))
        if is_optional:
            if not steps:
                raise FunnelError(f"{part}: the first step is the entry, so it cannot be optional")
            optional.append((len(steps), types))
        else:
            steps.append(types)
    if not 2 <= len(steps) <= MAX_STEPS:
        raise FunnelError(
            f"a funnel has 2 to {MAX_STEPS} steps that have to be taken; found {len(steps)} in {text[:100]!r}"
        )
    left_out = tuple(known_type(name) for name in exclusions)
    both = sorted({name for step in steps for name in step} & set(left_out))
    if both:
        raise FunnelError(f"{both[0]!r} is both a step and an exclusion")
    considered = [known_type(name) for name in considered]
    if mode == "strict" and optional:
        # What is optional may stand between two steps; everything else may not.
        allowed = {name for _, types in optional for name in types}
        considered = [name for name in considered or load_catalogue() if name not in allowed]
    return Question(tuple(steps), read_window(window), mode, left_out, tuple(optional), tuple(considered))


def read_window(text: str) -> float:
    """Days in '7d', '12h', '30m' or '2w'. Raises FunnelError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([mhdw])", text.strip(), re.ASCII)
    if match is None or float(match.group(1)) <= 0:
        raise FunnelError(f"window {text[:40]!r} is not a time above zero such as 30m, 12h, 7d or 2w")
    days = float(match.group(1)) * UNITS[match.group(2)]
    if days > LONGEST_WINDOW_DAYS:
        raise FunnelError(f"window {text[:40]!r} is longer than {LONGEST_WINDOW_DAYS} days")
    return days


def known_type(name: str) -> str:
    """`name` when it is a touchpoint type; FunnelError with the nearest one otherwise."""
    valid = [known for known in load_catalogue() if known != UNMAPPED]
    if name not in valid:
        raise FunnelError(f"{name[:60]!r} is not a touchpoint type{nearest(name, valid)}")
    return name


def configured_question(con: duckdb.DuckDBPyConnection, name: str) -> Question:
    """The funnel of the release's configuration with this name. Raises FunnelError with the nearest one."""
    rows = con.execute(
        "select mode, window_seconds / 86400.0, touchpoint_type from funnel_definition where funnel = ? order by step_number",
        [name],
    ).fetchall()
    if not rows:
        known = [row[0] for row in con.execute("select distinct funnel from funnel_definition order by 1").fetchall()]
        raise FunnelError(f"{name!r} is neither a configured funnel nor steps with > between{nearest(name, known)}")
    others: dict[str, list[tuple[str, int | None]]] = {}
    for role, kind, number in con.execute(
        "select funnel_role, touchpoint_type.touchpoint_type, step_number from funnel_touchpoint_type"
        " join touchpoint_type using (touchpoint_type_code) where funnel = ? order by touchpoint_type_code",
        [name],
    ).fetchall():
        others.setdefault(role, []).append((kind, number))
    return Question(
        steps=tuple((kind,) for _, _, kind in rows),
        window_days=float(rows[0][1]),
        mode=str(rows[0][0]),
        exclusions=tuple(kind for kind, _ in others.get("exclusion", [])),
        optional=tuple((int(number or 1), (kind,)) for kind, number in others.get("optional", [])),
        considered=tuple(kind for kind, _ in others.get("between", [])),
    )


def segment_columns() -> list[str]:
    """Columns of `touchpoint` a funnel can be divided by: words that name nobody."""
    contract = load_contracts()["touchpoint"]
    return [column.name for column in contract.columns if column.type == "VARCHAR" and not column.personal]


def ask(
    con: duckdb.DuckDBPyConnection,
    question: Question,
    by: str | None = None,
    compare: Sequence[str] = (),
    trend: bool = False,
) -> Answer:
    """Count a funnel on a released file. `by` divides the people by a column of the touchpoint they entered with.

    `compare`: two values of `by`, whose conversion is compared. Raises FunnelError.
    """
    if by is not None and by not in segment_columns():
        raise FunnelError(f"{by!r} is no column to divide by{nearest(by, segment_columns())}")
    if compare and (by is None or len(compare) != 2 or compare[0] == compare[1]):
        raise FunnelError("a comparison needs --by COLUMN and two different values: --compare google,bing")
    column = f"coalesce(cast(entry.{by} as varchar), '(none)')" if by else "'(all)'"
    # Temporary, so that a release made before the macro can be asked too.
    con.execute(load_macros()["funnel_people"].text.replace("create or replace macro", "create or replace temp macro"))
    con.execute(
        f"create or replace temp table funnel_person as select person.*, {column} as segment "
        f"from {question.call} as person left join touchpoint as entry on entry.touchpoint_id = person.entry_touchpoint_id"
    ).fetchall()
    if by:
        # The largest segments by name, the others together: a breakdown by campaign may have thousands.
        con.execute(
            f"update funnel_person set segment = '(other)' where segment not in (select segment from funnel_person "
            f"group by segment order by (segment in {_tuple(compare)}) desc, count(*) desc, segment limit {SEGMENTS})"
        ).fetchall()
    return Answer(
        question,
        step_rows(con, question),
        optional_rows(con, question),
        trend_rows(con) if trend else [],
        comparison_row(con, compare) if compare else None,
    )


def step_rows(con: duckdb.DuckDBPyConnection, question: Question) -> list[dict[str, Any]]:
    """One row per segment and step. Shares are those of customers whose window is over."""
    times = ", ".join(f"step_{number}_at" for number in range(1, MAX_STEPS + 1))
    rows = con.execute(
        f"""
        with met as (select *, [{times}] as met from funnel_person)
        select segment, n as step_number, count(*) filter (where step_count >= n) as reached_count,
            count(*) filter (where step_count >= n and is_window_over) as decided_count,
            count(*) filter (where step_count = n and not is_converted and not is_open) as dropped_count,
            count(*) filter (where step_count = n and is_open) as open_count,
            avg(date_diff('microsecond', entered_at, met[n]) / 1e6) filter (where step_count >= n) as mean_seconds_from_entry,
            quantile_cont(date_diff('microsecond', entered_at, met[n]) / 1e6, [0.25, 0.5, 0.75, 0.9])
                filter (where step_count >= n) as quantiles
        from met, (select unnest(range(1, {len(question.steps) + 1})) as n)
        group by segment, n
        order by sum(count(*) filter (where step_count >= n)) over (partition by segment) desc, segment, n
        """
    ).fetchall()
    found = []
    entered = previous = 0
    for segment, number, reached, decided, dropped, opened, mean, quantiles in rows:
        if number == 1:
            entered, previous = decided, 0
        low, high = wilson(decided, previous) if number > 1 else (float("nan"), float("nan"))
        quarter, median, three_quarters, nine_tenths = quantiles or (None,) * 4
        found.append(
            {
                "segment": segment, "step_number": number, "touchpoint_type": "|".join(question.steps[number - 1]),
                "reached_count": reached, "dropped_count": dropped, "open_count": opened,
                "previous_share": decided / previous if number > 1 and previous else None,
                "previous_share_low": float(low) if number > 1 and previous else None,
                "previous_share_high": float(high) if number > 1 and previous else None,
                "entered_share": decided / entered if entered else None,
                "mean_seconds_from_entry": mean, "seconds_from_entry_quarter": quarter,
                "median_seconds_from_entry": median, "seconds_from_entry_three_quarters": three_quarters,
                "seconds_from_entry_nine_tenths": nine_tenths,
            }
        )  # fmt: skip
        previous = decided
    return found


def optional_rows(con: duckdb.DuckDBPyConnection, question: Question) -> list[dict[str, Any]]:
    """How many took each optional step: after the step before it, and before the next one (or the end of the window)."""
    found = []
    for after, types in question.optional:
        following = f"step_{after + 1}_at" if after < len(question.steps) else "null"
        end = f"coalesce({following}, entered_at + to_microseconds({round(question.window_days * 86_400_000_000)}))"
        row = con.execute(
            f"""
            with taken as (
                select p.customer_id, any_value(p.is_converted) as is_converted
                from funnel_person as p
                join touchpoint as t on t.customer_id = p.customer_id and list_contains({_list(types)}, t.touchpoint_type)
                    and t.occurred_at between p.step_{after}_at and {end} and not t.is_bot
                    and t.occurred_at <= (select data_date_at from setting)
                where p.step_count >= {after}
                group by p.customer_id
            )
            select (select count(*) from funnel_person where step_count >= {after}), count(*),
                count(*) filter (where is_converted) from taken
            """
        ).fetchone()
        assert row is not None
        found.append(
            {
                "touchpoint_type": "|".join(types), "after_step_number": after, "reached_count": row[0],
                "taken_count": row[1], "taken_share": row[1] / row[0] if row[0] else None, "converted_count": row[2],
            }
        )  # fmt: skip
    return found


def trend_rows(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Per week of entry (Monday, UTC): entered, converted, and the share of those whose window is over."""
    rows = con.execute(
        """
        select cast(date_trunc('week', entered_at) as date), count(*), count(*) filter (where is_converted),
            count(*) filter (where is_open), count(*) filter (where is_window_over),
            count(*) filter (where is_window_over and is_converted)
        from funnel_person group by 1 order by 1
        """
    ).fetchall()
    found = []
    for week, entered, converted, opened, decided, decided_converted in rows:
        low, high = wilson(decided_converted, decided)
        found.append(
            {
                "week_date": week, "entered_count": entered, "converted_count": converted, "open_count": opened,
                "converted_share": decided_converted / decided if decided else None,
                "converted_share_low": float(low) if decided else None,
                "converted_share_high": float(high) if decided else None,
            }
        )  # fmt: skip
    return found


def comparison_row(con: duckdb.DuckDBPyConnection, segments: Sequence[str]) -> dict[str, Any]:
    """Conversion of two segments, of customers whose window is over: Newcombe's interval, pooled z-test."""
    # A library of statistics takes long to import, and only a comparison needs it.
    from models.statistics import two_proportion_p

    counts = {
        row[0]: (row[1], row[2])
        for row in con.execute(
            "select segment, count(*) filter (where is_converted), count(*) from funnel_person where is_window_over group by 1"
        ).fetchall()
    }
    for segment in segments:
        if segment not in counts:
            raise FunnelError(f"nobody entered with {segment!r}{nearest(segment, counts)}")
    (k1, n1), (k2, n2) = (counts[segment] for segment in segments)
    difference, low, high = (float(value) for value in share_difference(k1, n1, k2, n2))
    p = float(two_proportion_p(k1, n1, k2, n2))
    return {
        "first": segments[0], "second": segments[1], "first_converted_count": k1, "first_entered_count": n1,
        "second_converted_count": k2, "second_entered_count": n2, "first_share": k1 / n1, "second_share": k2 / n2,
        "difference": difference, "difference_low": low, "difference_high": high, "p_value": None if p != p else p,
    }  # fmt: skip


def _list(values: Any) -> str:
    """An SQL list of texts."""
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


def _tuple(values: Sequence[str]) -> str:
    """An SQL tuple of texts that is never empty."""
    return "(" + ", ".join("'" + value.replace("'", "''") + "'" for value in ("", *values)) + ")"

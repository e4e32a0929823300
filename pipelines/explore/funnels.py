"""The explorer's funnel page: a funnel in words, its steps as bars, the people who stopped at each.

Does not belong here: what a funnel is and how it is counted (`pipelines/funnel.py`, `pipelines/macros/`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import bar, interval
from pipelines.drawing.markup import tag
from pipelines.explore import walk
from pipelines.explore.asked import DIVIDED, AskedError, address, one_of
from pipelines.explore.connection import Opened
from pipelines.explore.pages import customer_link, section, select
from pipelines.funnel import MODES, Answer, FunnelError, Question, ask, read_question
from pipelines.report.figure import Column, plain, table
from pipelines.report.words import Words

START = "page_view > cart_updated > checkout_started > order_placed"
STATES = ("reached", "dropped", "open")
PEOPLE_ROWS = 500
# Answers kept: a release without an index (made by an earlier version) takes seconds the first time.
KEPT_ANSWERS = 64


class Answers:
    """Answers of the last questions, by release and question: the same question is counted once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, Question, str], Answer] = OrderedDict()

    def get(self, opened: Opened, question: Question, by: str) -> Answer:
        """The answer, counted when it is not kept. Raises AskedError for what cannot be asked."""
        key = (str(opened.release.folder.resolve()), question, by)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        index = opened.index
        if index is not None:
            answer = walk.answer(index, question, by, trend=not by)
        else:
            try:
                answer = ask(opened.cursor, question, by or None, trend=not by)
            except FunnelError as error:
                raise AskedError(str(error)) from None
        with self._lock:
            self._kept[key] = answer
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return answer


ANSWERS = Answers()


def read(given: Mapping[str, str]) -> tuple[Question, str]:
    """The question and the column to divide by. Raises AskedError."""
    try:
        question = read_question(
            given.get("steps") or START,
            given.get("window") or "7d",
            given.get("mode") or "ordered",
            [name.strip() for name in given.get("exclude", "").split(",") if name.strip()],
        )
    except FunnelError as error:
        raise AskedError(str(error)) from None
    return question, one_of("by", given["by"], DIVIDED) if given.get("by") else ""


def form(words: Words, given: Mapping[str, str]) -> Markup:
    """The funnel as one line of words, its window, mode and division."""
    return tag(
        "form",
        tag(
            "label",
            words.say("explore.steps"),
            tag("input", type="text", name="steps", value=given.get("steps") or START, size="70", maxlength="500"),
        ),
        tag(
            "label",
            words.say("explore.window"),
            tag("input", type="text", name="window", value=given.get("window") or "7d", size="5", maxlength="12"),
        ),
        select(words, "mode", words.say("explore.mode"), MODES, given.get("mode") or "ordered", None),
        select(words, "by", words.say("explore.by"), DIVIDED, given.get("by"), words.say("explore.undivided")),
        tag(
            "label",
            words.say("explore.exclude"),
            tag("input", type="text", name="exclude", value=given.get("exclude", ""), size="20", maxlength="200"),
        ),
        tag("button", words.say("explore.show"), type="submit"),
        class_="ask",
        method="get",
        action="/funnel",
    )


def page(words: Words, given: Mapping[str, str], answer: Answer, by: str) -> list[Markup]:
    """Form and answer: one table of steps for each segment."""
    parts = [form(words, given), tag("p", words.say("explore.funnel_help"), class_="soft")]
    for segment in dict.fromkeys(row["segment"] for row in answer.steps):
        rows = [row for row in answer.steps if row["segment"] == segment]
        title = segment if by else words.say("explore.steps_title")
        parts.append(section(title, steps_table(words, given, rows, linked=not by)))
    if not answer.steps:
        parts.append(tag("p", words.say("ui.nothing")))
    if answer.optional:
        parts.append(section(words.say("explore.optional"), optional_table(words, answer.optional)))
    if answer.trend:
        parts.append(section(words.say("explore.by_week"), weeks_table(words, answer.trend)))
    return parts


def steps_table(words: Words, given: Mapping[str, str], rows: list[dict[str, Any]], linked: bool) -> Markup:
    """Steps as bars with shares, times and links to the people."""
    largest = max((row["reached_count"] for row in rows), default=1)

    def people(row: dict[str, Any], state: str) -> Markup | str:
        count = words.format.number(row[f"{state}_count"])
        if not linked or not row[f"{state}_count"]:
            return count
        return tag("a", count, href=address("/funnel/people", given, step=row["step_number"], state=state))

    columns = [
        Column(
            words.column("touchpoint_type"),
            lambda row: " | ".join(words.value(name) for name in row["touchpoint_type"].split("|")),
        ),
        Column(words.column("reached_count"), lambda row: people(row, "reached"), "n"),
        Column(words.say("ui.size"), lambda row: bar(row["reached_count"], largest), "plot"),
        plain(words, "entered_share"),
        plain(words, "previous_share"),
        Column(
            "95 %",
            lambda row: interval(
                row["previous_share_low"], row["previous_share"], row["previous_share_high"], 0.0, 1.0
            ),
            "plot",
        ),
        Column(words.column("dropped_count"), lambda row: people(row, "dropped"), "n"),
        Column(words.column("open_count"), lambda row: people(row, "open"), "n"),
        plain(words, "median_seconds_from_entry"),
    ]
    return table(columns, rows, words.say("explore.steps_title"))


def optional_table(words: Words, rows: list[dict[str, Any]]) -> Markup:
    """Who took what nobody has to take, of those who came so far."""
    columns = [
        Column(
            words.column("touchpoint_type"),
            lambda row: " | ".join(words.value(name) for name in row["touchpoint_type"].split("|")),
        ),
        *(plain(words, name) for name in ("reached_count", "taken_count", "taken_share", "converted_count")),
    ]
    return table(columns, rows, words.say("explore.optional"))


def weeks_table(words: Words, rows: list[dict[str, Any]]) -> Markup:
    """Conversion by week of entry."""
    end = max((row["converted_share_high"] or 0 for row in rows), default=1.0) or 1.0
    columns = [
        plain(words, "week_date"),
        plain(words, "entered_count"),
        plain(words, "converted_count"),
        plain(words, "open_count"),
        plain(words, "converted_share"),
        Column(
            "95 %",
            lambda row: interval(
                row["converted_share_low"], row["converted_share"], row["converted_share_high"], 0.0, end
            ),
            "plot",
        ),
    ]
    return table(columns, rows, words.say("explore.by_week"))


def people(words: Words, opened: Opened, question: Question, step: int, state: str) -> list[Markup]:
    """The customers behind a number of a funnel, the latest entry first."""
    if opened.index is not None:
        named, total = walk.person_rows(opened.index, question, step, state, PEOPLE_ROWS)
    else:
        named, total = asked_people(opened, question, step, state)
    shown = [
        Column(words.say("explore.customer"), lambda row: customer_link(row["customer_id"])),
        plain(words, "entered_at"),
        plain(words, "step_count"),
        plain(words, "is_converted"),
    ]
    return [
        tag("p", words.say("explore.persons", count=words.format.number(total))),
        table(shown, named, words.say("explore.people")) if named else tag("p", words.say("ui.nothing")),
    ]


def asked_people(opened: Opened, question: Question, step: int, state: str) -> tuple[list[dict[str, Any]], int]:
    """The same from the tables, for a release without an index."""
    condition = {
        "reached": "step_count >= $step",
        "dropped": "step_count = $step and not is_converted and not is_open",
        "open": "step_count = $step and is_open",
    }[state]
    # the people are counted into a table of this connection by the question itself
    ask(opened.cursor, question)
    columns, rows = opened.run(
        f"select customer_id, entered_at, step_count, is_converted, count(*) over () as total_count "
        f"from funnel_person where {condition} order by entered_at desc, customer_id limit {PEOPLE_ROWS}",
        {"step": step},
    )
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return named, named[0]["total_count"] if named else 0

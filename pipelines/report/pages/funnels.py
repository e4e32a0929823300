"""The configured funnels. Funnels of the moment are the command `funnel`'s and the explorer's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import bar
from pipelines.report.data import Data
from pipelines.report.figure import Column, Page, figure, plain, table, with_interval
from pipelines.report.words import Words


def _bars(largest: float) -> Callable[[dict[str, Any]], Markup]:
    return lambda row: bar(row["reached_count"], largest)


def of_the_step_before(words: Words, row: dict[str, Any]) -> str | Markup:
    """The share with its interval; nothing stands before the first step."""
    if row["previous_share"] is None:
        return words.format.share(None)
    share = words.format.share
    return with_interval(
        share(row["previous_share"]), share(row["previous_share_low"]), share(row["previous_share_high"])
    )


def funnels(words: Words, data: Data) -> Page:
    """One figure a funnel: step by step, how many got there, and how long it took them."""
    every = data.rows("funnels")
    body = []
    for funnel in dict.fromkeys(row["funnel"] for row in every.rows):
        rows = every.only(funnel=funnel)
        largest = max(row["reached_count"] for row in rows.rows)
        columns = [
            Column(
                words.column("touchpoint_type"),
                lambda row: f"{row['step_number']}. {words.value(row['touchpoint_type'])}",
            ),
            plain(words, "reached_count"),
            Column(words.say("ui.size"), _bars(largest), "plot"),
            plain(words, "entered_share"),
            Column(words.column("previous_share"), lambda row: of_the_step_before(words, row), "n"),
            plain(words, "dropped_count"),
            plain(words, "open_count"),
            plain(words, "mean_seconds_from_entry"),
        ]
        name = words.value(funnel)
        title = words.say("figures.funnel.title", name=name)
        first = rows.rows[0]
        window = words.format.duration(first["window_seconds"])
        note = words.say("ui.funnel_note", mode=words.value(first["mode"]), window=window)
        body.append(figure(words, "funnel", table(columns, rows.rows, title), rows, note=note, name=name))
    return Page("funnels", words.say("pages.funnels.title"), words.say("pages.funnels.lead"), body)

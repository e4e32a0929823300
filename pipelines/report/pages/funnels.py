"""The configured funnels. Funnels of the moment are the command `funnel`'s and the explorer's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import bar
from pipelines.report.data import Data
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words


def _bars(largest: float) -> Callable[[dict[str, Any]], Markup]:
    return lambda row: bar(row["reached_count"], largest)


def funnels(words: Words, data: Data) -> Page:
    """One figure a funnel: step by step, how many got there, and how long it took them."""
    every = data.rows("funnels")
    body = []
    for funnel in dict.fromkeys(row["funnel"] for row in every.rows):
        rows = every.only(funnel=funnel)
        largest = max(row["reached_count"] for row in rows.rows)
        columns = [
            plain(words, "touchpoint_type"),
            plain(words, "reached_count"),
            Column(words.say("ui.size"), _bars(largest), "plot"),
            plain(words, "entered_share"),
            plain(words, "previous_share"),
            plain(words, "dropped_count"),
            plain(words, "open_count"),
            plain(words, "mean_seconds_from_entry"),
        ]
        title = words.say("figures.funnel.title", name=words.value(funnel))
        body.append(figure(words, "funnel", table(columns, rows.rows, title), rows, name=words.value(funnel)))
    return Page("funnels", words.say("pages.funnels.title"), words.say("pages.funnels.lead"), body)

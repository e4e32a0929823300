"""Online beside offline: is a customer served alike? Does not belong here: the tests behind (`models/`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import dumbbell
from pipelines.drawing.markup import joined, tag
from pipelines.report.data import Data
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words


def _pair(end: float) -> Callable[[dict[str, Any]], Markup]:
    return lambda row: dumbbell(row["online_mean"], row["offline_mean"], 0.0, end)


def consistency(words: Words, data: Data) -> Page:
    """One figure a measure."""
    every = data.rows("consistency")
    body = []
    for measure in dict.fromkeys(row["measure"] for row in every.rows):
        rows = every.only(measure=measure)
        end = max((max(row["online_mean"], row["offline_mean"]) for row in rows.rows), default=1.0) or 1.0

        def value(row: dict[str, Any], side: str, measure: str = measure) -> str:
            return words.format.cell(measure, float(row[f"{side}_mean"]))

        columns = [
            Column(words.column("dimension_value"), lambda row: words.value(row["dimension_value"])),
            Column(words.value("online"), lambda row: value(row, "online"), "n"),
            Column(words.value("offline"), lambda row: value(row, "offline"), "n"),
            Column(
                words.say("ui.online_offline"),
                _pair(end),
                "plot",
            ),
            plain(words, "online_count"),
            plain(words, "offline_count"),
            plain(words, "is_marked"),
        ]
        legend = tag("p", words.say("ui.dumbbell_note"), class_="soft")
        drawing = joined([legend, table(columns, rows.rows, words.say("figures.consistency.label"))])
        body.append(figure(words, "consistency", drawing, rows, measure=words.value(measure)))
    return Page("consistency", words.say("pages.consistency.title"), words.say("pages.consistency.lead"), body)

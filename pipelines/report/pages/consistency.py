"""Online beside offline: is a customer served alike? Does not belong here: the tests behind (`models/`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import dumbbell, round_scale
from pipelines.drawing.markup import tag
from pipelines.report.data import Data
from pipelines.report.figure import Column, Page, figure, plain, scaled, table
from pipelines.report.words import Words


def _pair(end: float) -> Callable[[dict[str, Any]], Markup]:
    return lambda row: dumbbell(row["online_mean"], row["offline_mean"], 0.0, end)


def _mark(words: Words, row: dict[str, Any]) -> Markup | str:
    return tag("span", words.say("ui.differs"), class_="pill warn") if row["is_marked"] else ""


def consistency(words: Words, data: Data) -> Page:
    """One figure a measure."""
    every = data.rows("consistency")
    body = []
    for measure in dict.fromkeys(row["measure"] for row in every.rows):
        rows = every.only(measure=measure)
        end = max((max(row["online_mean"], row["offline_mean"]) for row in rows.rows), default=1.0) or 1.0
        end = end if measure.endswith("_seconds") else min(1.0, round_scale(end)[-1])

        def value(row: dict[str, Any], side: str, measure: str = measure) -> str:
            return words.format.cell(measure, float(row[f"{side}_mean"]))

        columns = [
            Column(words.column("dimension_value"), lambda row: words.value(row["dimension_value"])),
            plain(words, "dimension"),
            Column(words.value("online"), lambda row: value(row, "online"), "n"),
            Column(words.value("offline"), lambda row: value(row, "offline"), "n"),
            Column(
                scaled(
                    words.say("ui.online_offline"), words.format.cell(measure, 0.0), words.format.cell(measure, end)
                ),
                _pair(end),
                "plot",
            ),
            Column(words.say("ui.verdict"), lambda row: _mark(words, row)),
            plain(words, "online_count"),
            plain(words, "offline_count"),
        ]
        drawing = table(columns, rows.rows, words.say("figures.consistency.label"))
        note = words.say("ui.dumbbell_note")
        units = dict.fromkeys((f"{side}_mean" for side in ("online", "offline")), measure)
        units |= dict.fromkeys(("difference", "difference_low", "difference_high"), measure)
        body.append(figure(words, "consistency", drawing, rows, note=note, units=units, measure=words.value(measure)))
    return Page("consistency", words.say("pages.consistency.title"), words.say("pages.consistency.lead"), body)

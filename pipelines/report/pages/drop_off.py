"""Drop-off: where journeys are lost, with intervals, baseline and evidence. Does not belong here: ways (`journeys.py`)."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import interval
from pipelines.drawing.markup import joined, tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words

POINTS = 25


def drop_off(words: Words, data: Data, definitions: list[str]) -> Page:
    """One figure a definition: its points, the marked ones first, then by people lost."""
    body = []
    for definition in definitions:
        rows = data.rows("drop_off", definition=definition)
        body.append(figure(words, "drop_off", points(words, rows), rows, name=words.value(definition)))
    return Page("drop-off", words.say("pages.drop_off.title"), words.say("pages.drop_off.lead"), body)


def points(words: Words, rows: Rows) -> Markup:
    """Ranked points as intervals against the baseline of their definition."""
    shown = [row for row in rows.rows if row["dropped_share"] is not None][:POINTS]
    end = max((row["dropped_share_high"] or 0 for row in shown), default=1.0)

    def mark(row: dict[str, Any]) -> Markup | str:
        if not row["is_marked"]:
            return ""
        above = row["dropped_share"] > row["baseline_share"]
        return tag("span", words.say("ui.above" if above else "ui.below"), class_=f"pill {'bad' if above else 'good'}")

    def evidence(row: dict[str, Any]) -> str:
        if not row["evidence"]:
            return ""
        lost, kept = row["evidence_dropped_share"], row["evidence_went_on_share"]
        return f"{words.value(row['evidence'])}: {words.format.share(lost)} / {words.format.share(kept)}"

    columns = [
        plain(words, "touchpoint_type"),
        plain(words, "reached_count"),
        plain(words, "dropped_count"),
        plain(words, "open_count"),
        Column(
            words.say("ui.share_interval"),
            lambda row: interval(
                row["dropped_share_low"],
                row["dropped_share"],
                row["dropped_share_high"],
                0.0,
                end,
                row["baseline_share"],
                row["is_marked"],
            ),
            "plot",
        ),
        plain(words, "dropped_share"),
        Column(words.say("ui.verdict"), mark),
        Column(words.say("ui.evidence"), evidence),
    ]
    note = tag("p", words.say("ui.baseline_note"), class_="soft")
    return joined([note, table(columns, shown, words.say("figures.drop_off.label"))])

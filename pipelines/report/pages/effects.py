"""Effects: what goes with conversion and with satisfaction, as differences with intervals.

Does not belong here: the estimation (`models/`).
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import interval
from pipelines.drawing.markup import tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words

POINTS = 20


def effects(words: Words, data: Data) -> Page:
    """One figure a measure and scope."""
    every = data.rows("effects")
    body = []
    for measure, scope in dict.fromkeys((row["measure"], row["scope"]) for row in every.rows):
        # Measure and scope stand in the title.
        rows = every.only(measure=measure, scope=scope).without("measure", "scope")
        body.append(
            figure(
                words,
                "effect",
                forest(words, rows),
                rows,
                measure=words.value(measure),
                scope=words.value(scope),
            )
        )
    return Page("effects", words.say("pages.effects.title"), words.say("pages.effects.lead"), body)


def named(words: Words, row: dict[str, Any]) -> str:
    """The factor, with what it is compared with where that is not just its absence."""
    name = words.value(row["factor"])
    return name if row["reference"] == "without it" else f"{name} ({words.value(row['reference'])})"


def forest(words: Words, rows: Rows) -> Markup:
    """Differences with intervals around zero, marked ones first."""
    shown = rows.rows[:POINTS]
    reach = max((max(abs(row["effect_low"]), abs(row["effect_high"])) for row in shown), default=1.0)

    def mark(row: dict[str, Any]) -> Markup | str:
        if not row["is_marked"]:
            return ""
        helps = row["effect"] > 0
        return tag("span", words.say("ui.helps" if helps else "ui.hurts"), class_=f"pill {'good' if helps else 'bad'}")

    columns = [
        Column(words.column("factor"), lambda row: named(words, row)),
        plain(words, "factor_kind"),
        plain(words, "with_count"),
        Column(
            words.say("ui.difference_interval"),
            lambda row: interval(
                row["effect_low"], row["effect"], row["effect_high"], -reach, reach, 0.0, row["is_marked"]
            ),
            "plot",
        ),
        Column(words.say("ui.points"), lambda row: words.format.points(row["effect"]), "n"),
        Column(words.say("ui.verdict"), mark),
        plain(words, "method"),
    ]
    return table(columns, shown, words.say("figures.effect.label"), "swap")

"""Effects: what goes with conversion and with satisfaction, as differences with intervals.

Does not belong here: the estimation (`models/`).
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import interval, round_scale
from pipelines.drawing.markup import tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, scaled, table, with_interval
from pipelines.report.words import Words

POINTS = 20


def effects(words: Words, data: Data) -> Page:
    """One figure a measure and scope."""
    every = data.rows("effects")
    body = []
    for measure, scope in dict.fromkeys((row["measure"], row["scope"]) for row in every.rows):
        # Measure and scope stand in the title.
        rows = every.only(measure=measure, scope=scope).without("measure", "scope")
        by_lot = all(row["method"] == "experiment" for row in rows.rows)
        body.append(
            figure(
                words,
                "effect",
                forest(words, rows),
                rows,
                note=words.say("ui.experiment_note" if by_lot else "ui.association_note"),
                measure=words.value(measure),
                scope=words.say("ui.any_goal") if scope == "goal" else words.value(scope),
            )
        )
    return Page("effects", words.say("pages.effects.title"), words.say("pages.effects.lead"), body)


def named(words: Words, row: dict[str, Any]) -> str:
    """The factor, with what it is compared with where that is not just its absence."""
    kind = "channel" if "channel" in row["factor_kind"] else row["factor_kind"]
    # a variant is called `<touchpoint type> <attribute>: <value>`, as the exports write it
    touchpoint, _, variant = row["factor"].partition(" ")
    name = f"{words.value(touchpoint)}, {variant}" if kind == "variant" else words.value(row["factor"], kind)
    if row["reference"] == "without it":
        return name
    reference = row["reference"] if kind == "variant" else words.value(row["reference"], kind)
    return words.say("ui.compared_with", name=name, reference=reference)


def forest(words: Words, rows: Rows) -> Markup:
    """Differences with intervals around zero, marked ones first."""
    shown = rows.rows[:POINTS]
    reach = round_scale(max((max(abs(row["effect_low"]), abs(row["effect_high"])) for row in shown), default=1.0))[-1]
    ends = round(100 * reach, 6)
    points = words.format.points

    def mark(row: dict[str, Any]) -> Markup | str:
        if not row["is_marked"]:
            return ""
        helps = row["effect"] > 0
        return tag("span", words.say("ui.helps" if helps else "ui.hurts"), class_=f"pill {'good' if helps else 'bad'}")

    columns = [
        Column(words.column("factor"), lambda row: named(words, row)),
        Column(
            words.say("ui.points"),
            lambda row: with_interval(points(row["effect"]), points(row["effect_low"]), points(row["effect_high"])),
            "n",
        ),
        Column(
            scaled(words.say("ui.difference_interval"), words.format.signed(-ends), words.format.signed(ends)),
            lambda row: interval(
                row["effect_low"], row["effect"], row["effect_high"], -reach, reach, 0.0, row["is_marked"]
            ),
            "plot",
        ),
        Column(words.say("ui.verdict"), mark),
        plain(words, "factor_kind"),
        plain(words, "with_count"),
        plain(words, "method"),
    ]
    return table(columns, shown, words.say("figures.effect.label"), "swap")

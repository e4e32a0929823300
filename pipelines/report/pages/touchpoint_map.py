"""The touchpoint map: phases by categories, every type by its reach and its effect, and the gaps.

Does not belong here: the estimation of effects (`models/`).
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import bubble
from pipelines.drawing.markup import joined, tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Page, figure, plain, table
from pipelines.report.words import Words

PHASES = ("before", "during", "after", "any")
CATEGORIES = ("message", "interaction", "product", "setting")


def touchpoint_map(words: Words, data: Data) -> Page:
    """Map, types never seen, words of exports without a type."""
    inventory, unmapped = data.rows("inventory"), data.rows("unmapped")
    effects = data.rows("effects")
    unseen = inventory.only(is_seen=False)
    unseen.rows.sort(key=lambda row: (PHASES.index(row["journey_phase"]), CATEGORIES.index(row["category"])))
    unseen_columns = [
        plain(words, name) for name in ("touchpoint_type", "channel", "journey_phase", "category", "medium")
    ]
    unmapped_columns = [plain(words, name) for name in unmapped.columns]
    body = [
        figure(words, "map", the_map(words, inventory, effects), inventory),
        figure(
            words,
            "unmapped",
            table(unmapped_columns, unmapped.rows, words.say("figures.unmapped.title")),
            unmapped,
            with_table=False,
        ),
        figure(
            words,
            "never_seen",
            table(unseen_columns, unseen.rows, words.say("figures.never_seen.title")),
            unseen,
            with_table=False,
        ),
    ]
    return Page("map", words.say("pages.map.title"), words.say("pages.map.lead"), body)


def the_map(words: Words, inventory: Rows, effects: Rows) -> Markup:
    """The grid with one bubble a type: size is reach, colour and sign the effect on satisfaction, else on conversion."""
    verdicts = verdict(effects)
    widest = max((row["customer_count"] or 0 for row in inventory.rows), default=1) or 1
    legend = tag(
        "ul",
        [
            tag("li", tag("span", sign, class_=f"ball {tone}".strip(), style="--d:1.1rem"), words.say(key))
            for tone, sign, key in (
                ("good", "+", "ui.helps"),
                ("bad", "−", "ui.hurts"),
                ("", "", "ui.no_effect"),
                ("none", "", "ui.never_seen"),
            )
        ],
        tag("li", words.say("ui.size_is_reach")),
        class_="key",
    )
    head = [
        tag("th", words.column("journey_phase"), scope="col"),
        *(tag("th", words.value(name), scope="col") for name in CATEGORIES),
    ]
    lines = []
    for phase in PHASES:
        cells = [tag("th", words.value(phase), scope="row")]
        for category in CATEGORIES:
            members = inventory.only(journey_phase=phase, category=category).rows
            cells.append(tag("td", [_bubble(words, row, widest, verdicts) for row in members]))
        lines.append(tag("tr", cells))
    title = words.say("figures.map.title")
    grid = tag(
        "table",
        tag("caption", title, class_="hidden"),
        tag("thead", tag("tr", head)),
        tag("tbody", lines),
        class_="map",
    )
    return joined([legend, tag("div", grid, class_="scroll", tabindex="0", role="group", aria_label=title)])


def verdict(effects: Rows) -> dict[str, dict[str, Any]]:
    """Touchpoint type → its marked effect; satisfaction counts before conversion and retention, then the largest."""
    found: dict[str, tuple[tuple[bool, float], dict[str, Any]]] = {}
    for row in effects.rows:
        if not row["is_marked"] or row["factor_kind"] != "touchpoint":
            continue
        rank = (row["measure"] == "satisfaction", abs(row["effect"]))
        if row["factor"] not in found or rank > found[row["factor"]][0]:
            found[row["factor"]] = (rank, row)
    return {name: row for name, (_, row) in found.items()}


def _bubble(words: Words, row: dict[str, Any], widest: int, verdicts: dict[str, dict[str, Any]]) -> Markup:
    name = words.value(row["touchpoint_type"])
    if not row["is_seen"]:
        return bubble(name, words.say("ui.never_seen"), 0.02, "none", "")
    effect = verdicts.get(row["touchpoint_type"])
    tone, sign, text = "", "", words.say("ui.no_effect")
    if effect is not None:
        tone, sign = ("good", "+") if effect["effect"] > 0 else ("bad", "−")
        text = words.say(
            "ui.goes_with",
            points=words.format.points(effect["effect"]),
            measure=words.value(effect["measure"]),
            scope=words.value(effect["scope"]),
        )
    count = words.format.number(row["customer_count"])
    detail = f"{words.say('ui.reach', count=count)}, {text}"
    return bubble(name, detail, row["customer_count"] / widest, tone, sign, figure=count)

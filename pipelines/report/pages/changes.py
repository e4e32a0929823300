"""What changed since the release before: how many journeys ended, what stands out now and did not, what no longer does.

Does not belong here: the figures of the overview's cards (`overview.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipelines.drawing.markup import joined, tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, figure, table
from pipelines.report.words import Words

STATES = ("converted", "dropped", "exited", "open")
# What stands out and may come or go, with the text of each list: (kind, appeared, gone).
MARKS = (
    ("drop_off", "ui.new_drop_off", "ui.gone_drop_off"),
    ("alert", "ui.new_alert", "ui.gone_alert"),
    ("effect", "ui.new_effect", "ui.gone_effect"),
)
# Exports named in the list of those that brought most.
EXPORTS = 8
Key = tuple[str, str, str]


def changes(words: Words, data: Data, previous: Mapping[str, Any]) -> Markup:
    """The figure; `previous` is what `release.json` of the release before keeps of its night."""
    now = data.rows("standings")
    before = {_key(row): row["standing_value"] for row in previous["standings"]}
    note = words.say(
        "ui.since", release=previous["release_id"], until=str(previous["data_date_at"])[:16].replace("T", " ")
    )
    drawing = joined([journeys(words, now, before), tag("div", lists(words, now, before), class_="rows2")])
    return figure(words, "changes", drawing, compared(now, before), note=note)


def compared(now: Rows, before: Mapping[Key, float]) -> Rows:
    """Today's rows with the value of the release before; what is there no more comes last."""
    rows = [{**row, "previous_value": before.get(_key(row))} for row in now.rows]
    gone = before.keys() - {_key(row) for row in now.rows}
    for kind, name, detail in sorted(gone):
        rows.append(
            {
                "standing_kind": kind,
                "name": name,
                "detail": detail,
                "standing_value": None,
                "previous_value": before[kind, name, detail],
            }
        )
    return Rows((*now.columns, "previous_value"), rows, now.query)


def journeys(words: Words, now: Rows, before: Mapping[Key, float]) -> Markup:
    """How many journeys of each definition are in each state more, or fewer, than before."""
    today = {_key(row): row["standing_value"] for row in now.rows}
    names = sorted({name for kind, name, _ in (*today, *before) if kind == "journey"})

    def change(state: str) -> Column:
        def cell(row: dict[str, Any]) -> str:
            key = ("journey", row["name"], state)
            difference = int(today.get(key, 0) - before.get(key, 0))
            return words.format.signed(difference) if difference else "0"

        return Column(words.value(state), cell, "n")

    columns = [Column(words.column("journey_definition"), lambda row: words.value(row["name"]))]
    columns += [change(state) for state in STATES]
    return table(columns, [{"name": name} for name in names], words.say("ui.journey_changes"))


def lists(words: Words, now: Rows, before: Mapping[Key, float]) -> list[Markup]:
    """What stands out since, what no longer does, and what the new files brought."""
    today = {_key(row): row["standing_value"] for row in now.rows}
    found = []
    for kind, appeared, gone in MARKS:
        new = [key for key in today if key[0] == kind and key not in before]
        old = [key for key in before if key[0] == kind and key not in today]
        if new:
            found.append(_list(words.say(appeared), [_mark(words, key) for key in new]))
        if old:
            found.append(_list(words.say(gone), [_mark(words, key) for key in old]))
    more = [(value - before.get(key, 0), key[1]) for key, value in today.items() if key[0] == "export"]
    brought = sorted(((rows, name) for rows, name in more if rows > 0), key=lambda item: (-item[0], item[1]))
    lines = [f"{name}: {words.format.signed(int(rows))}" for rows, name in brought[:EXPORTS]]
    if len(brought) > EXPORTS:
        rest = brought[EXPORTS:]
        lines.append(f"{words.value('other')} ({len(rest)}): {words.format.signed(int(sum(rows for rows, _ in rest)))}")
    if lines:
        found.append(_list(words.say("ui.rows_read"), lines))
    return found


def _key(row: Mapping[str, Any]) -> Key:
    return row["standing_kind"], row["name"], row["detail"]


def _mark(words: Words, key: Key) -> str:
    kind, name, detail = key
    if kind == "alert":
        return detail if name == "source" else f"{words.value(detail, name)} ({words.value(name)})"
    return f"{words.value(detail)} ({words.value(name)})"


def _list(title: str, lines: list[str]) -> Markup:
    return tag("div", tag("h3", title), tag("ul", [tag("li", line) for line in lines]))

"""Journeys: how many of each definition end how, and one page per definition with its ways.

Does not belong here: drop-off statistics (`drop_off.py`), funnels (`funnels.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from pipelines.drawing import sankey, tree
from pipelines.drawing.charts import bar, heat
from pipelines.drawing.markup import tag
from pipelines.drawing.sankey import Way
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words

# How a journey may end, in the order they are drawn, with the colour of each.
ENDS = {"converted": "won", "continued": "wait", "open": "wait", "exited": "wait", "dropped": "lost"}
TONES = {"converted": "good", "dropped": "bad"}
STEPS = ("step_1", "step_2", "step_3", "step_4")
MATRIX_STEPS = 10
MATRIX_TYPES = 15


def journeys(words: Words, data: Data) -> Page:
    """All definitions and their states, each a link to its own page."""
    rows = data.rows("journey_status")
    totals: dict[str, int] = {}
    for row in rows.rows:
        totals[row["journey_definition"]] = totals.get(row["journey_definition"], 0) + row["journey_count"]

    def name(row: dict[str, Any]) -> Markup:
        definition = row["journey_definition"]
        return tag("a", words.value(definition), href=f"journey-{definition}.html")

    columns = [
        Column(words.column("journey_definition"), name),
        plain(words, "status"),
        plain(words, "journey_count"),
        Column(
            words.column("journey_share"),
            lambda row: bar(row["journey_count"], totals[row["journey_definition"]], TONES.get(row["status"], "soft")),
            "plot",
        ),
        Column("%", lambda row: words.format.share(row["journey_count"] / totals[row["journey_definition"]]), "n"),
        plain(words, "median_duration_seconds"),
        plain(words, "value_amount_base"),
    ]
    drawing = table(columns, rows.rows, words.say("figures.journey_status.title"))
    body = [figure(words, "journey_status", drawing, rows, with_table=False)]
    return Page("journeys", words.say("pages.journeys.title"), words.say("pages.journeys.lead"), body)


def journey(words: Words, data: Data, definition: str) -> Page:
    """One definition: Sankey of its main ways, trees forward and backward, step matrix."""
    name = words.value(definition)
    forward = data.rows("journey_ways", definition=definition)
    backward = data.rows("journey_ways_backward", definition=definition)
    matrix = data.rows("step_matrix", definition=definition)
    title = words.say("figures.ways.title", name=name)
    headings = [*(words.column(step) for step in STEPS), words.say("ui.after_that")]
    drawing = sankey.draw(ways(forward, True), ENDS, words.value, words.format.number, title, headings)
    body = [
        figure(words, "ways", drawing, forward, note=words.say("ui.sankey_help"), name=name),
        figure(
            words,
            "tree_forward",
            _tree(words, ways(forward, True)),
            forward,
            with_table=False,
            query_of="ways",
            name=name,
        ),
        figure(words, "tree_backward", _tree(words, ways(backward, False)), backward, name=name),
        figure(words, "step_matrix", step_matrix(words, matrix), matrix, name=name),
    ]
    return Page(
        f"journey-{definition}",
        words.say("pages.journey.title", name=name),
        f"{words.say('pages.journey.lead')} {how_many(words, data, definition)}",
        body,
        navigation="journeys",
    )


def how_many(words: Words, data: Data, definition: str) -> str:
    """How many journeys of a definition there are, and how many of them are in each state."""
    counts = {
        row["status"]: row["journey_count"]
        for row in data.rows("journey_status").only(journey_definition=definition).rows
    }
    total = words.say("explore.journeys", count=words.format.number(sum(counts.values())))
    parts = [
        f"{words.value(status).lower()} {words.format.number(counts[status])}" for status in ENDS if status in counts
    ]
    return f"{total}: {', '.join(parts)}."


def ways(rows: Rows, ended_last: bool) -> list[Way]:
    """Whole ways from a query's rows; the state stands at the end of a forward way, at the start of a backward one."""
    found = []
    for row in rows.rows:
        steps = [row[name] for name in STEPS if row[name] is not None]
        nodes = [*steps, row["ended"]] if ended_last else [row["ended"], *steps]
        found.append(Way(tuple(nodes), row["journey_count"]))
    return found


def _tree(words: Words, paths: Sequence[Way]) -> Markup:
    return tree.draw_tree(paths, words.value, words.format.number, words.format.share)


def step_matrix(words: Words, rows: Rows) -> Markup:
    """Touchpoint types down, steps across; each cell the share of all journeys that are there at that step.

    Below the commonest types the rarer ones in one line, and how many have ended by then: each column adds up to all journeys.
    """
    shares: dict[str, dict[int, float]] = {}
    ended: dict[str, dict[int, float]] = {}
    for row in rows.rows:
        name = row["state"].strip("()")
        (ended if name != row["state"] else shares).setdefault(name, {})[row["step_number"]] = row["journey_share"]
    kept = list(shares.items())[:MATRIX_TYPES]
    rest: dict[int, float] = {}
    for _, line in list(shares.items())[MATRIX_TYPES:]:
        for step, value in line.items():
            rest[step] = rest.get(step, 0.0) + value
    if rest:
        kept.append(("other", rest))
    kept += [(name, ended[name]) for name in ENDS if name in ended]
    first_end = next((place for place, (name, _) in enumerate(kept) if name in ended), None)
    largest = max((value for _, line in kept for value in line.values()), default=1.0)
    head = [tag("th", words.column("touchpoint_type"), scope="col")]
    head += [tag("th", str(step), scope="col", class_="heat") for step in range(1, MATRIX_STEPS + 1)]
    lines = []
    for place, (name, line) in enumerate(kept):
        cells = [tag("th", words.value(name), scope="row")]
        for step in range(1, MATRIX_STEPS + 1):
            found = line.get(step)
            cells.append(heat("" if found is None else words.format.share(found), (found or 0) / largest))
        lines.append(tag("tr", cells, class_="sum" if place == first_end else None))
    title = words.say("figures.step_matrix.label")
    return tag(
        "div",
        tag("table", tag("caption", title, class_="hidden"), tag("thead", tag("tr", head)), tag("tbody", lines)),
        class_="scroll",
        tabindex="0",
        role="group",
        aria_label=title,
    )

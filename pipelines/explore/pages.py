"""The explorer's pages as HTML: forms on top, answers below, every number that stands for people a link to them.

Does not belong here: reading addresses (`asked.py`), serving (`app.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from models.catalogue import load_catalogue
from pipelines.drawing import sankey, tree
from pipelines.drawing.charts import bar
from pipelines.drawing.markup import joined, tag
from pipelines.drawing.sankey import Way
from pipelines.explore.asked import DEEPEST, DIRECTIONS, STATUSES, Filter, address
from pipelines.report.data import Rows
from pipelines.report.figure import Column, plain, shown, table
from pipelines.report.pages.journeys import ENDS
from pipelines.report.words import Words

KEPT = 6


@dataclass(frozen=True)
class Choices:
    """What a form may offer."""

    definitions: Sequence[str]
    stages: Sequence[str]


def option(words: Words, value: str, chosen: str | None) -> Markup:
    """One choice of a list."""
    return tag("option", words.value(value), value=value, selected=value == chosen)


def select(words: Words, name: str, label: str, values: Sequence[str], chosen: str | None, empty: str | None) -> Markup:
    """A list to choose from; `empty` names the choice of none."""
    options = [tag("option", empty, value="")] if empty is not None else []
    options += [option(words, value, chosen) for value in values]
    return tag("label", label, tag("select", options, name=name))


def filter_form(words: Words, path: str, choices: Choices, given: Filter, hidden: Mapping[str, str]) -> Markup:
    """The form of a filter, as plain GET: what is asked stands in the address."""
    every = words.say("explore.any")
    return tag(
        "form",
        select(words, "definition", words.column("journey_definition"), choices.definitions, given.definition, None),
        select(words, "status", words.column("status"), STATUSES, given.status, every),
        select(words, "stage", words.column("lifecycle_stage"), choices.stages, given.stage, every),
        tag("label", words.say("explore.from"), tag("input", type="date", name="from", value=str(given.start or ""))),
        tag("label", words.say("explore.to"), tag("input", type="date", name="to", value=str(given.end or ""))),
        [tag("input", type="hidden", name=name, value=value) for name, value in hidden.items() if value],
        tag("button", words.say("explore.show"), type="submit"),
        class_="ask",
        method="get",
        action=path,
    )


def journeys(words: Words, choices: Choices, given: Filter, rows: Rows) -> list[Markup]:
    """Sankey and tree of the journeys asked for."""
    ways = named_ways(rows)
    total = sum(way.count for way in ways)
    title = words.say("figures.ways.title", name=words.value(given.definition))
    people = tag(
        "p",
        tag(
            "a", words.say("explore.journeys", count=words.format.number(total)), href=address("/people", given.query())
        ),
        " · ",
        tag("a", words.say("explore.follow"), href=address("/way", given.query(), direction="forward")),
    )
    if not ways:
        return [filter_form(words, "/journeys", choices, given, {}), tag("p", words.say("ui.nothing"))]
    return [
        filter_form(words, "/journeys", choices, given, {}),
        people,
        section(title, sankey.draw(ways, ENDS, words.value, words.format.number, title)),
        section(
            words.say("figures.tree_forward.title", name=words.value(given.definition)),
            tree.draw_tree(ways, words.value, words.format.number, words.format.share),
        ),
    ]


def named_ways(rows: Rows) -> list[Way]:
    """Ways of codes as ways of names; at each position the KEPT commonest keep theirs, the rest is 'other'."""
    names = {entry.code: name for name, entry in load_catalogue().items()}
    columns = [name for name in rows.columns if name.startswith("forward_")]
    sizes: list[dict[int, int]] = [{} for _ in columns]
    for row in rows.rows:
        for position, column in enumerate(columns):
            code = row[column]
            if code is not None:
                sizes[position][code] = sizes[position].get(code, 0) + row["journey_count"]
    kept = [set(sorted(size, key=lambda code, size=size: (-size[code], code))[:KEPT]) for size in sizes]  # type: ignore[misc]
    counted: dict[tuple[str, ...], int] = {}
    for row in rows.rows:
        nodes = [
            names[row[column]] if row[column] in kept[position] else "other"
            for position, column in enumerate(columns)
            if row[column] is not None
        ]
        key = (*nodes, row["ended"])
        counted[key] = counted.get(key, 0) + row["journey_count"]
    return [Way(nodes, count) for nodes, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]


def way(words: Words, choices: Choices, given: Filter, direction: str, path: Sequence[str], rows: Rows) -> list[Markup]:
    """Where journeys go next after a way (or came from before it); each line leads one step on."""
    query = {**given.query(), "direction": direction}
    total = sum(row["journey_count"] for row in rows.rows)
    crumbs = [tag("a", words.say(f"explore.{direction}"), href=address("/way", query))]
    for position, name in enumerate(path, start=1):
        crumbs.append(tag("a", words.value(name), href=address("/way", query, path=",".join(path[:position]))))
    turned = DIRECTIONS[1 - DIRECTIONS.index(direction)]
    text = ",".join(path)
    largest = max((row["journey_count"] for row in rows.rows), default=1)

    def step(row: dict[str, Any]) -> Markup | str:
        name = row["next_step"]
        if name.startswith("("):
            inner = name.strip("()")
            return words.say(f"explore.{inner}") if words.has(f"explore.{inner}") else words.value(inner)
        if len(path) >= DEEPEST:
            return words.value(name)
        return tag("a", words.value(name), href=address("/way", query, path=",".join([*path, name])))

    def people(row: dict[str, Any]) -> Markup | str:
        name = row["next_step"]
        count = words.format.number(row["journey_count"])
        if name == "(deeper)" or len(path) >= DEEPEST:
            return count
        if not name.startswith("("):
            return tag("a", count, href=address("/people", query, path=",".join([*path, name])))
        ended = {} if name == "(start)" else {"status": name.strip("()")}
        return tag("a", count, href=address("/people", {**query, **ended}, path=text, length=len(path)))

    columns = [
        Column(words.say("explore.next" if direction == "forward" else "explore.before"), step),
        Column(words.column("journey_count"), people, "n"),
        Column("%", lambda row: words.format.share(row["journey_count"] / total), "n"),
        Column(words.say("ui.size"), lambda row: bar(row["journey_count"], largest), "plot"),
        *(
            plain(words, name)
            for name in (
                "customer_count",
                "converted_share",
                "dropped_count",
                "median_duration_seconds",
                "value_amount_base",
            )
        ),
    ]
    return [
        filter_form(words, "/way", choices, given, {"direction": direction, "path": text}),
        tag("p", joined([piece for crumb in crumbs for piece in (crumb, " › ")])),
        tag(
            "p",
            tag(
                "a",
                words.say("explore.journeys", count=words.format.number(total)),
                href=address("/people", query, path=text),
            ),
            " · ",
            tag("a", words.say(f"explore.turn_{turned}"), href=address("/way", given.query(), direction=turned)),
        ),
        table(columns, rows.rows, words.say("pages.journey.lead")) if rows.rows else tag("p", words.say("ui.nothing")),
    ]


def people(words: Words, query: Mapping[str, str], rows: Rows, page: int, page_rows: int) -> list[Markup]:
    """The journeys behind a number, a link to each customer, and the whole list as a file."""
    total = rows.rows[0]["total_count"] if rows.rows else 0
    columns = [
        Column(words.say("explore.customer"), lambda row: customer_link(row["customer_id"])),
        *(plain(words, name) for name in ("status", "started_at", "ended_at", "change_count", "value_amount_base")),
    ]
    return [
        tag(
            "p",
            words.say("explore.journeys", count=words.format.number(total)),
            " · ",
            tag("a", words.say("explore.download"), href=address("/people.csv", query)),
        ),
        table(columns, rows.rows, words.say("explore.people")) if rows.rows else tag("p", words.say("ui.nothing")),
        pager(words, "/people", query, page, page_rows, total),
    ]


def pager(words: Words, path: str, query: Mapping[str, str], page: int, page_rows: int, total: int) -> Markup:
    """Links to the page before and the next."""
    links: list[Markup | str] = []
    if page > 1:
        links.append(tag("a", words.say("explore.previous"), href=address(path, query, page=page - 1), rel="prev"))
    if page * page_rows < total:
        links.append(tag("a", words.say("explore.further"), href=address(path, query, page=page + 1), rel="next"))
    place = words.say("explore.page", page=page, pages=max(1, -(-total // page_rows)))
    return tag("p", place, " ", joined([piece for link in links for piece in (link, " ")]))


def customer_link(customer_id: int) -> Markup:
    """The customer's own page."""
    return tag("a", str(customer_id), href=f"/customer/{customer_id}")


def search_form(words: Words, text: str) -> Markup:
    """Look up a customer."""
    return tag(
        "form",
        tag(
            "label",
            words.say("explore.find"),
            tag("input", type="search", name="q", value=text, size="40", maxlength="200", autofocus=not text),
        ),
        tag("button", words.say("explore.show"), type="submit"),
        class_="ask",
        method="get",
        action="/customers",
        role="search",
    )


def found_customers(words: Words, text: str, rows: Rows | None) -> list[Markup]:
    """The search and what it found."""
    parts = [search_form(words, text)]
    if rows is not None:
        columns = [
            Column(words.say("explore.customer"), lambda row: customer_link(row["customer_id"])),
            *(plain_text(words, name) for name in rows.columns if name != "customer_id"),
        ]
        parts.append(
            table(columns, rows.rows, words.say("explore.find")) if rows.rows else tag("p", words.say("explore.nobody"))
        )
    return parts


def plain_text(words: Words, name: str) -> Column:
    """A column whose texts are what the data says, not words to translate."""

    def cell(row: dict[str, Any]) -> str:
        value = row[name]
        return value if isinstance(value, str) else shown(words, name, value)

    return Column(words.column(name), cell)


@dataclass(frozen=True)
class Customer:
    """All that the page of one customer shows."""

    customer_id: int
    record: Rows
    view: Rows
    identifiers: Rows
    journeys: Rows
    timeline: Rows
    channels: list[str]


def customer(words: Words, found: Customer, channel: str | None, page: int, page_rows: int) -> list[Markup]:
    """Golden record, 360 view, journeys, timeline, identifiers."""
    path = f"/customer/{found.customer_id}"
    total = found.timeline.rows[0]["total_count"] if found.timeline.rows else 0
    query = {"channel": channel or ""}
    times = [plain(words, "occurred_at"), plain(words, "touchpoint_type"), plain(words, "channel")]
    times += [plain_text(words, name) for name in found.timeline.columns[3:-1]]
    chooser = tag(
        "form",
        select(words, "channel", words.column("channel"), found.channels, channel, words.say("explore.any")),
        tag("button", words.say("explore.show"), type="submit"),
        class_="ask",
        method="get",
        action=path,
    )
    journey_columns = [plain(words, name) for name in found.journeys.columns if name not in ("journey_id",)]
    return [
        section(words.say("explore.record"), facts(words, found.record.rows[0])),
        section(words.say("explore.view"), facts(words, found.view.rows[0]) if found.view.rows else ""),
        section(
            words.say("explore.timeline"),
            joined(
                [
                    chooser,
                    table(times, found.timeline.rows, words.say("explore.timeline"), "times"),
                    pager(words, path, query, page, page_rows, total),
                ]
            ),
        ),
        section(
            words.say("pages.journeys.title"),
            table(journey_columns, found.journeys.rows, words.say("pages.journeys.title")),
        ),
        section(
            words.say("explore.identifiers"),
            table(
                [plain_text(words, name) for name in found.identifiers.columns],
                found.identifiers.rows,
                words.say("explore.identifiers"),
            ),
        ),
    ]


def facts(words: Words, row: Mapping[str, Any]) -> Markup:
    """What is known of a row, name and value; what is not known, zero or untrue is left out."""
    items = []
    for name, value in row.items():
        if not value or name == "customer_id":
            continue
        text = value if isinstance(value, str) else words.format.cell(name, value)
        items.append(tag("li", tag("span", words.column(name)), tag("b", text)))
    return tag("ul", items, class_="cards facts")


def section(title: str, content: Markup | str) -> Markup:
    """A framed part of a page."""
    return tag("section", tag("h2", title), content, class_="figure")

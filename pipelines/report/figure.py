"""A figure of the report: drawing, table, definition and query in one frame.

Does not belong here: which figures there are (`pages/`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from pipelines.drawing.markup import joined, tag
from pipelines.report.data import Rows
from pipelines.report.words import Words

# Rows of a data table; what is beyond is counted and one query away.
TABLE_ROWS = 60
NUMBER_WORDS = (
    "_count",
    "_share",
    "probability_",
    "_days",
    "_seconds",
    "_amount",
    "_value",
    "_number",
    "_low",
    "_high",
    "_score",
)


@dataclass(frozen=True)
class Page:
    """One page: file name without ending, its figures, and the name under which the navigation lists it."""

    key: str
    title: str
    lead: str
    body: Sequence[Markup]
    navigation: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of a drawn table: heading, cell of a row, and class ('n' number, 'plot' drawing, '' text)."""

    heading: str
    cell: Callable[[dict[str, Any]], str | Markup]
    kind: str = ""


def plain(words: Words, name: str) -> Column:
    """A column that shows the value of `name` as it is written in the reader's language."""

    def cell(row: dict[str, Any]) -> str:
        return shown(words, name, row[name])

    return Column(words.column(name), cell, "n" if is_number(name) else "")


def shown(words: Words, name: str, value: Any) -> str:
    """A value as a table shows it."""
    return words.value(value) if isinstance(value, str) else words.format.cell(name, value)


def is_number(name: str) -> bool:
    """Whether a column holds numbers, by its name."""
    return name.endswith(("_at", "_date")) is False and any(word in f"{name}_" for word in NUMBER_WORDS)


def table(columns: Sequence[Column], rows: Sequence[dict[str, Any]], caption: str, extra_class: str = "") -> Markup:
    """A table whose first column names the row."""
    head = tag("tr", [tag("th", column.heading, class_=column.kind or None, scope="col") for column in columns])
    body = []
    for row in rows:
        cells = []
        for index, column in enumerate(columns):
            content = column.cell(row)
            if index == 0:
                cells.append(tag("th", content, scope="row"))
            else:
                cells.append(tag("td", content, class_=column.kind or None))
        body.append(tag("tr", cells))
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="hidden"),
            tag("thead", head),
            tag("tbody", body),
            class_=extra_class or None,
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def data_table(words: Words, rows: Rows, caption: str) -> Markup:
    """All columns of a result, cut off after TABLE_ROWS rows with a line that says so."""
    if not rows.rows:
        return tag("p", words.say("ui.nothing"), class_="soft")
    columns = [plain(words, name) for name in rows.columns]
    more = len(rows.rows) - TABLE_ROWS
    return joined(
        [
            table(columns, rows.rows[:TABLE_ROWS], caption),
            tag("p", words.say("ui.more_rows", count=words.format.number(more)), class_="soft") if more > 0 else "",
        ]
    )


def figure(
    words: Words, key: str, drawing: Markup | str, rows: Rows, *, with_table: bool = True, **values: Any
) -> Markup:
    """The frame of one figure. `key` names its texts (`figures.<key>.title` and `.definition`) and its anchor."""
    title = words.say(f"figures.{key}.title", **values)
    anchor = "-".join([key, *(str(value).replace(" ", "-") for value in values.values())])
    parts: list[Markup | str] = [tag("h2", title, id=f"{anchor}-title")]
    parts.append(drawing if rows.rows else tag("p", words.say("ui.nothing"), class_="soft"))
    if with_table and rows.rows:
        parts.append(
            tag("details", tag("summary", words.say("ui.table")), data_table(words, rows, title), class_="data")
        )
    parts.append(
        tag(
            "details",
            tag("summary", words.say("ui.definition")),
            tag("p", words.say(f"figures.{key}.definition")),
            tag("pre", tag("code", rows.query), tabindex="0", aria_label=words.say("ui.query")),
        )
    )
    return tag("section", parts, class_="figure", id=anchor, aria_labelledby=f"{anchor}-title")

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

# Columns whose texts are names out of files and configurations, and sentences: shown as they stand.
VERBATIM = {
    "file_name", "path", "source_export", "source_system", "source_systems", "column_name", "reason", "advice", "message",
    "alert_reason", "evidence", "raw_type", "contact_rule", "cohort_month",
}  # fmt: skip
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
    if isinstance(value, str):
        return value if name in VERBATIM else words.value(value)
    return words.format.cell(name, value)


def is_number(name: str) -> bool:
    """Whether a column holds numbers, by its name."""
    return name.endswith(("_at", "_date")) is False and any(word in f"{name}_" for word in NUMBER_WORDS)


def table(columns: Sequence[Column], rows: Sequence[dict[str, Any]], caption: str, extra_class: str = "") -> Markup:
    """A table whose first column names the row: header cells beside data cells are row headers without being told so.

    What kind a column is stands once, at the table: `n3` for numbers in the third.
    """
    head = tag("tr", [tag("th", column.heading, scope="col") for column in columns])
    body = []
    for row in rows:
        cells = [column.cell(row) for column in columns]
        body.append(tag("tr", tag("th", cells[0]), [tag("td", cell) for cell in cells[1:]]))
    kinds = [f"{column.kind[0]}{place}" for place, column in enumerate(columns, start=1) if column.kind]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="hidden"),
            tag("thead", head),
            tag("tbody", body),
            class_=" ".join([*kinds, extra_class]).strip() or None,
        ),
        class_="scroll",
        tabindex="0",
        role="group",
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
    words: Words,
    key: str,
    drawing: Markup | str,
    rows: Rows,
    *,
    with_table: bool = True,
    query_of: str | None = None,
    **values: Any,
) -> Markup:
    """The frame of one figure. `key` names its texts (`figures.<key>.title` and `.definition`) and its anchor.

    query_of: key of a figure of the same page and values whose query, and table, is this one's too.
    """
    title = words.say(f"figures.{key}.title", **values)
    suffix = "".join(f"-{str(value).replace(' ', '-')}" for value in values.values())
    anchor = f"{key}{suffix}"
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
            tag("p", tag("a", words.say("ui.same_query"), href=f"#{query_of}{suffix}"))
            if query_of
            else tag("pre", tag("code", rows.query), tabindex="0", aria_label=words.say("ui.query")),
        )
    )
    return tag("section", parts, class_="figure", id=anchor, aria_labelledby=f"{anchor}-title")

"""A figure of the report: drawing, table, definition and query in one frame.

Does not belong here: which figures there are (`pages/`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from pipelines.drawing.markup import breakable, joined, tag
from pipelines.report.data import Rows
from pipelines.report.words import Words

# Columns whose texts are names out of files and configurations: shown as they stand.
VERBATIM = {
    "file_name", "path", "source_export", "source_system", "source_systems", "column_name", "raw_type", "cohort_month",
    "first_names",
}  # fmt: skip
# Columns of sentences that the night writes in English.
SENTENCES = {"reason", "advice", "message"}
# Rows of a data table; what is beyond is counted and one query away.
TABLE_ROWS = 60
NUMBER_WORDS = (
    "_count", "_share", "probability_", "_days", "_seconds", "_amount", "_value", "_number", "_low_", "_high_", "_score_",
    "_mean_", "_ratio_", "_rank_", "_credit_", "effect_", "difference_", "p_value", "penalty_", "reward_", "nps_", "median_",
)  # fmt: skip


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
    """A column of a drawn table: heading, cell of a row, and class ('n' number, 'plot' drawing, 'wide' or '' text)."""

    heading: str | Markup
    cell: Callable[[dict[str, Any]], str | Markup]
    kind: str = ""


def plain(words: Words, name: str, written_as: str | None = None) -> Column:
    """A column that shows the value of `name` as it is written in the reader's language.

    written_as: a column name that says the unit, where `name` itself does not (`online_mean` of a share).
    """

    def cell(row: dict[str, Any]) -> str | Markup:
        return shown(words, written_as or name, row[name])

    return Column(words.column(name), cell, "n" if is_number(written_as or name) else "")


def shown(words: Words, name: str, value: Any) -> str | Markup:
    """A value as a table shows it."""
    if isinstance(value, str):
        if name in SENTENCES:
            return tag("span", value, lang="en") if words.language != "en" else value
        return breakable(value) if name in VERBATIM else words.value(value, name)
    text = words.format.cell(name, value)
    return tag("time", text) if isinstance(value, dt.date) else text


def is_number(name: str) -> bool:
    """Whether a column holds numbers, by its name."""
    return name.endswith(("_at", "_date")) is False and any(word in f"{name}_" for word in NUMBER_WORDS)


def scaled(heading: str, start: str, end: str) -> Markup:
    """The heading of a column of drawings, with what both ends of their track stand for."""
    return joined([heading, tag("span", tag("small", start), tag("small", end), class_="ends")])


def with_interval(middle: str, low: str, high: str) -> Markup:
    """A number with its interval beside it, small."""
    return joined([middle, " ", tag("small", f"{low} – {high}")])


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


def data_table(words: Words, rows: Rows, caption: str, units: Mapping[str, str] | None = None) -> Markup:
    """All columns of a result, cut off after TABLE_ROWS rows with a line that says so; `units` as `plain` takes them."""
    if not rows.rows:
        return tag("p", words.say("ui.nothing"), class_="soft")
    columns = [plain(words, name, (units or {}).get(name)) for name in rows.columns]
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
    units: Mapping[str, str] | None = None,
    note: str = "",
    **values: Any,
) -> Markup:
    """The frame of one figure. `key` names its texts (`figures.<key>.title` and `.definition`) and its anchor.

    query_of: key of a figure of the same page and values whose query, and table, is this one's too.
    note: one line on how to read the drawing, above it. units: see `plain`.
    """
    title = words.say(f"figures.{key}.title", **values)
    suffix = "".join(f"-{str(value).replace(' ', '-')}" for value in values.values())
    anchor = f"{key}{suffix}"
    parts: list[Markup | str] = [tag("h2", title, id=f"{anchor}-title")]
    if note and rows.rows:
        parts.append(tag("p", note, class_="soft"))
    parts.append(drawing if rows.rows else tag("p", words.say("ui.nothing"), class_="soft"))
    if with_table and rows.rows:
        parts.append(
            tag("details", tag("summary", words.say("ui.table")), data_table(words, rows, title, units), class_="data")
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

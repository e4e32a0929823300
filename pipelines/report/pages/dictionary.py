"""The data dictionary: every published table and column, with its way from the exports. In English, as the contracts are.

Does not belong here: the Markdown form (`models/documentation.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from models.contract import Contract
from pipelines.drawing.markup import breakable, joined, tag
from pipelines.report.figure import Column, Page, table
from pipelines.report.words import Words

# (table, column) → what it comes from: table.column, table, package.module.function, system.export.column, or words.
Lineage = Mapping[tuple[str, str], Sequence[str]]


PUBLISHED = "Tables of the release"
INNER = "Tables between, which are not in the release"


def dictionary(words: Words, contracts: Sequence[Contract], lineage: Lineage) -> Page:
    """One section a table, with a list of all tables on top; those that are not in the release come last.

    They are there because columns come from them: every way ends at columns of exports, or in words.
    """
    ordered = sorted(contracts, key=lambda item: (not item.published, item.table))
    body: list[Markup] = []
    for title, published in ((PUBLISHED, True), (INNER, False)):
        names = [item.table for item in ordered if item.published is published]
        if names:
            body.append(tag("h2", title))
            body.append(
                tag("ul", [tag("li", tag("a", breakable(name), href=f"#{name}")) for name in names], class_="toc")
            )
    tables = frozenset(item.table for item in ordered)
    body.extend(_section(contract, lineage, tables) for contract in ordered)
    return Page("dictionary", words.say("pages.dictionary.title"), words.say("pages.dictionary.lead"), body)


def _section(contract: Contract, lineage: Lineage, tables: frozenset[str]) -> Markup:
    origins = {column.name: tuple(lineage.get((contract.table, column.name), ())) for column in contract.columns}
    # What a function computes it computes of the same columns for each of its results: they stand once, above the table.
    computed = sorted({sources for sources in origins.values() if function_of(sources)})

    def origin(row: dict[str, str]) -> Markup:
        sources = origins[row["name"]]
        function = function_of(sources)
        return tag("a", function, href=f"#{contract.table}-by") if function else links(sources, tables)

    columns = [
        Column("column", lambda row: breakable(row["name"])),
        Column("meaning", lambda row: row["description"]),
        Column("type, unit", lambda row: ", ".join(filter(None, (row["type"], row["unit"])))),
        Column("comes from", origin),
    ]
    rows = [
        {"name": item.name, "type": item.type, "unit": item.unit, "description": item.description}
        for item in contract.columns
    ]
    notes = [
        tag(
            "p", tag("code", function_of(sources)), " computes from ", links(sources, tables), id=f"{contract.table}-by"
        )
        for sources in computed
    ]
    return tag(
        "section",
        tag("h2", contract.table, id=f"{contract.table}-title"),
        tag("p", contract.description),
        tag("p", f"Grain: {contract.grain}. Key: {', '.join(contract.key) or 'none'}.", class_="soft"),
        notes,
        table(columns, rows, f"Columns of {contract.table}", "told"),
        class_="figure",
        id=contract.table,
        aria_labelledby=f"{contract.table}-title",
    )


def function_of(sources: Sequence[str]) -> str | None:
    """The function among the sources of a column, where one computes it."""
    return next((source for source in sources if source.startswith("models.")), None)


def links(sources: Sequence[str], tables: frozenset[str]) -> Markup:
    """Sources, each a link to its table where it is one of this page; columns of one table stand together."""
    words = [source for source in sources if is_words(source, tables)]
    found: dict[str, list[str]] = {}
    for source in sources:
        if source in words or source.startswith("models."):
            continue
        # a table's name has no dot, an export's has one, and a column of an export may have some
        parts = source.split(".", 1 if source.split(".")[0] in tables else 2)
        found.setdefault(".".join(parts[:-1]) or source, []).append("rows" if source in tables else parts[-1])
    pieces: list[Markup | str] = [
        joined([_place(name, tables), ": ", ", ".join(columns)]) for name, columns in found.items()
    ]
    pieces += words
    return joined([part for piece in pieces for part in (piece, tag("br"))][:-1])


def is_words(source: str, tables: frozenset[str]) -> bool:
    """Whether a source is told in words, being neither a table nor a column."""
    return source not in tables and "." not in source


def _place(name: str, tables: frozenset[str]) -> Markup:
    return tag("a", name, href=f"#{name}") if name in tables else breakable(name)

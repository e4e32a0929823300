"""The data dictionary: every published table and column, with its way from the exports. In English, as the contracts are.

Does not belong here: the Markdown form (`models/documentation.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from models.contract import Contract
from pipelines.drawing.markup import joined, tag
from pipelines.report.figure import Column, Page, table
from pipelines.report.words import Words

# (table, column) → the columns it comes from, as table.column.
Lineage = Mapping[tuple[str, str], Sequence[str]]


def dictionary(words: Words, contracts: Sequence[Contract], lineage: Lineage) -> Page:
    """One section a table, with a list of all tables on top."""
    names = tag("ul", [tag("li", tag("a", item.table, href=f"#{item.table}")) for item in contracts], class_="toc")
    body: list[Markup] = [names]
    tables = frozenset(item.table for item in contracts)
    for contract in contracts:
        body.append(_section(contract, lineage, tables))
    return Page("dictionary", words.say("pages.dictionary.title"), words.say("pages.dictionary.lead"), body)


def _section(contract: Contract, lineage: Lineage, tables: frozenset[str]) -> Markup:
    def origin(row: dict[str, str]) -> Markup:
        sources = lineage.get((contract.table, row["name"]), ())
        links = [
            tag("a", source, href=f"#{source.split('.')[0]}") if source.split(".")[0] in tables else tag("span", source)
            for source in sources
        ]
        return joined([piece for link in links for piece in (link, " ")])

    columns = [
        Column("column", lambda row: row["name"]),
        Column("type", lambda row: row["type"]),
        Column("unit", lambda row: row["unit"]),
        Column("meaning", lambda row: row["description"]),
        Column("comes from", origin),
    ]
    rows = [
        {"name": item.name, "type": item.type, "unit": item.unit, "description": item.description}
        for item in contract.columns
    ]
    return tag(
        "section",
        tag("h2", contract.table, id=f"{contract.table}-title"),
        tag("p", contract.description),
        tag("p", f"Grain: {contract.grain}. Key: {', '.join(contract.key)}.", class_="soft"),
        table(columns, rows, f"Columns of {contract.table}"),
        class_="figure",
        id=contract.table,
        aria_labelledby=f"{contract.table}-title",
    )

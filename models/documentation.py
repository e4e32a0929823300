"""The table reference, generated from the contracts: what `docs/tables.md` says is what the tables are.

Not here: writing the file (the command line does), text about how to run anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.contract import Column, Contract, load_contracts

KINDS = {
    "canonical": (
        "Canonical tables",
        "What the exports say, in one shape. Each export maps to one of these; nothing else reads an export.",
    ),
    "per_customer": (
        "Tables per customer",
        "Functions of what one customer did: a night replaces the rows of the customers that changed.",
    ),
    "aggregate": ("Aggregates", "Recomputed every night from the tables above."),
    "book": ("The books of the night", "What was read, what was put aside and why, and that nothing was lost."),
    "configuration": ("Configuration", "What the company decided, as the SQL models read it."),
}


# (table, column) → the columns it comes from, as table.column.
Lineage = Mapping[tuple[str, str], Sequence[str]]


def tables_markdown(lineage: Lineage | None = None) -> str:
    """All tables with columns and checks as Markdown, ending in one newline; the same contracts give the same text.

    `lineage` fills the column "comes from"; what no table gives comes from exports or is made by the night.
    """
    contracts = load_contracts()
    lines = [
        "# Tables",
        "",
        "<!-- Generated from models/columns.yaml and models/contracts/: change those, then generate this again. -->",
        "",
        "Times are UTC without a zone. A share is 0 to 1. `_amount_base` is in the base currency of the configuration.",
        "Personal *direct* names or reaches a person: such a column is in DuckDB, not in the Parquet for BI tools.",
        "Personal *indirect* says something about one person without naming them. A check with severity *fail* stops",
        "the release.",
        "",
    ]
    for kind, (title, _) in KINDS.items():
        members = [contract for contract in contracts.values() if contract.kind == kind]
        links = ", ".join(f"[`{contract.table}`](#{contract.table})" for contract in members)
        lines.append(f"- **{title}**: {links}")
    for kind, (title, text) in KINDS.items():
        lines += ["", f"## {title}", "", text]
        for contract in contracts.values():
            if contract.kind == kind:
                lines += ["", *_table(contract, lineage or {})]
    return "\n".join(lines) + "\n"


def _table(contract: Contract, lineage: Lineage) -> list[str]:
    facts = [f"Grain: {contract.grain}."]
    if contract.key:
        facts.append(f"Key: {', '.join(f'`{name}`' for name in contract.key)}.")
    if contract.partition_by:
        facts.append(f"Parquet by month of `{contract.partition_by}`.")
    if not contract.published:
        facts.append("Internal: not in the release.")
    lines = [f"### {contract.table}", "", contract.description, "", " ".join(facts), ""]
    lines += ["| column | type | unit | personal | meaning | comes from |", "|---|---|---|---|---|---|"]
    lines += [_column(column, lineage.get((contract.table, column.name), ())) for column in contract.columns]
    if contract.checks:
        lines += ["", "Checks beside those that follow from key, required columns, values and ranges:", ""]
        lines += [f"- `{check.name}` ({check.severity}): {check.description}" for check in contract.checks]
    return lines


def _column(column: Column, sources: Sequence[str]) -> str:
    meaning = column.description
    # The catalogue has its own table; eighty names in a cell help nobody.
    if column.values and len(column.values) <= 8:
        meaning += " Values: " + ", ".join(f"`{value}`" for value in column.values) + "."
    if not column.nullable:
        meaning += " Never NULL."
    kind = column.type.replace('"', "")
    origin = ", ".join(f"`{source}`" for source in sources)
    return f"| `{column.name}` | {kind} | {column.unit} | {column.personal} | {_cell(meaning)} | {origin} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

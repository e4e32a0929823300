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

FROM_EXPORTS = "From the exports"

# (table, column) → what it comes from: table.column, table, package.module.function, or words.
Lineage = Mapping[tuple[str, str], Sequence[str]]
# Export → column of the canonical table it feeds → export columns, as system.export.column.
ExportLineage = Mapping[str, Mapping[str, Sequence[str]]]
CANONICAL = {"touchpoint", "party_record", "channel_cost", "identifier_link"}


def tables_markdown(lineage: Lineage | None = None, exports: ExportLineage | None = None) -> str:
    """All tables with columns and checks as Markdown, ending in one newline; the same contracts give the same text.

    `lineage` fills the column "comes from"; `exports` says of what each known export makes the columns of its canonical table.
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
                lines += ["", *_table(contract, lineage or {}, exports or {})]
    if exports:
        lines += ["", *_exports(exports)]
    return "\n".join(lines) + "\n"


def _exports(exports: ExportLineage) -> list[str]:
    """What each export makes its canonical columns of: the last step of the way from a published column to a file."""
    lines = [
        f"## {FROM_EXPORTS}",
        "",
        "Where a column of a canonical table comes from in each export that is known. In brackets: another export of the same",
        "system that the mapping looks up. What is not listed for an export is a constant of its mapping, or NULL.",
    ]
    system = ""
    for name, columns in sorted(exports.items()):
        if name.split(".")[0] != system:
            system = name.split(".")[0]
            lines += ["", f"### {system} exports", "", "| export | column | comes from |", "|---|---|---|"]
        for place, (column, sources) in enumerate(sorted(columns.items())):
            own = [f"`{source.removeprefix(name + '.')}`" for source in sources if source.startswith(f"{name}.")]
            others = [f"(`{source}`)" for source in sources if not source.startswith(f"{name}.")]
            lines.append(f"| {f'`{name}`' if place == 0 else ''} | `{column}` | {', '.join([*own, *others])} |")
    return lines


def _table(contract: Contract, lineage: Lineage, exports: ExportLineage) -> list[str]:
    facts = [f"Grain: {contract.grain}."]
    if contract.key:
        facts.append(f"Key: {', '.join(f'`{name}`' for name in contract.key)}.")
    if contract.partition_by:
        facts.append(f"Parquet by month of `{contract.partition_by}`.")
    if not contract.published:
        facts.append("Internal: not in the release.")
    lines = [f"### {contract.table}", "", contract.description, "", " ".join(facts), ""]
    lines += ["| column | type | unit | personal | meaning | comes from |", "|---|---|---|---|---|---|"]
    mapped = {name for columns in exports.values() for name in columns} if contract.table in CANONICAL else set()
    for column in contract.columns:
        lines.append(_column(column, lineage.get((contract.table, column.name), ()), column.name in mapped))
    if contract.checks:
        lines += ["", "Checks beside those that follow from key, required columns, values and ranges:", ""]
        lines += [f"- `{check.name}` ({check.severity}): {check.description}" for check in contract.checks]
    return lines


def _column(column: Column, sources: Sequence[str], is_mapped: bool) -> str:
    meaning = column.description
    # The catalogue has its own table; eighty names in a cell help nobody.
    if column.values and len(column.values) <= 8:
        meaning += " Values: " + ", ".join(f"`{value}`" for value in column.values) + "."
    if not column.nullable:
        meaning += " Never NULL."
    kind = column.type.replace('"', "")
    origins = [source if " " in source else f"`{source}`" for source in sources]
    if is_mapped:
        origins.append(f"[exports](#{FROM_EXPORTS.lower().replace(' ', '-')})")
    origin = ", ".join(origins)
    return f"| `{column.name}` | {kind} | {column.unit} | {column.personal} | {_cell(meaning)} | {origin} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

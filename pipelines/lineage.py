"""Where a column comes from: traced through the SELECTs of `sql/`, and by name through the mappings of `sources/`.

Does not belong here: how Dagster or the dictionary shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage

from models.contract import load_contracts
from pipelines.model_files import load_models
from pipelines.night.visitor import STATE_TABLES, state_columns
from sources.spec import ExportSpec, SourceCatalog

# Relations of a model that are another table's rows of tonight.
STANDS_FOR = {
    "touchpoint_scope": ("canonical", "touchpoint"),
    "party_record_scope": ("canonical", "party_record"),
}
SEEN = ("source_system", "first_seen_at", "last_seen_at", "record_count")
PAIR = ("left_type", "left_value", "right_type", "right_value")
# Relations that identity resolution makes of tonight's evidence.
EVIDENCE_COLUMNS = {
    "identifier_evidence": ("customer_id", "identifier_type", "identifier_value", *SEEN, "is_link"),
    "identity_link_evidence": ("customer_id", *PAIR, "link_rule", "match_weight", "reason", *SEEN),
}
# They are published under these names.
PUBLISHED_AS = {"identifier_evidence": "customer_identifier", "identity_link_evidence": "identity_link"}


@cache
def sql_lineage(name: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Column -> (relation, column) pairs that a model's SELECT takes it from, traced through its CTEs by SQLGlot."""
    model = load_models()[name]
    schema = {relation: columns for relation in model.reads if (columns := relation_columns(relation))}
    nodes = lineage(None, model.text, schema, dialect="duckdb", trim_selects=False)
    assert isinstance(nodes, dict)
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for column, node in nodes.items():
        pairs = {
            (leaf.expression.name, leaf.name.rpartition(".")[2].strip('"'))
            for leaf in node.walk()
            if not leaf.downstream and isinstance(leaf.expression, exp.Table)
        }
        found[column] = tuple(sorted(pairs))
    return found


def mapping_lineage(spec: ExportSpec, catalog: SourceCatalog) -> dict[str, list[tuple[str, str]]]:
    """Column a mapping SELECT returns -> (export, column) pairs it is made of, its lookups' columns included.

    By name, not by scope: what is called `x` anywhere in the SELECT counts as `x`. Mappings make structs and unnest them, which
    SQLGlot's own lineage does not follow.
    """
    results, made_of = made_by(spec.mapping_sql)
    declared: dict[str, tuple[str, str]] = {}
    for export in (*(catalog.exports[f"{spec.system}.{lookup}"] for lookup in spec.lookups), spec):
        declared.update({column.lower(): (export.name, column) for column in export.declared_columns})
    found: dict[str, list[tuple[str, str]]] = {}
    for result in results:
        seen: set[str] = set()
        todo = [result.lower()]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(made_of.get(name, ()))
        found[result] = sorted(declared[name] for name in seen if name in declared)
    return found


@cache
def made_by(mapping_sql: str) -> tuple[Sequence[str], Mapping[str, Set[str]]]:
    """Columns a mapping SELECT returns, and name -> the names it is made of; nothing for a text that is no SELECT."""
    made_of: dict[str, set[str]] = {}
    try:
        tree = sqlglot.parse_one(mapping_sql, read="duckdb")
    except sqlglot.ParseError:
        return (), made_of  # the night's step of this export says what is wrong with it
    if not isinstance(tree, exp.Query):
        return (), made_of
    for node in tree.find_all(exp.Alias, exp.PropertyEQ):
        name, body = (node.alias, node.this) if isinstance(node, exp.Alias) else (node.this.name, node.expression)
        made_of.setdefault(name.lower(), set()).update(column.name.lower() for column in body.find_all(exp.Column))
    return tree.named_selects, made_of


def relation_columns(relation: str) -> dict[str, str]:
    """Column names of a relation a model may read, as SQLGlot wants them (the types play no part in lineage)."""
    if relation in EVIDENCE_COLUMNS:
        return dict.fromkeys(EVIDENCE_COLUMNS[relation], "VARCHAR")
    if relation in STATE_TABLES:
        return state_columns(relation)
    name = STANDS_FOR.get(relation, ("", relation))[1]
    contract = load_contracts().get(name)
    # What is kept from night to night but not published has no contract: its columns are those a SELECT names.
    return dict.fromkeys(contract.column_names, "VARCHAR") if contract else {}


def model_lineage() -> dict[tuple[str, str], tuple[str, ...]]:
    """(table, column) → the `table.column` of other tables that the column's SELECT takes it from."""
    known = load_contracts()
    found: dict[tuple[str, str], set[str]] = {}
    for name in load_models():
        for column, pairs in sql_lineage(name).items():
            for relation, source in pairs:
                table = PUBLISHED_AS.get(relation, STANDS_FOR.get(relation, ("", relation))[1])
                if (table, source) != (name, column) and table in known:
                    found.setdefault((name, column), set()).add(f"{table}.{source}")
    return {key: tuple(sorted(sources)) for key, sources in found.items()}


def dictionary_lineage(catalog: SourceCatalog, exports: Iterable[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """(table, column) → where it comes from: `table.column` of published tables, `system.export.column` of these exports.

    Columns of canonical tables name export columns; those of models name columns of other tables; both ways are followed by
    the reader, step by step.
    """
    found = {key: set(sources) for key, sources in model_lineage().items()}
    for export in exports:
        spec = catalog.exports.get(export)
        if spec is None:
            continue
        for column, origins in mapping_lineage(spec, catalog).items():
            for origin, source in origins:
                found.setdefault((spec.feeds, column), set()).add(f"{origin}.{source}")
    return {key: tuple(sorted(sources)) for key, sources in found.items()}

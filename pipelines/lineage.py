"""Where a column comes from: traced through the SELECTs of `sql/`, and by name through the mappings of `sources/`.

Does not belong here: how Dagster or the dictionary shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.lineage import Node, lineage

from models.contract import load_contracts
from pipelines.model_files import load_models
from pipelines.night.visitor import STATE_TABLES, state_columns
from sources.spec import ExportSpec, SourceCatalog, load_catalog

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
CONFIGURATION = "the configuration"
# Tables of names that a model joins by a code of the spine: which name a row gets, the code says.
LOOKED_UP = {"touchpoint_type": "touchpoint_type_code", "channel": "channel_code"}
# They are published under these names.
PUBLISHED_AS = {"identifier_evidence": "customer_identifier", "identity_link_evidence": "identity_link"}


@cache
def nodes_of(name: str) -> Mapping[str, Node]:
    """Column -> the node of SQLGlot's lineage of a model's SELECT."""
    model = load_models()[name]
    schema = {relation: columns for relation in model.reads if (columns := relation_columns(relation))}
    nodes = lineage(None, model.text, schema, dialect="duckdb", trim_selects=False)
    assert isinstance(nodes, dict)
    return nodes


@cache
def sql_lineage(name: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Column -> (relation, column) pairs that a model's SELECT takes it from, traced through its CTEs by SQLGlot."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for column, node in nodes_of(name).items():
        pairs = {
            (leaf.expression.name, leaf.name.rpartition(".")[2].strip('"'))
            for leaf in node.walk()
            if not leaf.downstream and isinstance(leaf.expression, exp.Table)
        }
        found[column] = tuple(sorted(pairs))
    return found


@cache
def named_selects(name: str) -> Mapping[str, exp.Expression]:
    """The named SELECTs (CTEs) of a model."""
    tree = sqlglot.parse_one(load_models()[name].text, read="duckdb")
    return {cte.alias_or_name: cte.this for cte in tree.find_all(exp.CTE)}


def counted_relations(name: str, column: str) -> set[str]:
    """Relations whose rows a column tells of that takes no column of any: a count of rows, a word for where they stand."""
    made = named_selects(name)
    found: set[str] = set()
    todo = [leaf.source for leaf in nodes_of(name)[column].walk() if not leaf.downstream]
    seen: set[str] = set()
    while todo:
        for table in todo.pop().find_all(exp.Table):
            if table.name in seen:
                continue
            seen.add(table.name)
            if table.name in made:
                todo.append(made[table.name])
            else:
                found.add(table.name)
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


@cache
def model_lineage() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """(table, column) → what it comes from, for every column of a contract.

    `table.column` where a SELECT takes it from there or the contract says so; `table` where rows are counted or told apart;
    `package.module.function` where a function computes it, with the columns that the SELECT gives it; words for the rest
    (files, the configuration).
    """
    found: dict[tuple[str, str], set[str]] = {}
    for name, contract in load_contracts().items():
        declared = contract.lineage or {}
        traced = _traced(name) if name in load_models() else {}
        for column in contract.column_names:
            sources = {*traced.get(column, ()), *declared.get(column, ())} or set(declared.get("*", ()))
            if not sources and name in load_models():
                sources = _computed(name, column, traced)
            if not sources and contract.kind == "configuration":
                sources = {CONFIGURATION}
            found[name, column] = sources
    return {key: tuple(sorted(sources)) for key, sources in found.items() if sources}


def _traced(name: str) -> dict[str, set[str]]:
    """Column of a model's SELECT → the `table.column` of other tables that it takes it from."""
    known = load_contracts()
    found: dict[str, set[str]] = {}
    for column, pairs in sql_lineage(name).items():
        for relation, source in pairs:
            table = PUBLISHED_AS.get(relation, STANDS_FOR.get(relation, ("", relation))[1])
            if (table, source) != (name, column) and table in known and source in known[table].column_names:
                found.setdefault(column, set()).add(f"{table}.{source}")
                if table in LOOKED_UP and "spine" in load_models()[name].reads:
                    found[column].add(f"spine.{LOOKED_UP[table]}")
    return found


def _computed(name: str, column: str, traced: Mapping[str, Set[str]]) -> set[str]:
    """What a column comes from that no SELECT takes from a column: rows counted, or what the finish function computes."""
    model = load_models()[name]
    if model.finish and column not in sql_lineage(name):
        measures = {
            source for given, sources in traced.items() if given not in load_contracts()[name].key for source in sources
        }
        return {model.finish, *measures}
    known = load_contracts()
    relations = counted_relations(name, column)
    tables = {PUBLISHED_AS.get(relation, STANDS_FOR.get(relation, ("", relation))[1]) for relation in relations}
    return {table for table in tables if table in known and table not in (name, "setting")}


def export_lineage(catalog: SourceCatalog, exports: Iterable[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Export → column of the canonical table it feeds → the `system.export.column` the mapping makes it of."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for export in exports:
        spec = catalog.exports.get(export)
        if spec is not None and spec.feeds in load_contracts():
            known = load_contracts()[spec.feeds].column_names
            found[export] = {
                column: tuple(f"{origin}.{source}" for origin, source in origins)
                for column, origins in mapping_lineage(spec, catalog).items()
                if origins and column in known
            }
    return found


def documented_lineage() -> tuple[Mapping[tuple[str, str], tuple[str, ...]], dict[str, dict[str, tuple[str, ...]]]]:
    """What `docs/tables.md` says of where columns come from: through the models, and through every known mapping."""
    catalog = load_catalog()
    return model_lineage(), export_lineage(catalog, catalog.exports)


def dictionary_lineage(catalog: SourceCatalog, exports: Iterable[str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """`model_lineage`, and for canonical tables the `system.export.column` of these exports.

    Columns of canonical tables name export columns; those of models name columns of other tables; both ways are followed by
    the reader, step by step.
    """
    found = {key: set(sources) for key, sources in model_lineage().items()}
    for export, columns in export_lineage(catalog, exports).items():
        for column, sources in columns.items():
            found.setdefault((catalog.exports[export].feeds, column), set()).update(sources)
    return {key: tuple(sorted(sources)) for key, sources in found.items()}

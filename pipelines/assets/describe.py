"""What Dagster shows of a table: column schema, column lineage, checks, row counts; all from contracts and SQL.

Does not belong here: executing anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import dagster as dg
import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage

from models.contract import Contract, load_contracts
from pipelines.model_files import Model, load_models
from pipelines.night.checks import CheckOutcome
from sources.spec import ExportSpec, SourceCatalog

# Relations of a model that are another table's rows of tonight.
STANDS_FOR = {
    "touchpoint_scope": ("canonical", "touchpoint"),
    "party_record_scope": ("canonical", "party_record"),
}
EVIDENCE_COLUMNS = (
    "customer_id",
    "identifier_type",
    "identifier_value",
    "source_system",
    "first_seen_at",
    "last_seen_at",
    "record_count",
    "is_link",
)


def column_schema(contract: Contract) -> dg.TableSchema:
    """A contract's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type,
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=contract.key == (column.name,)),
            )
            for column in contract.columns
        ]
    )


def asset_key(relation: str) -> dg.AssetKey | None:
    """The asset that stands behind a relation name; None for configuration tables."""
    if relation in STANDS_FOR:
        return dg.AssetKey(list(STANDS_FOR[relation]))
    if relation == "identifier_evidence":
        return dg.AssetKey("identifier_customer")
    if relation in load_models() or relation in ("channel_cost", "identifier_link", "export_file", "quarantine"):
        return dg.AssetKey(relation)
    return None


@cache
def sql_lineage(name: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Column -> (relation, column) pairs that a model's SELECT takes it from, traced through its CTEs by SQLGlot."""
    model = load_models()[name]
    schema = {relation: relation_columns(relation) for relation in model.reads}
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
    try:
        tree = sqlglot.parse_one(spec.mapping_sql, read="duckdb")
    except sqlglot.ParseError:
        return {}  # the night's step of this export says what is wrong with it
    if not isinstance(tree, exp.Query):
        return {}
    made_of: dict[str, set[str]] = {}
    for node in tree.find_all(exp.Alias, exp.PropertyEQ):
        name, body = (node.alias, node.this) if isinstance(node, exp.Alias) else (node.this.name, node.expression)
        made_of.setdefault(name.lower(), set()).update(column.name.lower() for column in body.find_all(exp.Column))
    declared: dict[str, tuple[str, str]] = {}
    for export in (*(catalog.exports[f"{spec.system}.{lookup}"] for lookup in spec.lookups), spec):
        declared.update({column.lower(): (export.name, column) for column in export.declared_columns})
    found: dict[str, list[tuple[str, str]]] = {}
    for result in tree.named_selects:
        seen: set[str] = set()
        todo = [result.lower()]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(made_of.get(name, ()))
        found[result] = sorted(declared[name] for name in seen if name in declared)
    return found


def relation_columns(relation: str) -> dict[str, str]:
    """Column names of a relation a model may read, as SQLGlot wants them (the types play no part in lineage)."""
    if relation == "identifier_evidence":
        return dict.fromkeys(EVIDENCE_COLUMNS, "VARCHAR")
    name = STANDS_FOR.get(relation, ("", relation))[1]
    return dict.fromkeys(load_contracts()[name].column_names, "VARCHAR")


def column_lineage(model: Model) -> dg.TableColumnLineage:
    """A model's column lineage between assets."""
    deps: dict[str, list[dg.TableColumnDep]] = {}
    for column, pairs in sql_lineage(model.name).items():
        found = [
            dg.TableColumnDep(asset_key=key, column_name=source)
            for relation, source in pairs
            if (key := asset_key(relation)) is not None
        ]
        if found:
            deps[column] = found
    return dg.TableColumnLineage(deps_by_column=deps)


def check_specs(table: str, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of a contract; those of severity fail stop what comes after."""
    return [
        dg.AssetCheckSpec(
            name=check.name, asset=key, description=check.description or None, blocking=check.severity == "fail"
        )
        for check in load_contracts()[table].generated_checks()
    ]


def check_results(outcomes: Iterable[CheckOutcome], key: dg.AssetKey) -> list[dg.AssetCheckResult]:
    """Outcomes as Dagster check results."""
    return [
        dg.AssetCheckResult(
            asset_key=key,
            check_name=outcome.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if outcome.severity == "fail" else dg.AssetCheckSeverity.WARN,
            description=outcome.message,
            metadata={"offending_rows": outcome.offending_count},
        )
        for outcome in outcomes
    ]

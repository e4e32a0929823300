"""What Dagster shows of a table: column schema, column lineage, checks, row counts; all from contracts and SQL.

Does not belong here: executing anything, finding out where a column comes from (`pipelines/lineage.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from models.contract import Contract, load_contracts
from pipelines.lineage import STANDS_FOR, sql_lineage
from pipelines.model_files import Model, load_models
from pipelines.night.checks import CheckOutcome
from pipelines.night.visitor import STATE_TABLES


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
    if relation in ("identifier_evidence", "identity_link_evidence"):
        return dg.AssetKey("identifier_customer")
    if relation in STATE_TABLES:
        # Kept while the access logs are read, from their requests.
        return dg.AssetKey(["source", "access_log", "request"])
    if relation in load_models() or relation in ("channel_cost", "identifier_link", "export_file", "quarantine"):
        return dg.AssetKey(relation)
    return None


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

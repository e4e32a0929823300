"""Rules every SQL model keeps: contract, explicit columns, a dialect that goes to Spark too, plain text."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import exp

from models.contract import Contract, load_contracts
from pipelines.model_files import Model, load_models
from tests.sql.runner import Room

MODELS = list(load_models().values())
# Silently different or failing on Spark (measured, see the design, section 11).
FORBIDDEN = re.compile(
    r"\b(asof|epoch|epoch_ms|hash|pivot|approx_\w+|quantile_cont|list_reduce|to_minutes|range|len|median|arg_min|arg_max"
    r"|array_agg|list|isodow|dow|log)\s*\(|\basof\b|\bpivot\b",
    re.IGNORECASE,
)


def code(model: Model) -> str:
    """The SELECT without its comments."""
    return re.sub(r"--[^\n]*", "", model.text)


@pytest.fixture(scope="module")
def empty_company() -> Room:
    """Every table of a company of which nothing is known."""
    room = Room({})
    for name in load_models():
        room.build(name)
    return room


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_table_is_what_its_contract_says(model: Model) -> None:
    contract = load_contracts()[model.name]
    room = Room({})
    room.build(model.name)
    found = {row[0]: row[1] for row in room.rows(f"describe {model.name}")}
    nulls = ", ".join(f'cast(null as {column.type}) as "{column.name}"' for column in contract.columns)
    assert list(found.items()) == [(row[0], row[1]) for row in room.rows(f"describe select {nulls}")]
    assert contract.kind == model.kind or contract.kind == "canonical"
    assert f"-- grain: {', '.join(contract.key)}" in model.text


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_empty_company_breaks_no_check(model: Model, empty_company: Room) -> None:
    for check in load_contracts()[model.name].generated_checks():
        assert empty_company.rows(check.on(model.name)) == [(0,)], check.name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_output_column_is_cast_and_none_is_a_star(model: Model) -> None:
    tree = sqlglot.parse_one(model.text, read="duckdb")
    # count(*) holds a star too; a selected star is one that stands directly in a SELECT list.
    for select in tree.find_all(exp.Select):
        assert not any(isinstance(item, exp.Star) or item.is_star for item in select.expressions), model.name
    for item in tree.selects:
        assert isinstance(item, exp.Alias) and isinstance(item.this, exp.Cast), item.sql()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_select_goes_to_spark(model: Model) -> None:
    spark = sqlglot.transpile(model.text, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    assert len(spark) == 1
    assert sqlglot.parse_one(spark[0], read="spark").named_selects == sqlglot.parse_one(model.text).named_selects
    found = FORBIDDEN.search(code(model))
    assert found is None, found and found.group(0)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_model_is_plain_sql(model: Model) -> None:
    assert "{{" not in model.text and "{%" not in model.text
    assert max(len(line) for line in model.text.splitlines()) <= 135


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_order_of_rows_in_a_window_is_total(model: Model) -> None:
    """row_number, lag and their like need an order that ends in something unique within the partition."""
    unique = {
        "touchpoint_id", "party_record_id", "position", "channel_code", "contact_rule", "step_number",
        "friction", "path", "place", "session_id", "rule_number", "host", "score_kind", "occurred_hour", "device",
        "activity_date", "channel_rank", "customer_id", "touchpoint_type", "week_date", "period",
    }  # fmt: skip
    for window in sqlglot.parse_one(model.text, read="duckdb").find_all(exp.Window):
        order = window.args.get("order")
        # Equals share a rank: there a total order would be wrong.
        if order is not None and not isinstance(window.this, exp.PercentRank):
            assert order.expressions[-1].this.name in unique, window.sql()


def test_per_customer_tables_know_their_customer() -> None:
    for model in MODELS:
        if model.kind == "per_customer":
            assert "customer_id" in load_contracts()[model.name].column_names, model.name


def test_per_customer_models_read_no_aggregate() -> None:
    aggregates = {model.name for model in MODELS if model.kind == "aggregate"}
    for model in MODELS:
        if model.kind == "per_customer":
            assert not aggregates & set(model.inputs), model.name


def sources_of(name: str) -> set[str]:
    """Every model that `name` is made from, however far back."""
    models = load_models()
    found: set[str] = set()
    waiting = [name]
    while waiting:
        model = models.get(waiting.pop())
        new = set(model.inputs) - found if model else set()
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("contract", load_contracts().values(), ids=lambda contract: contract.table)
def test_checks_read_what_is_there_before_them(contract: Contract) -> None:
    """A check of a table runs when that table is made: others it reads must be made earlier, so the table must come from them."""
    settled = {name for name, other in load_contracts().items() if other.kind == "configuration"}
    for check in contract.checks:
        tree = sqlglot.parse_one(check.on(contract.table), read="duckdb")
        named = {cte.alias for cte in tree.find_all(exp.CTE)}
        read = {table.name for table in tree.find_all(exp.Table)} - named
        assert read <= {contract.table} | settled | sources_of(contract.table), check.name

"""Contracts: what they give, what they refuse, and that each generated check finds its breach."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from models.catalogue import UNMAPPED, channels, load_catalogue, touchpoint_type_table
from models.contract import Check, ContractError, load_columns, load_contracts, read_contract
from models.documentation import tables_markdown

CONTRACTS = list(load_contracts().values())

PLAIN = """
description: A table.
kind: aggregate
layer: test
grain: one row
key: [customer_id]
required: [status]
columns:
  - customer_id
  - {name: status, values: [open, shut], because: a test}
  - {name: rate, minimum: 0.5, maximum: 2, because: a test}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "thing.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.table)
def test_contract_makes_a_table_that_holds_its_comments_and_checks(contract: Any) -> None:
    with duckdb.connect() as connection:
        for other in CONTRACTS:
            connection.execute(f'create table "{other.table}" ({other.ddl()})')
        for statement in contract.comments():
            connection.execute(statement)
        comments = connection.execute(
            "select column_name, comment from duckdb_columns() where table_name = ?", [contract.table]
        ).fetchall()
        assert all(comment for _, comment in comments)
        assert [name for name, _ in comments] == list(contract.column_names)
        names = [check.name for check in contract.generated_checks()]
        assert len(set(names)) == len(names)
        for check in contract.generated_checks():
            assert re.fullmatch(r"[a-z0-9_]+", check.name)
            assert check.severity in ("fail", "warn")
            assert check.description, check.name
            rows = connection.execute(check.on(f'"{contract.table}"')).fetchall()
            assert rows == [(0,)], check.name
        schema = connection.sql(f'select * from "{contract.table}"').to_arrow_table().schema
    arrow = contract.arrow_schema()
    assert arrow.names == schema.names
    assert arrow.types == schema.types
    for field in arrow:
        assert field.metadata[b"description"]


def test_names_say_what_columns_are() -> None:
    """`_at` a timestamp, `_date` a date, `_count` a number, `is_` a boolean, shares and money bounded."""
    for column in load_columns().values():
        if column.name.endswith("_at"):
            assert column.type == "TIMESTAMP" and column.unit == "UTC", column.name
        if column.name.endswith("_date"):
            assert column.type == "DATE", column.name
        if column.name.endswith("_count"):
            assert column.type in ("BIGINT", "INTEGER", "DOUBLE"), column.name
        if re.match(r"(is|has)_", column.name):
            assert column.type == "BOOLEAN", column.name
        if column.name.endswith("_seconds"):
            assert column.unit == "s", column.name
        if column.name.endswith("_amount_base"):
            assert column.unit == "base currency", column.name
        if column.name.endswith("_share") and column.name not in ("change_share", "year_on_year_share"):
            assert column.minimum == 0, column.name


def test_every_column_definition_is_used() -> None:
    used = {column.name for contract in CONTRACTS for column in contract.columns}
    assert set(load_columns()) == used


def test_money_has_its_currency_beside_it() -> None:
    for contract in CONTRACTS:
        for name in ("amount", "cost_amount"):
            if name in contract.column_names:
                assert "currency" in contract.column_names


def test_touchpoint_has_the_agreed_columns() -> None:
    names = load_contracts()["touchpoint"].column_names
    assert names[:4] == ("touchpoint_id", "customer_id", "session_id", "occurred_at")
    assert names[-5:] == ("source_system", "source_export", "source_file_id", "source_row_number", "source_row_id")
    assert load_contracts()["touchpoint"].partition_by == "occurred_at"


def test_personal_columns_stay_out_of_what_is_published() -> None:
    published = {column.name for column in load_contracts()["touchpoint"].published_columns()}
    assert {"subject", "identifiers", "attributes"} & published == set()
    assert {"customer_id", "page_path"} <= published
    every = load_contracts()["touchpoint"].published_columns(with_personal=True)
    assert len(every) == len(load_contracts()["touchpoint"].columns)
    party = {column.name for column in load_contracts()["party_record"].published_columns()}
    assert not party & {"email", "phone", "full_name", "street", "house_number", "birth_date", "identifiers"}


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ("(1, 'open', 1.0), (2, 'shut', 2.0), (3, 'open', null)", {}),
        ("(1, 'open', 1.0), (1, 'open', 1.0), (1, 'shut', 1.0)", {"customer_id_is_not_unique": 2}),
        ("(null, 'open', 1.0)", {"a_required_value_is_missing": 1}),
        ("(1, null, 1.0)", {"a_required_value_is_missing": 1}),
        ("(1, 'ajar', 1.0)", {"a_value_is_not_one_of_those_allowed": 1}),
        ("(1, 'open', 0.4), (2, 'open', 2.1), (3, 'open', 0.5), (4, 'open', 2)", {"a_value_is_out_of_range": 2}),
    ],
)
def test_generated_checks_find_their_breach(tmp_path: Path, rows: str, broken: dict[str, int]) -> None:
    contract = read_contract(written(tmp_path, PLAIN), load_columns())
    with duckdb.connect() as connection:
        connection.execute(f"create table thing ({contract.ddl()})")
        connection.execute(f"insert into thing values {rows}")
        found = {check.name: connection.execute(check.on("thing")).fetchone() for check in contract.generated_checks()}
    assert {name: row[0] for name, row in found.items() if row != (0,)} == broken


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("- customer_id", "- custmer_id"), "did you mean 'customer_id'"),
        (("key: [customer_id]", "key: [journey_id]"), "'journey_id' is not one of its columns"),
        (("grain: one row", "gran: one row"), "did you mean 'grain'"),
        (("kind: aggregate", "kind: view"), "kind 'view' is none of"),
        (("because: a test}\n  - {name: rate", "unit: s}\n  - {name: rate"), "needs `because:`"),
        (("description: A table.", ""), "description missing"),
        (("- customer_id", "- customer_id\n  - customer_id"), "listed twice"),
    ],
)
def test_contract_with_a_mistake_says_which(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = PLAIN.replace(*change)
    assert text != PLAIN
    with pytest.raises(ContractError, match=re.escape(message)) as caught:
        read_contract(written(tmp_path, text), load_columns())
    assert "contracts/thing.yaml" in str(caught.value)


def test_check_replaces_only_the_table() -> None:
    assert Check("a", "select '{x}' from {table}").on("t") == "select '{x}' from t"


def test_catalogue_codes_are_rows() -> None:
    catalogue = load_catalogue()
    assert catalogue[UNMAPPED].code == 0
    assert [row.code for row in catalogue.values()] == list(range(len(catalogue)))
    assert catalogue["ad_impression"].code == 1
    table = touchpoint_type_table()
    assert table.schema.field("touchpoint_type_code").type == pa.int16()
    assert table.schema.types == load_contracts()["touchpoint_type"].arrow_schema().types
    assert table.column_names == list(load_contracts()["touchpoint_type"].column_names)
    assert channels()["unknown"] == 0
    # What could not be mapped comes after everything else of the same moment.
    assert max(catalogue.values(), key=lambda row: row.sort_rank).touchpoint_type == UNMAPPED


def test_page_of_tables_names_every_table_and_column() -> None:
    page = tables_markdown()
    for contract in CONTRACTS:
        assert f"\n### {contract.table}\n" in page
        section = page.split(f"\n### {contract.table}\n")[1].split("\n### ")[0]
        for column in contract.columns:
            assert f"| `{column.name}` |" in section
    assert page == tables_markdown()

"""The Parquet files say the same to every reader, and their schema keeps what was published."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pytest

from models.contract import load_contracts
from pipelines.night.publish import SCHEMA_VERSION, published_schema
from tests.look.conftest import Shop

PUBLISHED = Path(__file__).parents[2] / "docs" / "published-schema.json"
# One table in a single file, one by month; with text, times, floats, booleans and NULLs.
TABLES = {"customer_360": ("order_amount_base", "first_seen_at"), "journey_step": ("amount_base", "occurred_at")}
Facts = tuple[int, float, Any, Any]


def facts_of_duckdb(folder: Path, amount: str, moment: str) -> Facts:
    query = f"select count(*), sum({amount}), min({moment}), max({moment}) from '{folder}/**/*.parquet'"
    return duckdb.sql(query).fetchall()[0]


def facts_of_polars(folder: Path, amount: str, moment: str) -> Facts:
    frame = polars.scan_parquet(f"{folder}/**/*.parquet").select(
        polars.len(), polars.col(amount).sum(), polars.col(moment).min().alias("a"), polars.col(moment).max().alias("b")
    )
    return frame.collect().row(0)


def facts_of_pyarrow(folder: Path, amount: str, moment: str) -> Facts:
    table = pyarrow.dataset.dataset(folder, partitioning="hive").to_table(columns=[amount, moment])
    ends = pc.min_max(table[moment]).as_py()
    return table.num_rows, pc.sum(table[amount]).as_py(), ends["min"], ends["max"]


def facts_of_pandas(folder: Path, amount: str, moment: str) -> Facts:
    frame = pandas.read_parquet(folder, columns=[amount, moment])
    ends = (frame[moment].min().to_pydatetime(), frame[moment].max().to_pydatetime())
    return len(frame), float(frame[amount].sum()), *ends


def facts_of_spark(folder: Path, amount: str, moment: str) -> Facts:
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: pip install pyspark (needs Java 17)")
    session = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        # two questions and it ends: neither the second compiler nor a parallel collector pays for itself
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.read.parquet(str(folder)).createOrReplaceTempView("t")
    row = session.sql(
        f"select count(*), sum({amount}), cast(min({moment}) as string), cast(max({moment}) as string) from t"
    ).collect()[0]
    return row[0], row[1], pandas.Timestamp(row[2]).to_pydatetime(), pandas.Timestamp(row[3]).to_pydatetime()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("reader", [facts_of_polars, facts_of_pyarrow, facts_of_pandas, facts_of_spark])
def test_every_reader_finds_what_the_database_holds(shop: Shop, table: str, reader: Any) -> None:
    amount, moment = TABLES[table]
    folder = shop.warehouse / "current" / "parquet" / table
    held = shop.rows(f"select count(*), sum({amount}), min({moment}), max({moment}) from {table}")[0]
    for facts in (facts_of_duckdb(folder, amount, moment), reader(folder, amount, moment)):
        assert facts[0] == held[0] > 0 and math.isclose(facts[1], held[1], rel_tol=1e-9)
        assert (facts[2], facts[3]) == (held[2], held[3])


def test_each_file_carries_types_and_descriptions(shop: Shop) -> None:
    for name, contract in load_contracts().items():
        folder = shop.warehouse / "current" / "parquet" / name
        if not contract.published or not folder.exists():
            continue
        schema = pyarrow.dataset.dataset(folder, partitioning=None).schema
        wanted = {column.name for column in contract.published_columns()}
        assert set(schema.names) == wanted, name
        for field in schema:
            assert field.type == contract.arrow_schema().field(field.name).type, f"{name}.{field.name}"
            assert field.metadata and field.metadata[b"description"], f"{name}.{field.name}"
        assert not any(column.personal == "direct" for column in contract.columns if column.name in schema.names)


def test_what_was_published_stays() -> None:
    """Within a major version nothing goes and nothing changes its type; additions are published by `make docs`."""
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    now = published_schema()
    if published["schema_version"].split(".")[0] == SCHEMA_VERSION.split(".")[0]:
        for table, columns in published["tables"].items():
            assert table in now["tables"], f"{table} is gone: raise the major of SCHEMA_VERSION"
            for column, kind in columns.items():
                found = now["tables"][table].get(column)
                assert found == kind, f"{table}.{column} was {kind}, is {found}: raise the major of SCHEMA_VERSION"
    assert now == published, "there is more than was published: run `make docs`"


def test_arrow_types_are_those_every_reader_knows() -> None:
    for contract in load_contracts().values():
        for field in contract.arrow_schema():
            assert not pa.types.is_dictionary(field.type) and not pa.types.is_large_string(field.type), field.name

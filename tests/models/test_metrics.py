"""The semantic layer: what is written in metrics.yaml is what the SQL files compute and the docs say."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from models.contract import load_contracts
from models.metrics import SHAPES, channel_select, load_metrics, metrics_markdown

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", SHAPES)
def test_sql_is_made_of_the_metrics(name: str) -> None:
    written = (ROOT / "sql" / "measure" / f"{name}.sql").read_text(encoding="utf-8")
    assert written == channel_select(name), "run `python -m models.metrics`"
    columns = load_contracts()[name].column_names
    assert columns == (SHAPES[name].date, *SHAPES[name].dimensions, *load_metrics())


def test_docs_have_the_table_of_metrics() -> None:
    assert metrics_markdown() in (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", load_metrics().values(), ids=lambda metric: metric.name)
def test_what_adds_up_does_and_a_ratio_is_the_ratio_of_sums(metric) -> None:
    """Two rows of activity: a metric that adds up over everything gives the sum of both, others the ratio of the sums."""
    con = duckdb.connect()
    columns = load_contracts()["channel_activity"].columns
    con.execute(f"create table channel_activity ({', '.join(f'{c.name} {c.type}' for c in columns)})")
    numbers = {c.name for c in columns if c.type in ("BIGINT", "DOUBLE") or c.type.startswith("DECIMAL")}
    for row in (1, 3):
        values = {name: row * (7 + len(name) % 5) for name in numbers} | {"customer_id": 9, "session_id": row}
        con.execute(
            f"insert into channel_activity ({', '.join(values)}) values ({', '.join(map(str, values.values()))})"
        )
    whole = con.execute(f"select {metric.expression} from channel_activity").fetchone()
    parts = [
        con.execute(f"select {metric.expression} from channel_activity where session_id = {i}").fetchone()
        for i in (1, 3)
    ]
    assert whole is not None
    if metric.adds == "everything":
        assert float(whole[0]) == pytest.approx(float(parts[0][0]) + float(parts[1][0]))
    elif metric.name == "customer_count":
        assert whole[0] == 1
    elif metric.name != "session_count":
        # Both rows have the same ratio here, and so has their whole.
        assert float(whole[0]) == pytest.approx(float(parts[0][0]))

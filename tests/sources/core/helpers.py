"""Small systems made for one test, and the way of one file through reading and typing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import yaml

from sources.read import ParseResult, parse
from sources.spec import ExportSpec, load_spec
from sources.typed import typed_select
from sources.web import offer_web_functions

SHARED = Path(__file__).parents[4] / "shared" / "data"


def make_spec(
    folder: Path,
    read: dict[str, Any],
    name: str = "visit",
    sql: str = "select row_id, id as raw_type from export_row",
    **keys: Any,
) -> ExportSpec:
    """Write `<folder>/shop/<name>.yaml` with its SELECT and load it."""
    system = folder / "shop"
    system.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "Made for a test.",
        "feeds": "touchpoint",
        "recognise": {"path": "*"},
        "read": read,
        **keys,
    }
    (system / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    if content["feeds"] != "lookup":
        (system / f"{name}.sql").write_text(sql, encoding="utf-8")
    return load_spec(system / f"{name}.yaml")


def read_rows(path: Path, spec: ExportSpec, salt: bytes = b"salt") -> tuple[ParseResult, list[dict[str, Any]]]:
    """The parsed file of a file, as rows."""
    out = path.parent / f"{path.name}.parsed.parquet"
    result = parse(path, spec, out, salt)
    rows = pq.read_table(out).to_pylist()
    assert len(rows) == result.row_count
    assert sum(row["_problem"] is not None for row in rows) == result.problem_count
    assert [row["_row"] for row in rows] == list(range(1, len(rows) + 1))
    return result, rows


def type_rows(path: Path, spec: ExportSpec) -> list[dict[str, Any]]:
    """The typed rows of a file, in file order."""
    out = path.parent / f"{path.name}.parsed.parquet"
    result = parse(path, spec, out, b"salt")
    con = duckdb.connect(":memory:")
    con.execute(f"create view parsed as select '{path.name}' as file_id, * from read_parquet('{out}')")
    offer_web_functions(con.execute)
    query = typed_select(spec, "parsed", result.columns)
    return con.sql(f"select * from ({query}) order by row_number").to_arrow_table().to_pylist()

"""Parquet to parsed rows: every column as text, nested values as JSON text.

Does not belong here: what a column means. Typing the text again later costs little and keeps one way for all formats.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from sources.opening import as_file
from sources.spec import ExportSpec
from sources.writing import BASE_SCHEMA, ROW_GROUP_ROWS, ParsedWriter, column_names


def parse_parquet(path: Path, spec: ExportSpec, writer: ParsedWriter) -> None:
    """Read the file into the writer, batch by batch. Times with a zone are written in UTC with +00."""
    with as_file(path) as file:
        _parse(file, spec, writer)


def _parse(path: Path, spec: ExportSpec, writer: ParsedWriter) -> None:
    con = duckdb.connect(":memory:")
    con.execute("set TimeZone = 'UTC'")
    columns = con.execute("describe select * from read_parquet($path)", {"path": str(path)}).fetchall()
    cells = []
    for name, kind, *_ in columns:
        quoted = '"' + name.replace('"', '""') + '"'
        nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
        cells.append(f"nullif(cast({f'to_json({quoted})' if nested else quoted} as varchar), '')")
    names = column_names([name for name, *_ in columns], spec)
    writer.columns = list(names)
    reader = con.sql(
        f"select cast(file_row_number + 1 as integer), {', '.join(cells)} "
        "from read_parquet($path, file_row_number := true) order by file_row_number",
        params={"path": str(path)},
    ).to_arrow_reader(ROW_GROUP_ROWS)
    for batch in reader:
        count = batch.num_rows
        base = [batch.column(0), *(pa.nulls(count, field.type) for field in list(BASE_SCHEMA)[1:])]
        writer.write(pa.table([*base, *batch.columns[1:]], names=[*BASE_SCHEMA.names, *names]))

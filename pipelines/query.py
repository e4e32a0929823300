"""Read-only queries on the current release, and their text form.

Does not belong here: anything that writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipelines.warehouse import Warehouse

WIDTH = 118
MINIMUM_COLUMN = 6


class QueryError(Exception):
    """A query that cannot run on the release; the text says why and what to try."""


def query_release(warehouse_folder: Path, query: str, limit: int) -> tuple[list[str], list[tuple[Any, ...]], bool]:
    """Run one query on the current release; returns column names, at most `limit` rows, and whether there are more.

    The file is opened read-only, without access to other files. Raises QueryError.
    """
    release = Warehouse(warehouse_folder.absolute()).require_current()
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        con.execute("set enable_external_access = false")
        con.execute("set python_enable_replacements = false")
        con.execute("set lock_configuration = true")
        try:
            cursor = con.execute(query)
            names = [column[0] for column in cursor.description or []]
            rows = cursor.fetchmany(limit + 1)
        except duckdb.Error as error:
            raise QueryError(
                f'{str(error).strip()}\nTables: touchpoint360 sql "show tables"; columns: touchpoint360 sql "describe TABLE".'
            ) from error
    return names, rows[:limit], len(rows) > limit


def table_text(names: Sequence[str], rows: Sequence[Sequence[Any]], more: bool) -> str:
    """Rows as aligned columns no wider than the page; the widest columns give way first and end in '…'.

    A table with more columns than fit is written down the page, a line per value.
    """
    cells = [[cell_text(value) for value in row] for row in rows]
    count = f"({len(rows)} rows; more with --limit)" if more else f"({len(rows)} rows)"
    if len(names) * (MINIMUM_COLUMN + 2) > WIDTH:
        label = max(len(name) for name in names)
        blocks = [
            "\n".join(
                [
                    f"-- row {number}",
                    *(f"{n:<{label}}  {v}"[:WIDTH].rstrip() for n, v in zip(names, row, strict=True)),
                ]
            )
            for number, row in enumerate(cells, start=1)
        ]
        return "\n".join([*blocks, count])
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(names)]
    while sum(widths) + 2 * len(widths) > WIDTH and max(widths) > MINIMUM_COLUMN:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    numeric = [all(isinstance(row[i], int | float) or row[i] is None for row in rows) for i in range(len(names))]

    def line(values: Sequence[str]) -> str:
        parts = []
        for i, value in enumerate(values):
            text = value if len(value) <= widths[i] else value[: widths[i] - 1] + "…"
            parts.append(text.rjust(widths[i]) if numeric[i] else text.ljust(widths[i]))
        return "  ".join(parts).rstrip()

    lines = [line(names), line(["-" * width for width in widths]), *(line(row) for row in cells)]
    return "\n".join([*lines, count])


def cell_text(value: Any) -> str:
    """One value on one line; six significant digits of a floating-point number are enough to read."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("\n", " ")

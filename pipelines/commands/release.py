"""Looking at a release: SQL, the data dictionary, the web UI.

Does not belong here: the work (other modules of `pipelines/` and `sources/`).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.common import DEFAULT_WAREHOUSE, ConfigOption, JsonOption, WarehouseOption, working


def sql(
    query: Annotated[str, typer.Argument(help="A SELECT (or DESCRIBE, SHOW, SUMMARIZE).")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to print.")] = 100,
) -> None:
    """Query the current release, read-only."""
    from pipelines.query import query_release, table_text

    with working("asking"):
        names, rows, more = query_release(warehouse, query, limit)
    if as_json:
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2, default=str))
    else:
        print(table_text(names, rows, more))


def tables(
    out: Annotated[Path | None, typer.Option("--out", help="File to write (default: print).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the data dictionary, generated from the contracts: Markdown, or tables and column types as JSON."""
    with working("reading contracts and lineage"):
        from models.documentation import tables_markdown
        from pipelines.lineage import documented_lineage
        from pipelines.night.publish import published_schema

        text = json.dumps(published_schema(), indent=1) + "\n" if as_json else tables_markdown(*documented_lineage())
    if out is None:
        print(text)
    else:
        out.write_text(text, encoding="utf-8")


def ui(
    exports: Annotated[
        list[Path] | None, typer.Option("--exports", help="Export folders for nights started there.")
    ] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    config: ConfigOption = None,
    port: Annotated[int, typer.Option("--port", help="Port on this machine.")] = 3000,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Open the Dagster web UI with its daemon (schedule and sensor) on this warehouse."""
    from pipelines.launch import ui_command, ui_environment

    for folder in exports or []:
        if not folder.exists():
            print(f"warning: {folder} does not exist yet; until it does, a night started there fails.", file=sys.stderr)
    environment = ui_environment(exports or [], warehouse, config)
    os.execvpe(sys.executable, ui_command(host, port), environment)

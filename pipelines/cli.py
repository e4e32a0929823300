"""The command line: `touchpoint360 …`.

Belongs here: arguments, messages, exit codes. Does not belong here: the work (other modules of `pipelines/` and `sources/`).

Heavy imports (Dagster, pyarrow) stand inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

EXIT_FAILED = 1
EXIT_USAGE = 2

app = typer.Typer(
    name="touchpoint360",
    help="Customer event analytics from system exports: every contact moment, who it was, where customers are lost.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

WarehouseOption = Annotated[
    Path, typer.Option("--warehouse", envvar="TOUCHPOINT360_WAREHOUSE", help="Warehouse folder.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="TOUCHPOINT360_CONFIG", help="Configuration file (default: touchpoint360.yaml if there)."
    ),
]
DEFAULT_WAREHOUSE = Path("warehouse")


@app.command(epilog="Example: touchpoint360 run --exports exports/ --warehouse warehouse/")
def run(
    exports: Annotated[
        list[Path], typer.Option("--exports", help="Folder with exports (or one file); may be given several times.")
    ],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    config: ConfigOption = None,
    as_of: Annotated[
        str, typer.Option("--as-of", help="Moment the release speaks of, ISO 8601 (default: the latest touchpoint).")
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="Rebuild everything from the parsed files.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, only the summary.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run one night: read new exports, resolve customers, derive journeys, check, and switch to the new release.

    Exit status 0 only when the release switched.
    """
    from pipelines.assets.resource import parse_moment
    from pipelines.launch import run_night
    from pipelines.summary import night_summary, summary_text

    missing = [str(path) for path in exports if not path.exists()]
    if missing:
        raise UserError(f"export folder {', '.join(missing)} does not exist. Check --exports.")
    parse_moment(as_of)
    release = run_night(exports, warehouse, config, as_of, full, quiet)
    summary = night_summary(release)
    print(json.dumps(summary, indent=2, default=str) if as_json else summary_text(summary, warehouse))


@app.command(epilog="Example: touchpoint360 inspect exports/orders.csv")
def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what each file is recognised as and why, what is in it, and which rows would be quarantined."""
    from models.configuration import load_configuration
    from pipelines.assets.resource import configuration_file, configured_catalog
    from pipelines.night.register import find_files
    from sources.inspect import FileReport, inspect_file

    path = config or configuration_file()
    catalog = configured_catalog(load_configuration(path), path)
    reports: list[FileReport] = []
    for given in paths:
        if not given.exists():
            raise UserError(f"{given} does not exist.")
        files = [given] if given.is_file() else [found.path for found in find_files([given])]
        reports.extend(inspect_file(file, catalog) for file in files)
    if as_json:
        print(json.dumps([report.to_json() for report in reports], indent=2, default=str))
    else:
        print("\n\n".join(report.to_text() for report in reports))


@app.command(epilog="Example: touchpoint360 sources zendesk.ticket")
def sources(
    name: Annotated[str, typer.Argument(help="A system or an export; empty for the list.")] = "",
    config: ConfigOption = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of a spec, for editors.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the systems and exports that are known, or explain one."""
    from models.configuration import load_configuration
    from pipelines.assets.resource import configuration_file, configured_catalog
    from sources.catalogue_text import catalogue_rows, catalogue_text, export_text, find_exports
    from sources.spec import SourceCatalog, spec_schema

    if schema:
        print(json.dumps(spec_schema(), indent=2))
        return
    path = config or configuration_file()
    catalog = configured_catalog(load_configuration(path), path)
    if name:
        catalog = SourceCatalog({spec.name: spec for spec in find_exports(catalog, name)})
    if as_json:
        print(json.dumps(catalogue_rows(catalog), indent=2))
    elif name:
        print("\n\n".join(export_text(spec) for spec in catalog.exports.values()))
    else:
        print(catalogue_text(catalog))


@app.command(epilog="Example: touchpoint360 generate --customers 2000 --seed 360 --nights 3 --out demo/")
def generate(
    out: Annotated[Path, typer.Option("--out", help="Folder for exports/ and truth/.")],
    customers: Annotated[int, typer.Option("--customers", min=10, help="Number of people.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 360,
    nights: Annotated[int, typer.Option("--nights", min=1, max=30, help="Number of nights the exports arrive in.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Make the exports of the demo company, with the truth about them beside."""
    from dataclasses import asdict

    from pipelines.demo.generate import generate as make

    summary = make(out, customers=customers, seed=seed, nights=nights, progress=show_part)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if as_json:
        print(json.dumps(asdict(summary), indent=2, default=str))
        return
    print(f"Demo company with {customers:,} people (seed {seed}) in {out}")
    for name, value in asdict(summary).items():
        if isinstance(value, int | float | str) and name not in ("customers", "seed"):
            print(f"  {name.replace('_', ' '):<24} {value:,}" if isinstance(value, int) else f"  {name:<24} {value}")
    print(f"Next: touchpoint360 run --exports {out}/exports/night_01")


def show_part(text: str, done: int, total: int) -> None:
    """Progress of a command on a terminal."""
    if sys.stderr.isatty() and total:
        sys.stderr.write(f"\r\x1b[K{text}: {done} of {total} ({done / total:.0%})")
        sys.stderr.flush()


@app.command(epilog="Example: touchpoint360 status")
def status(warehouse: WarehouseOption = DEFAULT_WAREHOUSE, as_json: JsonOption = False) -> None:
    """Show the current release: what it holds, its warnings, the state of its files."""
    from pipelines.summary import night_summary, summary_text
    from pipelines.warehouse import Warehouse

    summary = night_summary(Warehouse(warehouse.absolute()).require_current())
    print(json.dumps(summary, indent=2, default=str) if as_json else summary_text(summary, warehouse))


@app.command(epilog="Example: touchpoint360 releases --json")
def releases(warehouse: WarehouseOption = DEFAULT_WAREHOUSE, as_json: JsonOption = False) -> None:
    """List the releases that are kept, the current one marked."""
    from pipelines.warehouse import Warehouse

    house = Warehouse(warehouse.absolute())
    current = house.current()
    rows = [
        {
            "release_id": release.release_id,
            "is_current": current is not None and release.release_id == current.release_id,
            "created_at": release.summary["created_at"],
            "data_date_at": release.summary["data_date_at"],
            "touchpoint_count": release.summary["row_counts"].get("touchpoint", 0),
            "customer_count": release.summary["row_counts"].get("customer", 0),
        }
        for release in house.releases()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'':2}{'release':<10}{'made (UTC)':<22}{'data until (UTC)':<22}{'touchpoints':>14}{'customers':>12}")
    for row in rows:
        mark = "* " if row["is_current"] else "  "
        print(
            f"{mark}{row['release_id']:<10}{row['created_at'][:19]:<22}{row['data_date_at'][:19]:<22}"
            f"{row['touchpoint_count']:>14,}{row['customer_count']:>12,}"
        )
    if not rows:
        print("  none yet; run `touchpoint360 run --exports DIR`")


@app.command(epilog="Example: touchpoint360 rollback --to r000002")
def rollback(
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    to: Annotated[str, typer.Option("--to", help="Release to go back to (default: the one before the current).")] = "",
) -> None:
    """Make an earlier release current again; the next night goes on from there."""
    from pipelines.warehouse import Warehouse, WarehouseError

    house = Warehouse(warehouse.absolute())
    with house.lock():
        if not to:
            current = house.require_current()
            earlier = [r.release_id for r in house.releases() if r.release_id < current.release_id]
            if not earlier:
                raise WarehouseError(
                    f"{current.release_id} is the oldest release kept; there is nothing to go back to."
                )
            to = earlier[-1]
        house.switch(to)
    print(f"current is {to}")


@app.command(epilog='Example: touchpoint360 sql "select channel, count(*) from touchpoint group by all"')
def sql(
    query: Annotated[str, typer.Argument(help="A SELECT (or DESCRIBE, SHOW, SUMMARIZE).")],
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows to print.")] = 100,
) -> None:
    """Query the current release, read-only."""
    from pipelines.query import query_release, table_text

    names, rows, more = query_release(warehouse, query, limit)
    if as_json:
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2, default=str))
    else:
        print(table_text(names, rows, more))


@app.command(epilog="Example: touchpoint360 ui --exports exports/ --port 3000")
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

    environment = ui_environment(exports or [], warehouse, config)
    os.execvpe(sys.executable, ui_command(host, port), environment)


@app.command(epilog="Example: touchpoint360 tables --out docs/tables.md")
def tables(
    out: Annotated[Path | None, typer.Option("--out", help="File to write (default: print).")] = None,
) -> None:
    """Print the data dictionary as Markdown, generated from the contracts."""
    from models.documentation import tables_markdown

    text = tables_markdown()
    if out is None:
        print(text)
    else:
        out.write_text(text, encoding="utf-8")


class UserError(Exception):
    """A mistake in how a command was called."""


def user_errors() -> tuple[type[Exception], ...]:
    """Exceptions whose text is meant for the user; all others are defects and keep their traceback."""
    import duckdb

    from models.configuration import ConfigurationError
    from pipelines.model_files import ModelError
    from pipelines.night.run import NightError
    from pipelines.query import QueryError
    from pipelines.warehouse import WarehouseError
    from sources.spec import SpecError

    return (
        UserError,
        ConfigurationError,
        ModelError,
        NightError,
        QueryError,
        WarehouseError,
        SpecError,
        duckdb.IOException,
        FileNotFoundError,
        PermissionError,
        ValueError,
    )


def main() -> Any:
    """Entry point: user mistakes end with one line on stderr and exit status 1 (2 for wrong arguments)."""
    try:
        app()
    except KeyboardInterrupt:
        print("interrupted; the current release is unchanged", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, user_errors()):
            raise
        print(f"touchpoint360: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE if isinstance(error, UserError) else EXIT_FAILED)


if __name__ == "__main__":
    main()

"""The night and its releases: run, status, releases, rollback.

Does not belong here: the work (other modules of `pipelines/` and `sources/`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.common import (
    DEFAULT_WAREHOUSE,
    ConfigOption,
    JsonOption,
    UserError,
    WarehouseOption,
    complete_release,
)


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
    try:
        parse_moment(as_of)
    except ValueError as error:
        raise UserError(f"--as-of: {error}") from None
    release = run_night(exports, warehouse, config, as_of, full, quiet)
    summary = night_summary(release)
    print(json.dumps(summary, indent=2, default=str) if as_json else summary_text(summary, warehouse))


def status(warehouse: WarehouseOption = DEFAULT_WAREHOUSE, as_json: JsonOption = False) -> None:
    """Show the current release: what it holds, its warnings, the state of its files."""
    from pipelines.summary import night_summary, summary_text
    from pipelines.warehouse import Warehouse

    summary = night_summary(Warehouse(warehouse.absolute()).require_current())
    print(json.dumps(summary, indent=2, default=str) if as_json else summary_text(summary, warehouse))


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


def rollback(
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="Release to go back to (default: the one before the current).", autocompletion=complete_release
        ),
    ] = "",
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

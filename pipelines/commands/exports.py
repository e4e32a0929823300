"""Exports before a night: what a file is, which systems are known, the demo company.

Does not belong here: the work (other modules of `pipelines/` and `sources/`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.common import ConfigOption, JsonOption, UserError, end_progress, show_part, working


def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what each file is recognised as and why, what is in it, and which rows would be quarantined."""
    from models.configuration import load_configuration
    from pipelines.configured import configuration_file, configured_catalog
    from pipelines.night.register import find_files
    from sources.inspect import FileReport, inspect_file

    path = config or configuration_file()
    catalog = configured_catalog(load_configuration(path), path)
    reports: list[FileReport] = []
    for given in paths:
        if not given.exists():
            raise UserError(f"{given} does not exist.")
        files = [given] if given.is_file() else [found.path for found in find_files([given])]
        for file in files:
            with working(f"reading {file.name}"):
                reports.append(inspect_file(file, catalog))
    if as_json:
        print(json.dumps([report.to_json() for report in reports], indent=2, default=str))
    else:
        print("\n\n".join(report.to_text() for report in reports))


def sources(
    name: Annotated[str, typer.Argument(help="A system or an export; empty for the list.")] = "",
    config: ConfigOption = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of a spec, for editors.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the systems and exports that are known, or explain one."""
    with working("reading specs"):
        from models.configuration import load_configuration
        from pipelines.configured import configuration_file, configured_catalog
        from sources.catalogue_text import catalogue_rows, catalogue_text, export_text, find_exports
        from sources.spec import SourceCatalog, spec_schema

        path = config or configuration_file()
        catalog = None if schema else configured_catalog(load_configuration(path), path)
    if catalog is None:
        print(json.dumps(spec_schema(), indent=2))
        return
    if name:
        catalog = SourceCatalog({spec.name: spec for spec in find_exports(catalog, name)})
    if as_json:
        print(json.dumps(catalogue_rows(catalog), indent=2))
    elif name:
        print("\n\n".join(export_text(spec) for spec in catalog.exports.values()))
    else:
        print(catalogue_text(catalog))


def generate(
    out: Annotated[Path, typer.Option("--out", help="Folder for exports/ and truth/.")],
    customers: Annotated[int, typer.Option("--customers", min=10, help="Number of people.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 360,
    nights: Annotated[int, typer.Option("--nights", min=1, max=30, help="Number of nights the exports arrive in.")] = 3,
    visitor_cookie: Annotated[
        bool,
        typer.Option(
            "--visitor-cookie", help="The web log carries a visitor's cookie, which joins visits on different days."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the exports of the demo company, with the truth about them beside."""
    from dataclasses import asdict

    from pipelines.demo.generate import generate as make

    summary = make(
        out, customers=customers, seed=seed, nights=nights, progress=show_part, visitor_cookie=visitor_cookie
    )
    end_progress()
    if as_json:
        print(json.dumps(asdict(summary), indent=2, default=str))
        return
    print(f"Demo company with {customers:,} people (seed {seed}) in {out}")
    for name, value in asdict(summary).items():
        if isinstance(value, int | float | str) and name not in ("customers", "seed"):
            print(f"  {name.replace('_', ' '):<24} {value:,}" if isinstance(value, int) else f"  {name:<24} {value}")
    print(f"Next: touchpoint360 run --exports {out}/exports/night_01")

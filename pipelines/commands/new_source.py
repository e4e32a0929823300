"""`touchpoint360 new-source`: a first spec and mapping for an unknown export, tried on its files at once.

Belongs here: the command, what it prints, where it writes. Does not belong here: telling formats, columns and meanings
(`sources/dialect.py`, `profile.py`, `propose.py`, `write_spec.py`), running a spec (`pipelines/trial.py`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.commands.common import ConfigOption, JsonOption, UserError, working

if TYPE_CHECKING:
    from pipelines.new_source import Result


def new_source(
    files: Annotated[
        list[Path], typer.Argument(help="Files of ONE export (several are profiled together).", metavar="FILE")
    ],
    into: Annotated[Path, typer.Option("--into", help="Folder with your company's own systems; made when absent.")],
    name: Annotated[str, typer.Option("--name", help="system.export, small letters: till.receipt.")],
    time_zone: Annotated[
        str, typer.Option("--time-zone", help="Zone of times without one, such as Europe/Amsterdam.")
    ] = "",
    currency: Annotated[str, typer.Option("--currency", help="Currency of amounts without one, such as EUR.")] = "",
    record: Annotated[
        str, typer.Option("--record", help="XML element or dotted JSON path of one record, where it is not found.")
    ] = "",
    config: ConfigOption = None,
    register: Annotated[
        bool, typer.Option("--register", help="Name the folder under source_folders in the configuration file.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite spec and mapping of this name.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also for files that a known export recognises.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a first spec and mapping for an unknown export, try them on the files and show what they give.

    What the proposal is unsure of stands as a comment beginning with "unsure:" in both files, with the evidence. Correct the
    SELECT, then look again with `touchpoint360 inspect FILE`.
    """
    from models.configuration import load_configuration
    from pipelines.configured import configuration_file, configured_catalog
    from pipelines.new_source import make_source, register_folder

    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", name):
        raise UserError(f"--name {name}: write system.export in small letters, digits and underscores: till.receipt")
    missing = [str(path) for path in files if not path.exists()]
    if missing:
        raise UserError(f"{', '.join(missing)} does not exist.")
    path = config or configuration_file()
    configuration = load_configuration(path)
    catalog = configured_catalog(configuration, path)
    with working(f"reading {files[0].name}"):
        result = make_source(
            files, into, name, catalog, configuration, time_zone, currency, record, force=force, anyway=anyway
        )
    known = {folder.resolve() for folder in configuration.source_folders}
    named = into.resolve() in known
    if register and not named:
        path = register_folder(path, into)
        named = True
    if as_json:
        print(json.dumps({**result.to_json(), "registered": named}, indent=2, ensure_ascii=False, default=str))
        return
    print(_text(result))
    if result.beside:
        print(f"\nThe same rows also describe people:\n\n{_text(result.beside)}")
    print()
    if not named:
        print(
            f"Next: name {into} under source_folders in touchpoint360.yaml (or call this again with --register --force)."
        )
    elif register:
        print(f"{into} stands under source_folders in {path}.")
    print(f"Then: read {result.sql_path or result.yaml_path}, correct it, and `touchpoint360 inspect {files[0]}`.")


def _text(result: Result) -> str:
    """The result for a terminal, some 110 columns wide."""
    trial = result.trial
    lines = [
        f"{result.proposal.system}.{result.proposal.export}: feeds {result.proposal.feeds}, because: {result.proposal.evidence}"
    ]
    read = ", ".join(f"{key} {value!r}" for key, value in result.proposal.read.items() if key != "columns")
    lines.append(f"  read as      {read}")
    for path in result.written:
        lines.append(f"  wrote        {path}")
    skipped = "".join(f", skipped by {rule} {count:,}" for rule, count in trial.skipped.items())
    lines.append(
        f"  rows         {trial.row_count:,} read: mapped {trial.mapped_count:,}, quarantined {trial.quarantined_count:,}"
        + skipped
        + (f", repeated {trial.repeated_count:,}" if trial.repeated_count else "")
        + (f", LEFT OUT {trial.unmapped_row_count:,}" if trial.unmapped_row_count else "")
    )
    if trial.error:
        lines.append(f"  error        {trial.error}")
    for column, reason, count, row in trial.quarantine[:8]:
        lines.append(f"  quarantine   {count:,}: {column + ': ' if column else ''}{reason} (row {row:,})")
    if trial.types:
        listed = ", ".join(f"{name} {count:,}" for name, count in trial.types.items())
        lines.append(
            f"  touchpoints  {trial.canonical_row_count:,}: {listed}; with a person {trial.identified_count:,}"
        )
    elif result.proposal.feeds != "lookup":
        lines.append(f"  gives        {trial.canonical_row_count:,} rows of {result.proposal.feeds}")
    if trial.labels:
        listed = ", ".join(f"{label!r} {count:,}" for label, count in list(trial.labels.items())[:12])
        more = f" and {len(trial.labels) - 12} more" if len(trial.labels) > 12 else ""
        lines.append(f"  unmapped     {listed}{more}")
    if result.proposal.unmapped_columns:
        lines.append(f"  not mapped   columns {', '.join(result.proposal.unmapped_columns)}")
    unsure = result.unsure
    if unsure:
        lines.append(f"  unsure       {len(unsure)}; each stands as a comment in the files:")
        lines += [f"    - {text}" for text in unsure[:12]]
        if len(unsure) > 12:
            lines.append(f"    … and {len(unsure) - 12} more")
    if trial.rows:
        lines += ["", *_table(trial.columns, result.shown_rows)]
    return "\n".join(lines)


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> list[str]:
    """Rows under their names; columns that no longer fit into 120 characters are left out."""
    cells = [[str(row[name]) if row[name] is not None else "" for name in columns] for row in rows]
    widths = [max(len(name), *(len(line[at]) for line in cells)) for at, name in enumerate(columns)]
    shown, used = 0, 2
    for width in widths:
        if used + width + 2 > 120:
            break
        used += width + 2
        shown += 1
    head = "  " + "  ".join(name.ljust(width) for name, width in list(zip(columns, widths, strict=True))[:shown])
    return [head.rstrip()] + [
        ("  " + "  ".join(cell.ljust(width) for cell, width in list(zip(line, widths, strict=True))[:shown])).rstrip()
        for line in cells
    ]

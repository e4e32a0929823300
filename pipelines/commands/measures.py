"""Commands about what is measured: attribution of any file of paths, suggestions for tomorrow's contacts.

Does not belong here: the measures themselves (`models/`, `sql/measure/`), nights, releases.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.common import DEFAULT_WAREHOUSE, JsonOption, UserError, WarehouseOption, complete_with, working

if TYPE_CHECKING:
    from models.attribution import Paths

# The columns of a file of paths, and the names other tools give them.
PATH_COLUMNS = {
    "path": ("path", "paths", "journey"),
    "conversions": ("conversions", "total_conversions", "conversion", "converted"),
    "value": ("value", "total_conversion_value", "conversion_value", "total_value"),
    "nulls": ("nulls", "total_null", "null", "total_nulls"),
}


def attribute(
    paths: Annotated[
        Path, typer.Argument(help="CSV file: path, conversions, value, nulls (the last two may be missing).")
    ],
    separator: Annotated[str, typer.Option("--separator", help="What stands between two channels of a path.")] = ">",
    model: Annotated[list[str] | None, typer.Option("--model", help="Only this model; may be repeated.")] = None,
    value: Annotated[bool, typer.Option("--value", help="Show the value credited instead of the conversions.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write all of it to this CSV file as well.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Share the conversions of a file of paths out over its channels, by every model side by side."""
    from models import attribution
    from models.naming import nearest

    chosen = list(dict.fromkeys(model or attribution.MODELS))
    for name in chosen:
        if name not in attribution.MODELS:
            raise UserError(f"{name!r} is not an attribution model{nearest(name, attribution.MODELS)}")
    with working(f"reading {paths.name}"):
        walked = read_paths_file(paths, separator)
    found = {}
    for name in chosen:
        with working(name):
            found[name] = attribution.attribute(walked, name)
    rows = [
        {
            "attribution_model": name,
            "attribution_channel": channel,
            "conversion_credit": float(credit.conversions[number]),
            "value": float(credit.value[number]),
            "removal_effect": None if credit.removal_effect is None else float(credit.removal_effect[number]),
        }
        for name, credit in found.items()
        for number, channel in enumerate(walked.channels)
    ]
    if out is not None:
        import polars as pl

        pl.DataFrame(rows, infer_schema_length=None).write_csv(out)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    total, worth, lost = walked.conversions.sum(), walked.value.sum(), walked.nulls.sum()
    print(f"{len(walked.length):,} different paths, {total:,.0f} conversions, value {worth:,.2f}, {lost:,.0f} nulls")
    if not lost and any(name in attribution.MARKOV for name in chosen):
        print("No path ended without conversion: removal effects then only say how indispensable a channel is.")
    print("value credited" if value else "conversions credited")
    width = max(len(name) for name in (*walked.channels, "channel"))
    print("  ".join([f"{'channel':<{width}}", *(f"{_short(name):>10}" for name in chosen)]))
    for number, channel in enumerate(walked.channels):
        parts = [found[name].value if value else found[name].conversions for name in chosen]
        print("  ".join([f"{channel:<{width}}", *(f"{float(part[number]):>10,.2f}" for part in parts)]))
    if out is not None:
        print(f"written to {out}")


def _short(model: str) -> str:
    return {
        "last_non_direct": "non_direct",
        "position_based": "position",
        "first_touch": "first",
        "last_touch": "last",
    }.get(model, model)


def read_paths_file(file: Path, separator: str) -> Paths:
    """The paths of a CSV file; UserError says what is wrong with it and where."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv

    from models.attribution import AttributionError, read_paths

    if not separator.strip():
        raise UserError("--separator must be a sign other than blanks, such as '>'")
    if not file.is_file():
        raise UserError(f"{file}: no such file. Name a CSV file of paths (path, conversions, value, nulls).")
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        header = lines.readline(100_000).strip()
    if not header:
        raise UserError(
            f"{file}: empty, or its first line is. The first line names the columns: path,conversions,value,nulls"
        )
    if "\ufffd" in header or "\0" in header:
        raise UserError(f"{file}: its first line is no text in UTF-8. Save it as CSV in UTF-8.")
    delimiter = max(";,\t|", key=header.count)
    names = [name.strip().strip('"') for name in header.split(delimiter)]
    known = {
        column: next((name for name in names if name.lower() in aliases), None)
        for column, aliases in PATH_COLUMNS.items()
    }
    for column in ("path", "conversions"):
        if known[column] is None:
            raise UserError(
                f"{file}: no column {column!r}; found {', '.join(names)}. "
                f"Name it {' or '.join(PATH_COLUMNS[column][:2])}."
            )
    types = {name: pa.string() if column == "path" else pa.float64() for column, name in known.items() if name}
    try:
        table = pyarrow.csv.read_csv(
            file,
            # One thread: only then does an error name its row.
            read_options=pyarrow.csv.ReadOptions(use_threads=False),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=["", "NA", "NULL", "null"]
            ),
        )
    except pa.ArrowInvalid as error:
        raise UserError(f"{file}: {error}") from None
    if not len(table):
        raise UserError(f"{file}: no paths below the header")
    # An empty cell is 0; what is written as no number, such as NaN, is refused below with its row.
    conversions, value, nulls = (
        table[known[column]].fill_null(0).to_numpy() if known[column] else np.zeros(len(table))
        for column in ("conversions", "value", "nulls")
    )
    try:
        return read_paths(table[known["path"]], conversions, value, nulls, separator.strip())
    except AttributionError as error:
        raise UserError(f"{file}: {error}") from None


def suggestions(
    system: Annotated[
        str,
        typer.Option(
            "--for",
            help="CRM that imports the tasks: salesforce, hubspot or dynamics.",
            autocompletion=complete_with("salesforce", "hubspot", "dynamics"),
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", help="CSV file to write (default: print).")] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the most worthwhile first.")] = 10_000,
    as_json: JsonOption = False,
) -> None:
    """Whom to contact, why and through which permitted channel; as a CSV file of tasks for a CRM."""
    from models.naming import nearest
    from pipelines import task_export
    from pipelines.query import table_text

    if system and system not in task_export.LAYOUTS:
        raise UserError(f"--for {system!r} is no CRM with a layout of tasks{nearest(system, task_export.LAYOUTS)}")
    if out is not None and not system:
        raise UserError("--out writes tasks for a CRM: name it with --for salesforce, hubspot or dynamics")
    with working("looking up"):
        rows = task_export.suggestions(warehouse, limit)
    if system:
        text = task_export.task_csv(rows, system)
        if out is None:
            print(text, end="")
        else:
            # The byte order mark tells Excel that the file is UTF-8; the importers of all three skip it.
            out.write_text(text, encoding="utf-8-sig", newline="")
            print(
                f"{len(rows):,} tasks for {system} written to {out}: it holds names and addresses, keep it accordingly"
            )
    elif as_json:
        print(json.dumps(rows, indent=2, default=str))
    else:
        shown = [
            "contact_rank",
            "customer_id",
            "contact_rule",
            "suggested_channel",
            "due_until_at",
            "value_amount_base",
        ]
        print(table_text(shown, [[row[name] for name in shown] for row in rows], False))

"""Asking about journeys on the command line: funnels, and journeys for process-mining tools.

Does not belong here: counting (`pipelines/funnel.py`) and writing (`pipelines/process.py`).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.commands.common import DEFAULT_WAREHOUSE, JsonOption, UserError, WarehouseOption, complete_with, working


def funnel(
    steps: Annotated[
        str, typer.Argument(help="A configured funnel, or steps: 'page_view > [site_search] > order_placed'.")
    ],
    window: Annotated[
        str | None, typer.Option("--window", help="Time from the entry: 30m, 12h, 7d, 2w. [default: 7d]")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            help="ordered, strict or unordered. [default: ordered]",
            autocompletion=complete_with("ordered", "strict", "unordered"),
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="A touchpoint type that ends an attempt.")
    ] = None,
    journey: Annotated[
        str | None, typer.Option("--journey", help="strict: only touchpoints of this journey may not stand between.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Divide by a column of the entry touchpoint.")] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", help="Two values of --by to compare: google,bing.")
    ] = None,
    trend: Annotated[bool, typer.Option("--trend", help="Conversion per week of entry.")] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    as_json: JsonOption = False,
) -> None:
    """How many customers go through a funnel, how fast, and where they stop.

    Steps are touchpoint types with > between; a|b is one step of two types; [a] is optional. A customer counts once, by the
    deepest attempt. Shares leave out customers whose window is not over yet: those are open.
    """
    import duckdb

    from pipelines.funnel import FunnelError, ask, configured_question, read_question
    from pipelines.warehouse import Warehouse

    release = Warehouse(warehouse.absolute()).require_current()
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        try:
            if ">" in steps:
                question = read_question(
                    steps,
                    window or "7d",
                    mode or "ordered",
                    exclude or [],
                    journey_types(con, journey) if journey else [],
                )
            else:
                if window or mode or exclude or journey:
                    raise FunnelError(
                        "a configured funnel has its own window, mode and exclusions; give the steps instead"
                    )
                question = configured_question(con, steps.strip())
            values = [value.strip() for value in compare.split(",")] if compare else []
            with working("counting"):
                answer = ask(con, question, by, values, trend)
        except FunnelError as error:
            raise UserError(str(error)) from None
    print(json.dumps(asdict(answer), indent=2, default=str) if as_json else funnel_text(answer, by))


def journey_types(con: Any, journey: str) -> list[str]:
    """Touchpoint types of a journey definition of the release."""
    from models.naming import nearest
    from pipelines.funnel import FunnelError

    rows = con.execute(
        "select journey_definition, touchpoint_type from journey_definition_type"
        " join touchpoint_type using (touchpoint_type_code) order by all"
    ).fetchall()
    names = sorted({row[0] for row in rows})
    if journey not in names:
        raise FunnelError(f"{journey!r} is not a journey definition{nearest(journey, names)}")
    return [kind for name, kind in rows if name == journey]


def funnel_text(answer: Any, by: str | None) -> str:
    """An answer as aligned tables of at most 118 columns."""
    from pipelines.query import table_text

    question = answer.question
    head = f"{question.mode}, within {duration(question.window_days * 86_400)} of the entry"
    if question.exclusions:
        head += f", ended by {', '.join(question.exclusions)}"
    names = [
        "step",
        "touchpoint",
        "reached",
        "of previous",
        "95 % interval",
        "of entered",
        "dropped",
        "open",
        "median",
        "mean",
    ]
    rows = []
    for row in answer.steps:
        interval = between(row["previous_share_low"], row["previous_share_high"])
        cells = (
            row["step_number"], row["touchpoint_type"], row["reached_count"], share(row["previous_share"]), interval,
            share(row["entered_share"]), row["dropped_count"], row["open_count"],
            duration(row["median_seconds_from_entry"]), duration(row["mean_seconds_from_entry"]),
        )  # fmt: skip
        rows.append((row["segment"], *cells) if by else cells)
    parts = [head, table_text([by, *names] if by else names, rows, False)]
    if not by:
        timed = [row for row in answer.steps if row["step_number"] > 1 and row["median_seconds_from_entry"] is not None]
        if timed:
            last = timed[-1]
            quantiles = ", ".join(
                f"{label} in {duration(last[name])}"
                for label, name in (
                    ("a quarter", "seconds_from_entry_quarter"), ("half", "median_seconds_from_entry"),
                    ("three quarters", "seconds_from_entry_three_quarters"), ("nine tenths", "seconds_from_entry_nine_tenths"),
                )
            )  # fmt: skip
            parts.append(f"From entry to {last['touchpoint_type']}: {quantiles}")
    for row in answer.optional:
        parts.append(
            f"Optional {row['touchpoint_type']} after step {row['after_step_number']}: {row['taken_count']:,} of"
            f" {row['reached_count']:,} ({share(row['taken_share'])}); {row['converted_count']:,} of them converted"
        )
    if answer.trend:
        weeks = [
            (
                str(row["week_date"]),
                row["entered_count"],
                row["converted_count"],
                row["open_count"],
                share(row["converted_share"]),
                between(row["converted_share_low"], row["converted_share_high"]),
            )
            for row in answer.trend
        ]
        parts.append(table_text(["week of", "entered", "converted", "open", "share", "95 % interval"], weeks, False))
    if answer.comparison:
        row = answer.comparison
        p = "too few for a test" if row["p_value"] is None else f"p = {row['p_value']:.4f}"
        sides = [
            f"{row[side]} {row[f'{side}_share']:.1%}"
            f" ({row[f'{side}_converted_count']:,} of {row[f'{side}_entered_count']:,})"
            for side in ("first", "second")
        ]
        parts.append(
            f"{sides[0]} against {sides[1]}:\ndifference {row['difference']:+.1%}, 95 % interval "
            f"{row['difference_low']:+.1%} to {row['difference_high']:+.1%}, {p}"
        )
    return "\n\n".join(parts)


def share(value: float | None) -> str:
    """A share in percent; empty for none."""
    return "" if value is None else f"{value:.1%}"


def between(low: float | None, high: float | None) -> str:
    """An interval of shares in percent; empty for none."""
    return "" if low is None or high is None else f"{low:.1%} to {high:.1%}"


def duration(seconds: float | None) -> str:
    """Seconds in the unit that reads best; empty for none."""
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def export_process(
    definition: Annotated[str, typer.Option("--definition", help="Journey definition to write.")],
    out: Annotated[Path, typer.Option("--out", help="File to write; .gz compresses.")],
    kind: Annotated[
        str,
        typer.Option(
            "--format", help="xes (IEEE 1849) or ocel (OCEL 2.0 JSON).", autocompletion=complete_with("xes", "ocel")
        ),
    ] = "xes",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
) -> None:
    """Write the journeys of a definition as an event log for process-mining tools.

    XES: one trace per journey. OCEL: touchpoints with the customers, journeys, sessions, orders, tickets and invoices they
    concern.
    """
    import duckdb

    from models.naming import nearest
    from pipelines.process import FORMATS, export_process
    from pipelines.warehouse import Warehouse

    if kind not in FORMATS:
        raise UserError(f"format {kind!r} is not one of {', '.join(FORMATS)}{nearest(kind, FORMATS)}")
    release = Warehouse(warehouse.absolute()).require_current()
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        names = [
            row[0] for row in con.execute("select journey_definition from journey_definition order by 1").fetchall()
        ]
        if definition not in names:
            raise UserError(f"{definition!r} is not a journey definition{nearest(definition, names)}")
        with working(f"writing {out.name}"):
            journeys, events = export_process(con, definition, kind, out)
    print(f"{out}: {journeys:,} journeys, {events:,} events ({kind})")

"""The semantic layer of channels: metrics read from `metrics.yaml`, and the SELECTs and the docs table made of them.

`python -m models.metrics` writes sql/measure/channel_daily.sql and its sisters; a test sees that they are what this makes.
Not here: what a touchpoint counts for (channel_activity.sql), contracts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.yaml_text import read_yaml

ROOM = Path(__file__).parent
# What a figure can be broken down by, in this order.
DIMENSIONS = ("channel", "channel_detail", "channel_group", "campaign_name", "medium", "journey_phase", "direction")


@dataclass(frozen=True)
class Shape:
    """A table of metrics: its date column, the period of a row, and what it is broken down by."""

    date: str
    period: str
    dimensions: tuple[str, ...]
    note: str


ANEW = "people and visits are counted anew, for they do not add up."
SHAPES = {
    "channel_daily": Shape("activity_date", "day", DIMENSIONS, "Days are UTC days."),
    "channel_weekly": Shape("week_date", "week", DIMENSIONS, f"Weeks begin on Monday (UTC); {ANEW}"),
    "channel_monthly": Shape("month_date", "month", DIMENSIONS, f"Months are UTC months; {ANEW}"),
    "channel_group_daily": Shape(
        "activity_date",
        "day",
        ("channel_group",),
        "Here spend and the visits it brought meet in one row: cost per visit.",
    ),
}
HEADER = """-- {name}: what happened per {subject} and {period}, with what it cost and what it brought.
-- kind: aggregate
-- grain: {date}, {dimensions}
-- Made by `python -m models.metrics` from models/metrics.yaml: change a metric there.
-- {note}
-- Costs stand on the day the advertising account says, in the channel group their visits come from; goals in the channel
-- they were reached in and the channel group of the visit that led to them. Ratios of spend take the visits and goals of
-- the same campaign and day, wherever they stand (brought_ in channel_activity); credit for the whole way is in
-- channel_attribution.
"""


@dataclass(frozen=True)
class Metric:
    """One metric: an aggregate over channel_activity. `adds` says over what it may be summed; `where` when it is known at all."""

    name: str
    formula: str
    type: str
    unit: str
    adds: str
    label: str
    where: str = ""

    @property
    def expression(self) -> str:
        """The formula with its condition and, for what is always known, 0 instead of NULL."""
        if self.where:
            return f"case\n            when {self.where}\n                then {self.formula}\n        end"
        return f"coalesce({self.formula}, 0)" if self.adds == "everything" else self.formula


@cache
def load_metrics() -> dict[str, Metric]:
    """All metrics by name, in the order of the file. Raises TypeError for an entry with an unknown or missing key."""
    entries: dict[str, dict[str, Any]] = read_yaml((ROOM / "metrics.yaml").read_text(encoding="utf-8"))
    return {name: Metric(name, **entry) for name, entry in entries.items()}


def channel_select(name: str) -> str:
    """The SQL file of one of SHAPES."""
    shape = SHAPES[name]
    truncated = f"cast(date_trunc('{shape.period}', activity_date) as date)"
    lines = [f"    {truncated} as {shape.date}"]
    lines += [f"    cast({column} as varchar) as {column}" for column in shape.dimensions]
    lines += [_column(metric) for metric in load_metrics().values()]
    header = HEADER.format(
        name=name,
        subject="channel" if len(shape.dimensions) > 1 else "channel group",
        period=shape.period,
        date=shape.date,
        dimensions=", ".join(shape.dimensions),
        note=shape.note,
    )
    groups = ",\n    ".join((truncated, *shape.dimensions))
    return f"{header}select\n" + ",\n".join(lines) + f"\nfrom channel_activity\ngroup by\n    {groups}\n"


def _column(metric: Metric) -> str:
    line = f"    cast({metric.expression} as {metric.type}) as {metric.name}"
    if len(line) <= 120 and not metric.where:
        return line
    return f"    cast(\n        {metric.expression}\n        as {metric.type}\n    ) as {metric.name}"


def metrics_markdown() -> str:
    """The table of metrics for the docs."""
    lines = ["| metric | what | unit | adds up over | formula over `channel_activity` |", "|---|---|---|---|---|"]
    lines += [
        f"| `{metric.name}` | {metric.label} | {metric.unit} | {metric.adds} | `{metric.formula}` |"
        for metric in load_metrics().values()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the SQL files."""
    for name in SHAPES:
        (ROOM.parent / "sql" / "measure" / f"{name}.sql").write_text(channel_select(name), encoding="utf-8")


if __name__ == "__main__":
    main()

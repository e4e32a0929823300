"""Trends: the weeks of each touchpoint and what stands out. Does not belong here: change detection (`models/`)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pipelines.drawing.charts import spark
from pipelines.drawing.markup import tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words

WEEKS = 53


def trends(words: Words, data: Data) -> Page:
    """Alerts of the latest complete week first, then every series as a line."""
    every = data.rows("trends")
    series: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in every.rows:
        series[row["touchpoint_type"], row["channel"]].append(row)
    lines = []
    for (touchpoint_type, channel), rows in series.items():
        weeks = [row for row in rows if row["is_complete"]][-WEEKS:]
        if not weeks:
            continue
        last = weeks[-1]
        lines.append({**last, "touchpoint_type": touchpoint_type, "channel": channel, "weeks": weeks})
    lines.sort(
        key=lambda row: (not row["is_outlier"], -row["touchpoint_count"], row["touchpoint_type"], row["channel"])
    )

    def drawn(row: dict[str, Any]) -> Any:
        label = f"{words.value(row['touchpoint_type'])}: {words.say('ui.weeks', count=len(row['weeks']))}"
        counts = [week["touchpoint_count"] for week in row["weeks"]]
        return spark(counts, [bool(week["is_outlier"]) for week in row["weeks"]], label)

    def alert(row: dict[str, Any]) -> Any:
        return tag("span", words.say("ui.alert"), class_="pill bad") if row["is_outlier"] else ""

    columns = [
        plain(words, "touchpoint_type"),
        plain(words, "channel"),
        Column(words.say("ui.weekly"), drawn, "plot"),
        plain(words, "touchpoint_count"),
        plain(words, "previous_median_count"),
        plain(words, "change_share"),
        Column(words.say("ui.verdict"), alert),
    ]
    names = tuple(name for name in every.columns if name != "week_date")
    latest = Rows(names, [{name: row[name] for name in names} for row in lines], every.query)
    drawing = table(columns, lines, words.say("figures.trend.title"))
    return Page(
        "trends",
        words.say("pages.trends.title"),
        words.say("pages.trends.lead"),
        [figure(words, "trend", drawing, latest, with_table=False)],
    )

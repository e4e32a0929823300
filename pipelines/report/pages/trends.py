"""Trends: the weeks of each series and what stands out. Does not belong here: change detection (`models/trend.py`)."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import spark
from pipelines.drawing.markup import tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words

WEEKS = 60
# Why there is an alert, as `models/trend.py` writes it (# is a number) → its text in `texts.yaml`.
REASONS = {
    "nothing in a week, where there was always something": "nothing_in_a_week",
    "more than its own past leads to expect": "more_than_before",
    "less than its own past leads to expect": "less_than_before",
    "the source has been silent for # days": "silent_source",
}
# Series of single touchpoint types that are drawn when nothing stands out in them: the largest.
QUIET = 40


def trends(words: Words, data: Data) -> Page:
    """Alerts of the weeks tested, then every series as a line, those with an alert first."""
    every = data.rows("trends")
    alerts = every.only(is_alert=True)
    lines = latest_weeks(every)
    alert_columns = [
        Column(words.column("series"), lambda row: series_name(words, row)),
        plain(words, "series_kind"),
        plain(words, "week_date"),
        plain(words, "touchpoint_count"),
        *(plain(words, name) for name in told(alerts.rows, "mean_score_scaled", "expected_value", "change_share")),
        Column(words.column("alert_reason"), lambda row: reason(words, row["alert_reason"])),
    ]
    names = tuple(name for name in every.columns if name != "measure")
    shown = Rows(names, [{name: row[name] for name in names} for row in lines], every.query)
    body = [
        figure(
            words,
            "alerts",
            table(alert_columns, alerts.rows, words.say("figures.alerts.title")),
            alerts,
            with_table=False,
        ),
        figure(words, "trend", series_table(words, lines), shown, with_table=False),
    ]
    return Page("trends", words.say("pages.trends.title"), words.say("pages.trends.lead"), body)


def told(rows: list[dict[str, Any]], *names: str) -> list[str]:
    """Those of these columns that say something in a row at least."""
    return [name for name in names if any(row[name] is not None for row in rows)]


def series_name(words: Words, row: dict[str, Any]) -> str:
    """A source is called as its folder is; all else in the reader's words."""
    return str(row["series"]) if row["series_kind"] == "source" else words.value(row["series"], row["series_kind"])


def reason(words: Words, text: str | None) -> str:
    """Why there is an alert, in the reader's language; a number in the sentence stays."""
    if not text:
        return ""
    number = re.search(r"\d+", text)
    key = REASONS.get(re.sub(r"\d+", "#", text))
    return words.say(f"ui.{key}", count=number[0] if number else "") if key else text


def latest_weeks(every: Rows) -> list[dict[str, Any]]:
    """One row a series: its last complete week, with all its weeks under `weeks`."""
    series: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in every.rows:
        series[row["measure"], row["series_kind"], row["series"]].append(row)
    lines = []
    for rows in series.values():
        weeks = [row for row in rows if row["is_complete"]][-WEEKS:]
        if weeks:
            lines.append({**weeks[-1], "weeks": weeks})
    lines.sort(
        key=lambda row: (
            not any(week["is_alert"] for week in row["weeks"]),
            row["measure"] == "count" and row["series_kind"] == "touchpoint",
            -row["touchpoint_count"],
            row["series_kind"],
            row["series"],
        )
    )
    loud = [row for row in lines if any(week["is_alert"] for week in row["weeks"])]
    return [*loud, *lines[len(loud) :][:QUIET]]


def series_table(words: Words, lines: list[dict[str, Any]]) -> Markup:
    """Each series as a small line with its latest week."""

    def drawn(row: dict[str, Any]) -> Markup:
        weeks = row["weeks"]
        name = "mean_score_scaled" if row["measure"] == "score" else "touchpoint_count"
        label = f"{series_name(words, row)}: {words.say('ui.weeks', count=str(len(weeks)))}"
        return spark([week[name] for week in weeks], [bool(week["is_alert"]) for week in weeks], label)

    def alert(row: dict[str, Any]) -> Markup | str:
        return tag("span", words.say("ui.alert"), class_="pill bad") if row["is_alert"] else ""

    columns = [
        Column(words.column("series"), lambda row: series_name(words, row)),
        plain(words, "series_kind"),
        Column(words.say("ui.weekly"), drawn, "plot"),
        Column(words.say("ui.verdict"), alert),
        plain(words, "touchpoint_count"),
        *(
            plain(words, name)
            for name in told(lines, "mean_score_scaled", "expected_value", "change_share", "smallest_drop_share")
        ),
        plain(words, "trend_status"),
    ]
    return table(columns, lines, words.say("figures.trend.title"), "sparks")

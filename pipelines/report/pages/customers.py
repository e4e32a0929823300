"""Customers in groups; single people are not in the report. Does not belong here: a customer's own view (the explorer)."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import bar, heat, interval, round_scale
from pipelines.drawing.markup import tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, scaled, table, with_interval
from pipelines.report.words import Words

COHORTS = 18
PERIODS = 12
# Bins of purchase_reliability.
TENTHS = 10


def customers(words: Words, data: Data) -> Page:
    """Segments, stages, preferred channels, retention, how far the prediction can be trusted, contacts suggested."""
    body = []
    for key, label in (("segments", "rfm_segment"), ("stages", "lifecycle_stage"), ("preferred_channels", "channel")):
        rows = data.rows(key)
        body.append(figure(words, key, groups(words, rows, label, key), rows, with_table=False))
    retained, trusted = data.rows("retention"), data.rows("reliability")
    note = words.say("ui.retention_note")
    body.append(figure(words, "retention", retention(words, retained), retained, note=note))
    body.append(figure(words, "reliability", reliability(words, trusted), trusted))
    rows = data.rows("suggestions")
    body.append(
        figure(words, "suggestions", groups(words, rows, "contact_rule", "suggestions"), rows, with_table=False)
    )
    return Page("customers", words.say("pages.customers.title"), words.say("pages.customers.lead"), body)


def groups(words: Words, rows: Rows, label: str, key: str) -> Markup:
    """Groups of customers with their size as bars."""
    largest = max((row["customer_count"] for row in rows.rows), default=1)
    columns = [
        Column(
            words.column(label),
            lambda row: words.say("ui.none") if row[label] is None else words.value(row[label], label),
        ),
        plain(words, "customer_count"),
        Column(words.say("ui.size"), lambda row: bar(row["customer_count"], largest), "plot"),
        *(plain(words, name) for name in rows.columns if name not in (label, "customer_count")),
    ]
    return table(columns, rows.rows, words.say(f"figures.{key}.title"))


def retention(words: Words, rows: Rows) -> Markup:
    """Cohorts down, months since across; the month of the cohort itself is left out (it is always all of them)."""
    cohorts: dict[Any, dict[int, float]] = {}
    sizes: dict[Any, int] = {}
    for row in rows.rows:
        cohorts.setdefault(row["cohort_month"], {})[row["period_number"]] = row["retained_share"]
        sizes[row["cohort_month"]] = row["customer_count"]
    last = min(PERIODS, max((row["period_number"] for row in rows.rows), default=1))
    later = [share for line in cohorts.values() for period, share in line.items() if period > 0 and share is not None]
    largest = max(later, default=1.0) or 1.0
    head = [
        tag("th", words.column("cohort_month"), scope="col"),
        tag("th", words.column("customer_count"), scope="col", class_="n"),
    ]
    head += [tag("th", str(period), scope="col", class_="heat") for period in range(1, last + 1)]
    lines = []
    told = [month for month in sorted(cohorts, key=str) if any(period > 0 for period in cohorts[month])]
    for month in told[-COHORTS:]:
        cells = [tag("th", str(month)[:7], scope="row"), tag("td", words.format.number(sizes[month]), class_="n")]
        for period in range(1, last + 1):
            share = cohorts[month].get(period)
            cells.append(heat("" if share is None else words.format.share(share), (share or 0) / largest))
        lines.append(tag("tr", cells))
    title = words.say("figures.retention.title")
    grid = tag("table", tag("caption", title, class_="hidden"), tag("thead", tag("tr", head)), tag("tbody", lines))
    return tag("div", grid, class_="scroll", tabindex="0", role="group", aria_label=title)


def reliability(words: Words, rows: Rows) -> Markup:
    """Predicted beside what happened: the dashed line is the prediction, the dot what came true."""
    share = words.format.share
    tops = (max(row["bought_share_high"], row["mean_probability"]) for row in rows.rows)
    end = min(1.0, round_scale(max(tops, default=1.0))[-1])

    def group(row: dict[str, Any]) -> str:
        place = row["probability_bin"]
        return words.say("ui.bin", place=place, bins=TENTHS) if place else words.say("ui.all_customers")

    def bought(row: dict[str, Any]) -> Markup:
        return with_interval(
            share(row["bought_share"]), share(row["bought_share_low"]), share(row["bought_share_high"])
        )

    columns = [
        Column(words.column("probability_bin"), group),
        plain(words, "mean_probability"),
        Column(words.column("bought_share"), bought, "n"),
        Column(
            scaled(words.say("ui.came_true"), words.format.share(0, 0), words.format.share(end, 0)),
            lambda row: interval(
                row["bought_share_low"],
                row["bought_share"],
                row["bought_share_high"],
                0.0,
                end,
                row["mean_probability"],
                marked=False,
            ),
            "plot",
        ),
        plain(words, "customer_count"),
    ]
    return table(columns, rows.rows, words.say("figures.reliability.title"))

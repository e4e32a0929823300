"""The first page: what the release holds, what changed since the last one, what needs a look.

Does not belong here: details of any subject.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import Line, line_chart, round_scale
from pipelines.drawing.markup import joined, tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Page, figure, plain, table
from pipelines.report.pages.changes import changes
from pipelines.report.pages.drop_off import lost_share
from pipelines.report.words import Words

# Headline figures in their order, and whether more is better (None: neither).
CARDS: dict[str, bool | None] = {
    "customer_count_30_days": None,
    "touchpoint_count_30_days": None,
    "order_amount_base_30_days": True,
    "converted_share": True,
    "nps_90_days": True,
    "open_journey_count": None,
    "contact_suggestion_count": None,
    "known_customer_count": None,
    "customer_count": None,
    "touchpoint_count": None,
    "quarantine_count": False,
}
LARGEST_CHANNELS = 5


def overview(words: Words, data: Data, release: dict[str, Any], previous: dict[str, Any] | None) -> Page:
    """`previous`: what the release before keeps of its night (`release.json`), None where there is none."""
    headline = data.rows("headline")
    before = (previous or {}).get("headline")
    figures: list[Markup] = [
        figure(words, "headline", cards(words, headline.rows[0], before), headline),
        *([changes(words, data, previous)] if previous and "standings" in previous else []),
        figure(
            words, "weekly_touchpoints", weekly(words, data.rows("weekly_touchpoints")), data.rows("weekly_touchpoints")
        ),
        figure(
            words,
            "top_drop_offs",
            top_drop_offs(words, data.rows("top_drop_offs")),
            data.rows("top_drop_offs"),
            note=words.say("ui.baseline_note"),
        ),
        checks(words, release),
    ]
    lead = words.say(
        "pages.overview.lead",
        company=str(release["company"]),
        until=words.format.moment(headline.rows[0]["data_date_at"]),
        release=str(release["release_id"]),
    )
    return Page("index", words.say("pages.overview.title"), lead, figures)


def cards(words: Words, now: dict[str, Any], before: dict[str, Any] | None) -> Markup:
    """One card a figure, with its change since the release before."""
    items = []
    for name, good in CARDS.items():
        value = now[name]
        content = [tag("span", words.column(name)), tag("b", words.format.cell(name, value))]
        old = before.get(name) if before else None
        if value is not None and old is not None:
            difference = value - old
            if not difference:
                text, tone = words.say("ui.unchanged"), ""
            else:
                text = words.say("ui.change", change=words.format.difference(name, difference))
                tone = "" if good is None else "good" if (difference > 0) == good else "bad"
            content.append(tag("span", text, class_=tone or None))
        items.append(tag("li", content))
    return tag("ul", items, class_="cards")


def weekly(words: Words, rows: Rows) -> Markup:
    """Lines of the largest channels over the weeks that are complete; all others are one line."""
    every = sorted({row["week_date"] for row in rows.rows})
    whole = {row["week_date"] for row in rows.rows if row["is_complete"]}
    # one week makes no line
    weeks = sorted(whole) if len(whole) > 1 else every
    totals: dict[str, float] = {}
    shown = [row for row in rows.rows if row["week_date"] in weeks]
    for row in shown:
        totals[row["channel"]] = totals.get(row["channel"], 0) + (row["touchpoint_count"] or 0)
    largest = sorted(totals, key=lambda name: (-totals[name], name))[:LARGEST_CHANNELS]
    series = {name: dict.fromkeys(weeks, 0.0) for name in [*largest, "other"]}
    for row in shown:
        name = row["channel"] if row["channel"] in largest else "other"
        series[name][row["week_date"]] += float(row["touchpoint_count"] or 0)
    if len(totals) <= LARGEST_CHANNELS:
        series.pop("other")
    top = max((value for line in series.values() for value in line.values()), default=0.0)
    lines = [Line(words.value(name, "channel"), list(line.values())) for name, line in series.items()]
    scale = [(value, words.format.figure(value)) for value in round_scale(top)]
    return line_chart(
        lines, [words.format.moment(week) for week in weeks], scale, words.say("figures.weekly_touchpoints.title")
    )


def top_drop_offs(words: Words, rows: Rows) -> Markup:
    """Points where more is lost than elsewhere in their journey."""
    columns = [
        plain(words, "touchpoint_type"),
        *lost_share(words, rows.rows),
        plain(words, "baseline_share"),
        plain(words, "dropped_count"),
        plain(words, "journey_definition"),
    ]
    return table(columns, rows.rows, words.say("figures.top_drop_offs.title"))


def checks(words: Words, release: dict[str, Any]) -> Markup:
    """The night's checks: how many passed, and each warning in its own words."""
    outcome = release["checks"]
    warnings = [
        tag(
            "li",
            tag("span", words.say("ui.warning"), class_="pill warn"),
            tag(
                "span",
                f" {item['table']}: {item['message']} ({words.format.number(item['offending_count'])})",
                lang="en",
            ),
        )
        for item in outcome["warnings"]
    ]
    title = words.say("figures.checks.title")
    body = [
        tag("h2", title, id="checks-title"),
        tag("p", words.say("figures.checks.definition", passed=outcome["passed"], count=str(len(warnings)))),
        tag("ul", warnings) if warnings else "",
        tag("p", words.say("ui.checks_note"), class_="soft"),
    ]
    return tag("section", joined(body), class_="figure", id="checks", aria_labelledby="checks-title")

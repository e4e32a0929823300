"""Channels: what each did lately, what it cost, and the credit attribution gives it.

Does not belong here: the attribution models (`models/`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import bar
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words


def channels(words: Words, data: Data) -> Page:
    """Metrics of the last 90 days, and attribution models side by side."""
    metrics, credit = data.rows("channels"), data.rows("attribution")
    largest = max((row["touchpoint_count"] or 0 for row in metrics.rows), default=1)
    columns = [
        plain(words, "channel"),
        plain(words, "touchpoint_count"),
        Column(words.say("ui.size"), lambda row: bar(row["touchpoint_count"], largest), "plot"),
        *(plain(words, name) for name in metrics.columns if name not in ("channel", "touchpoint_count")),
    ]
    body = [
        figure(
            words,
            "channels",
            table(columns, metrics.rows, words.say("figures.channels.title")),
            metrics,
            with_table=False,
        ),
        figure(words, "attribution", side_by_side(words, credit), credit),
    ]
    return Page("channels", words.say("pages.channels.title"), words.say("pages.channels.lead"), body)


def side_by_side(words: Words, credit: Rows) -> Markup:
    """Channels down, models across: the share of all conversions that each model credits."""
    models = list(dict.fromkeys(row["attribution_model"] for row in credit.rows))
    shares: dict[str, dict[str, float]] = {}
    for row in credit.rows:
        shares.setdefault(row["channel"], {})[row["attribution_model"]] = row["conversion_credit_share"] or 0.0
    lines = [{"channel": name, **by_model} for name, by_model in shares.items() if any(by_model.values())]
    largest = max((value for by_model in shares.values() for value in by_model.values()), default=1.0)

    def drawn(model: str) -> Callable[[dict[str, Any]], Markup]:
        def cell(row: dict[str, Any]) -> Markup:
            value = row.get(model, 0.0)
            return bar(value, largest) + Markup("<small>") + words.format.share(value) + Markup("</small>")

        return cell

    columns = [plain(words, "channel"), *(Column(words.value(model), drawn(model)) for model in models)]
    return table(columns, lines, words.say("figures.attribution.title"))

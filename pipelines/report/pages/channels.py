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

# The attribution models in the order in which people know them.
MODELS = (
    "first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay", "markov_1", "markov_2", "markov_3",
    "shapley",
)  # fmt: skip


def channels(words: Words, data: Data) -> Page:
    """Metrics of the last 90 days, attribution models side by side, and what a conversion cost."""
    metrics, credit = data.rows("channels"), data.rows("attribution")
    paid = Rows(credit.columns, [row for row in credit.rows if row["cost_amount_base"]], credit.query)
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
        figure(words, "channel_cost", cost(words, paid), paid.without("value_amount_base", "conversion_credit_share")),
    ]
    return Page("channels", words.say("pages.channels.title"), words.say("pages.channels.lead"), body)


def ordered_models(credit: Rows) -> list[str]:
    """The models of a result: those that everyone knows first."""
    found = dict.fromkeys(row["attribution_model"] for row in credit.rows)
    return sorted(found, key=lambda name: (MODELS.index(name) if name in MODELS else len(MODELS), name))


def cost(words: Words, paid: Rows) -> Markup:
    """Spend of each paid channel, with its cost per credited conversion and its return by model."""
    rank = {name: place for place, name in enumerate(ordered_models(paid))}
    lines = sorted(
        paid.rows, key=lambda row: (-row["cost_amount_base"], row["channel"], rank[row["attribution_model"]])
    )
    columns = [
        plain(words, "channel"),
        plain(words, "attribution_model"),
        *(
            plain(words, name)
            for name in (
                "cost_amount_base",
                "conversion_credit",
                "cost_per_conversion_amount_base",
                "value_amount_base",
                "return_on_spend_ratio",
            )
        ),
    ]
    return table(columns, lines, words.say("figures.channel_cost.title"))


def side_by_side(words: Words, credit: Rows) -> Markup:
    """Channels down, models across: the share of all conversions that each model credits."""
    models = ordered_models(credit)
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

"""Customers in groups; single people are not in the report. Does not belong here: a customer's own view (the explorer)."""

from __future__ import annotations

from markupsafe import Markup

from pipelines.drawing.charts import bar
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words


def customers(words: Words, data: Data) -> Page:
    """Lifecycle stages, preferred channels, contacts suggested."""
    body = []
    for key, name, label in (
        ("stages", "stages", "lifecycle_stage"),
        ("preferred_channels", "preferred_channels", "channel"),
        ("suggestions", "suggestions", "contact_rule"),
    ):
        rows = data.rows(name)
        body.append(figure(words, key, _table(words, rows, label, key), rows, with_table=False))
    return Page("customers", words.say("pages.customers.title"), words.say("pages.customers.lead"), body)


def _table(words: Words, rows: Rows, label: str, key: str) -> Markup:
    largest = max((row["customer_count"] for row in rows.rows), default=1)
    columns = [
        plain(words, label),
        plain(words, "customer_count"),
        Column(words.say("ui.size"), lambda row: bar(row["customer_count"], largest), "plot"),
        *(plain(words, name) for name in rows.columns if name not in (label, "customer_count")),
    ]
    return table(columns, rows.rows, words.say(f"figures.{key}.title"))

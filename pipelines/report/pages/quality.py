"""Data quality: files, quarantine, reconciliation, freshness.

Does not belong here: contract checks one by one (the Dagster UI), alerts of touchpoints (`trends.py`).
"""

from __future__ import annotations

from typing import Any

from pipelines.drawing.markup import tag
from pipelines.report.data import Data
from pipelines.report.figure import Column, Page, figure, plain, table
from pipelines.report.words import Words


def quality(words: Words, data: Data) -> Page:
    """What was read, what was put aside and why, how old the newest row of each export is, what is new in the files."""
    files, reasons, messages = data.rows("files"), data.rows("quarantine_reasons"), data.rows("file_messages")
    differences = data.rows("drift")

    def status(row: dict[str, Any]) -> Any:
        tone = "good" if row["status"] == "read" else "warn"
        return tag("span", words.value(row["status"]), class_=f"pill {tone}")

    file_columns = [
        plain(words, "source_export"),
        Column(words.column("status"), status),
        plain(words, "file_count"),
        plain(words, "row_count"),
        plain(words, "mapped_count"),
        plain(words, "quarantined_count"),
        plain(words, "skipped_count"),
        plain(words, "duplicate_count"),
        plain(words, "difference_count"),
        plain(words, "time_through_at"),
        plain(words, "days_since_last_row_count"),
    ]
    reason_columns = [plain(words, name) for name in reasons.columns]
    message_columns = [plain(words, name) for name in messages.columns]
    drift_columns = [plain(words, name) for name in differences.columns]
    body = [
        figure(
            words, "files", table(file_columns, files.rows, words.say("figures.files.title")), files, with_table=False
        ),
        figure(
            words,
            "quarantine",
            table(reason_columns, reasons.rows[:40], words.say("figures.quarantine.title")),
            reasons,
            with_table=False,
        ),
        figure(
            words,
            "file_messages",
            table(message_columns, messages.rows[:40], words.say("figures.file_messages.title")),
            messages,
            with_table=len(messages.rows) > 40,
        ),
        figure(
            words,
            "drift",
            table(drift_columns, differences.rows[:40], words.say("figures.drift.title")),
            differences,
            with_table=len(differences.rows) > 40,
        ),
    ]
    return Page("quality", words.say("pages.quality.title"), words.say("pages.quality.lead"), body)

"""Drop-off: where journeys are lost, with intervals, baseline and evidence. Does not belong here: ways (`journeys.py`)."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from pipelines.drawing.charts import interval, round_scale
from pipelines.drawing.markup import joined, tag
from pipelines.report.data import Data, Rows
from pipelines.report.figure import Column, Page, figure, plain, scaled, table, with_interval
from pipelines.report.words import Words

POINTS = 25
SMALLEST_SCALE = 0.1


def drop_off(words: Words, data: Data, definitions: list[str]) -> Page:
    """One figure a definition: its points, the marked ones first, then by people lost."""
    body = []
    for definition in definitions:
        rows = data.rows("drop_off", definition=definition)
        if not any(row["dropped_share"] is not None for row in rows.rows):
            continue
        name = words.value(definition)
        note = words.say("ui.baseline_note")
        body.append(figure(words, "drop_off", points(words, rows), rows, note=note, name=name))
        segments = data.rows("drop_off_segments", definition=definition)
        if segments.rows:
            note = words.say("ui.segment_note")
            body.append(figure(words, "drop_off_segment", parts(words, segments), segments, note=note, name=name))
    return Page("drop-off", words.say("pages.drop_off.title"), words.say("pages.drop_off.lead"), body)


def points(words: Words, rows: Rows) -> Markup:
    """Ranked points as intervals against the baseline of their definition."""
    shown = [row for row in rows.rows if row["dropped_share"] is not None][:POINTS]

    def evidence(row: dict[str, Any]) -> Markup | str:
        if not row["evidence"]:
            return ""
        lost, kept = row["evidence_dropped_share"], row["evidence_went_on_share"]
        text = f"{words.value(row['evidence'])}: {words.format.share(lost)} / {words.format.share(kept)}"
        sure = tag("span", words.say("ui.marked"), class_="pill bad") if row["evidence_is_marked"] else ""
        return joined([text, " ", sure])

    columns = [
        plain(words, "touchpoint_type"),
        *lost_share(words, shown),
        Column(words.say("ui.verdict"), lambda row: verdict(words, row)),
        plain(words, "dropped_count"),
        plain(words, "reached_count"),
        plain(words, "open_count"),
        Column(words.say("ui.evidence"), evidence, "wide"),
    ]
    return table(columns, shown, words.say("figures.drop_off.label"))


def parts(words: Words, rows: Rows) -> Markup:
    """Parts of a point's journeys that lose more than the other parts at the same point."""
    columns = [
        plain(words, "touchpoint_type"),
        *lost_share(words, rows.rows),
        plain(words, "segment_kind"),
        Column(words.column("segment"), lambda row: words.value(row["segment"], row["segment_kind"])),
        plain(words, "dropped_count"),
        plain(words, "reached_count"),
        plain(words, "baseline_share"),
    ]
    return table(columns, rows.rows, words.say("figures.drop_off_segment.label"))


def lost_share(words: Words, shown: list[dict[str, Any]]) -> list[Column]:
    """The share lost as a number and as an interval beside its baseline, on one scale for all rows."""
    highest = [max(row["dropped_share_high"] or 0, row["baseline_share"] or 0) for row in shown]
    # three invoices of which none was lost are no reason for a scale of a thousandth
    end = min(1.0, round_scale(max([*highest, SMALLEST_SCALE]))[-1])

    def number(row: dict[str, Any]) -> Markup:
        share = words.format.share
        return with_interval(
            share(row["dropped_share"]), share(row["dropped_share_low"]), share(row["dropped_share_high"])
        )

    def drawn(row: dict[str, Any]) -> Markup:
        low, middle, high = row["dropped_share_low"], row["dropped_share"], row["dropped_share_high"]
        return interval(low, middle, high, 0.0, end, row["baseline_share"], row["is_marked"])

    heading = scaled(words.say("ui.share_interval"), words.format.share(0, 0), words.format.share(end, 0))
    return [Column(words.column("dropped_share"), number, "n"), Column(heading, drawn, "plot")]


def verdict(words: Words, row: dict[str, Any]) -> Markup | str:
    """A word for a marked point; only losing more than the others is marked."""
    return tag("span", words.say("ui.above"), class_="pill bad") if row["is_marked"] else ""

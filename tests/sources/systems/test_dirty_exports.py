"""Dirty files of real systems, made by hypothesis: a row is right, or a problem that is counted; never shifted, never lost.

The kinds of dirt are those of a public corpus of polluted CSV files (Pollock: Vitagliano and others, 2023), and what archives
of JSON lines suffer.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.read_csv import parse_csv
from sources.read_json import parse_ndjson
from sources.recognise import recognise
from sources.spec import load_catalog
from sources.writing import ParsedWriter
from tests.sources.core.helpers import SHARED

EXPORTS = SHARED / "exports"
CATALOG = load_catalog()
# Layouts of ten systems: quoted throughout, localised, wide, with continuation rows, with line breaks in cells.
TABLES = {
    "_format_fixtures/flamingo_inbound.csv": "flamingo.inbound",
    "_format_fixtures/hubspot_contacts_export.csv": "hubspot.contact_export",
    "_format_fixtures/mailchimp_audience_export.csv": "mailchimp.audience",
    "_format_fixtures/meta_ads_manager.csv": "meta_ads.campaign_report",
    "_format_fixtures/shopify_orders_export.csv": "shopify.admin_order",
    "_format_fixtures/typeform_responses.csv": "typeform.response",
    "_format_fixtures/zendesk_tickets_export.csv": "zendesk.ticket_export",
    "mailchimp_tables/campaign_recipient_activity.csv": "mailchimp.campaign_recipient_activity",
    "odoo/o2m-quotations-order-lines.csv": "odoo.order",
    "twilio_tables/twilio_call_data.csv": "twilio.call",
}
LINES = {
    "zendesk_api/tickets.jsonl": "zendesk.ticket",
    "zendesk_api/users.jsonl": "zendesk.user",
    "_format_fixtures/amazon_connect_ctr.jsonl": "amazon_connect.contact",
}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not EXPORTS.is_dir(), reason="the real exports are a folder beside the repository, not here"),
]


def rows_of(spec_name: str, path: Path, block: int) -> list[dict[str, Any]]:
    spec = CATALOG.exports[spec_name]
    out = path.with_suffix(".parquet")
    with ParsedWriter(out) as writer:
        reader = parse_csv if path.suffix == ".csv" else parse_ndjson
        reader(path, spec.model_copy(update={"read": dialect_of(spec_name, path)}), writer, block)
    return pq.read_table(out).to_pylist()


def dialect_of(spec_name: str, path: Path) -> Any:
    """What is known of the dialect before a file is read: here that of the clean file, as a declared dialect would be."""
    read = CATALOG.exports[spec_name].read
    return read.model_copy(update={"encoding": "utf-8", "delimiter": ",", "quote": '"', "escape": "", "fill_down": ()})


# --- delimited text ----------------------------------------------------------------------------------------------------

# Each kind of dirt: (what it makes of a record's text, whether the record may still be read as it was).
HARMLESS = {"line_feed", "carriage_return", "byte_order_mark", "none"}
KINDS = [
    "none", "none", "line_feed", "carriage_return", "byte_order_mark", "stray_delimiter", "empty_extra_field", "short_row",
    "open_quote", "open_quote_inside", "nul", "wrong_bytes", "header_again", "blank_line",
]  # fmt: skip


def record_text(row: list[str], quoting: int) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n", quoting=quoting).writerow(row)  # type: ignore[arg-type]
    return out.getvalue().removesuffix("\r\n")


def soil(kind: str, row: list[str], header: list[str], quoting: int, place: int) -> bytes:
    """The bytes of one record (or of the dirt before it) without the end of its line."""
    at = place % len(row)
    text = record_text(row, quoting)
    if kind == "stray_delimiter":
        parts = [record_text([cell], quoting) if cell or quoting else "" for cell in row]
        return ",".join([*parts[:at], "", *parts[at:]]).encode()
    if kind == "empty_extra_field":
        return (text + ",").encode()
    if kind == "short_row":
        return record_text(row[:-1] if len(row) > 2 else row[:1], quoting).encode()
    if kind == "open_quote":
        return ('"' + text.replace('"', "").replace("\n", " ")).encode()
    if kind == "open_quote_inside":
        parts = [cell.replace('"', "").replace("\n", " ").replace(",", " ") for cell in row]
        parts[at] = '"' + parts[at]
        return ",".join(parts).encode()
    if kind == "nul":
        return record_text([*row[:at], row[at] + "\0", *row[at + 1 :]], quoting).encode()
    if kind == "wrong_bytes":
        cells = [record_text([cell], csv.QUOTE_ALL).encode() for cell in row]
        cells[at] = cells[at][:-1] + b'\xff\xe9"'
        return b",".join(cells)
    if kind == "header_again":
        return record_text(header, quoting).encode()
    if kind == "byte_order_mark":
        return b"\xef\xbb\xbf" + text.encode()
    return text.encode()


@QUICK
@given(data=st.data())
def test_every_row_of_a_dirty_export_is_right_or_told(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TABLES)))
    table = list(csv.reader(io.StringIO((EXPORTS / name).read_text(encoding="utf-8-sig"), newline=""), strict=True))
    header, clean = table[0], [row for row in table[1:] if row]
    picked = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, len(clean) - 1),
                st.sampled_from(KINDS),
                st.integers(0, 200),
                st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
            ),
            min_size=1,
            max_size=14,
        )
    )
    # Two quotes left open one after the other may read as one well-formed record with a line break: no syntax tells that.
    is_open = [number for number, (_, kind, *_) in enumerate(picked) if kind.startswith("open_quote")]
    picked = [item for number, item in enumerate(picked) if number not in is_open[1:]]
    content = record_text(header, csv.QUOTE_MINIMAL).encode() + b"\n"
    expected: list[tuple[str, list[str]]] = []
    for number, kind, place, quoting in picked:
        row = clean[number]
        if kind == "blank_line":
            content += b"\r\n"
            continue
        if kind == "carriage_return" and quoting != csv.QUOTE_ALL:
            quoting = csv.QUOTE_ALL
        soiled = soil(kind, row, header, quoting, place)
        content += soiled + (b"\r\n" if kind in ("carriage_return", "header_again") else b"\n")
        expected.append((kind, row))
    path = tmp_path / "dirty.csv"
    path.write_bytes(content)
    rows = rows_of(TABLES[name], path, data.draw(st.sampled_from([200, 3_000, 1 << 20])))
    assert [row["_row"] for row in rows] == list(range(1, len(rows) + 1))
    columns = [column for column in rows[0] if column not in ("_row", "_line", "_raw", "_problem")] if rows else []
    assert not rows or len(columns) == len(header)
    at = 0
    for kind, row in expected:
        found = rows[at]
        cells = [found[column] or "" for column in columns]
        if kind in HARMLESS:
            assert found["_problem"] is None, (kind, found["_problem"])
            assert cells == row
            at += 1
            continue
        # Dirt costs its own record, and no other.
        assert found["_problem"] and found["_raw"], (kind, cells)
        at += 1
    assert at == len(rows)


# --- JSON lines --------------------------------------------------------------------------------------------------------

BROKEN_JSON = ["cut", "two_objects", "list", "comma", "nul", "wrong_bytes", "old_line_end", "word"]
WHOLE_JSON = ["none", "none", "carriage_return", "byte_order_mark", "blanks_around"]


def soil_json(kind: str, text: str, place: int) -> bytes:
    """The bytes of one record without the end of its line."""
    if kind == "cut":
        return text[: 1 + place % (len(text) - 1)].encode()
    at = 1 + place % (len(text) - 2)
    changed = {
        "two_objects": text + text,
        "list": f"[{text}]",
        "comma": text + ",",
        "old_line_end": text + "\r" + text,
        "word": "null",
        "nul": text[:at] + "\0" + text[at:],
        "carriage_return": text + "\r",
        "blanks_around": f" \t{text}  ",
        "byte_order_mark": "\ufeff" + text,
    }.get(kind, text)
    return changed.encode() if kind != "wrong_bytes" else text[:at].encode() + b"\xff\xe9" + text[at:].encode()


@settings(QUICK, max_examples=25)
@given(data=st.data())
def test_every_line_of_a_dirty_archive_is_right_or_told(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(LINES)))
    clean = [json.loads(line) for line in (EXPORTS / name).read_text(encoding="utf-8").splitlines() if line.strip()]
    picked = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, len(clean) - 1),
                st.sampled_from([*WHOLE_JSON, *BROKEN_JSON, "blank"]),
                st.integers(0, 5_000),
            ),
            min_size=1,
            max_size=14,
        )
    )
    content = b""
    expected = []
    for number, kind, place in picked:
        if kind == "blank":
            content += b" \r\n"
            continue
        content += soil_json(kind, json.dumps(clean[number]), place) + b"\n"
        expected.append((kind, clean[number]))
    path = tmp_path / "dirty.jsonl"
    path.write_bytes(content)
    rows = rows_of(LINES[name], path, data.draw(st.sampled_from([2_000, 1 << 20])))
    assert len(rows) == len(expected)
    for found, (kind, record) in zip(rows, expected, strict=True):
        if kind in BROKEN_JSON:
            assert found["_problem"] and found["_raw"], kind
            continue
        assert found["_problem"] is None, (kind, found["_problem"])
        for key, value in record.items():
            # Objects that the spec takes apart have columns of their own, compared with the clean file elsewhere.
            if key in found and not isinstance(value, dict | list):
                expected_text = value if isinstance(value, str) else None if value is None else json.dumps(value)
                assert (found[key] or "") == (expected_text or ""), (kind, key)


def test_dirt_that_the_whole_way_finds(tmp_path: Path) -> None:
    """Recognition and reading of a file whose dialect nobody declares: the dirt costs its rows and moves no cell."""
    clean = (EXPORTS / "_format_fixtures/hubspot_contacts_export.csv").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "joined.csv"
    path.write_text(
        "\n".join([*clean, "\ufeff" + clean[0], clean[1] + ",", '"' + clean[2], clean[1]]) + "\n", encoding="utf-8"
    )
    found = recognise(path, CATALOG)
    assert found.export == "hubspot.contact_export"
    rows = rows_of("hubspot.contact_export", path, 1 << 20)
    assert [row["record_id"] for row in rows if not row["_problem"]] == ["101", "102", "101"]
    assert [row["_problem"] for row in rows if row["_problem"]] == [
        "the header once more: files were joined",
        "wrong number of fields: 11, the header has 10",
        "a quoted field is never closed",
    ]

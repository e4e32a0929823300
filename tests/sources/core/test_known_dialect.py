"""What a spec leaves open is found in the file: any dialect of the same table gives the same rows, or says what is wrong."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.recognise import recognise
from sources.spec import SourceCatalog, load_catalog
from tests.sources.core.helpers import SHARED, make_spec, read_rows, type_rows
from tests.sources.systems.conftest import map_file

EXPORTS = SHARED / "exports"
# Real files (or the layouts of real ones) of touchpoints, party records and costs, with the encoding they come in.
TABLES = {
    "_format_fixtures/brevo_contacts.csv": "brevo.contact",
    "_format_fixtures/hubspot_contacts_export.csv": "hubspot.contact_export",
    "_format_fixtures/mailchimp_audience_export.csv": "mailchimp.audience",
    "hubspot_api/ticket_data.csv": "hubspot.ticket",
    "intercom_tables/contact_history_data.csv": "intercom.contact",
    "klaviyo_tables/event.csv": "klaviyo.event",
    "mailchimp_tables/campaign_recipient_activity.csv": "mailchimp.campaign_recipient_activity",
    "marketo_tables/marketo_lead_data.csv": "marketo.lead",
    "netsuite_tables/netsuite2_customer_data.csv": "netsuite.customer",
    "qualtrics_tables/survey_response.csv": "qualtrics.survey_response",
    "salesforce_api/sf_opportunity_data.csv": "salesforce.opportunity",
    "sap_tables/sap_vbak_data.csv": "sap.vbak",
    "shopify_tables/shopify_order_data.csv": "shopify.order",
    "twilio_tables/twilio_call_data.csv": "twilio.call",
    "zendesk_tables/ticket_data.csv": "zendesk.ticket_table",
}
PACKERS = {"none": bytes, "gzip": gzip.compress, "bz2": bz2.compress, "zstd": zstandard.ZstdCompressor().compress}
CATALOG = load_catalog()
CSV = {"format": "csv"}


def table_of(name: str) -> list[list[str]]:
    text = (EXPORTS / name).read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";" if "brevo" in name else ","))


def plain(rows: list[dict[str, object]]) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)


@pytest.mark.shared
@pytest.mark.skipif(
    not EXPORTS.is_dir(), reason="the real exports are a folder beside the repository, which is not here"
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_dialect_of_a_real_table_gives_the_same_rows(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TABLES)))
    table = table_of(name)
    order = data.draw(st.permutations(range(len(table[0]))))
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|", "^", "\x1f"]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"]))
    packing = data.draw(st.sampled_from(sorted(PACKERS)))
    out = io.StringIO()
    if data.draw(st.booleans()) and delimiter in ",;\t":
        out.write(f"sep={delimiter}\r\n")
    writer = csv.writer(
        out,
        delimiter=delimiter,
        lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])),
        quoting=data.draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])),
    )
    writer.writerows([[row[at] for at in order] for row in table])
    try:
        content = out.getvalue().encode(encoding)
    except UnicodeEncodeError:
        content = out.getvalue().encode("utf-8")
    path = tmp_path / "renamed.bin"
    path.write_bytes(PACKERS[packing](content))
    found = recognise(path, CATALOG)
    assert (found.export, found.detected.delimiter) == (TABLES[name], delimiter), found.message
    mapped = map_file(CATALOG, TABLES[name], path, tmp_path)
    expected = map_file(CATALOG, TABLES[name], EXPORTS / name, tmp_path)
    # Without a key a row's identity is its content, in the order of its columns' names: the same in any order.
    assert plain(mapped.rows) == plain(expected.rows)
    assert len(mapped.problems) == len(expected.problems)


def written(tmp_path: Path, content: bytes, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "dialect", "cells"),
    [
        (b"id;name\n1;a,b\n", ("utf-8", ";", '"', ""), ("1", "a,b")),
        (b"sep=|\r\nid|name\r\n1|a;b\r\n", ("utf-8", "|", '"', ""), ("1", "a;b")),
        ("id,name\n1,Søren\n".encode("windows-1252"), ("windows-1252", ",", '"', ""), ("1", "Søren")),
        ("id,name\n1,Søren\n".encode("utf-16-be"), ("utf-16-be", ",", '"', ""), ("1", "Søren")),
        (b"'id';'name'\n'1';'it''s;here'\n", ("utf-8", ";", "'", ""), ("1", "it's;here")),
        (b"id,name\n1,'s-Hertogenbosch\n", ("utf-8", ",", '"', ""), ("1", "'s-Hertogenbosch")),
        (b'id,name\n1,"say \\"hi\\", twice"\n', ("utf-8", ",", '"', "\\"), ("1", 'say "hi", twice')),
        (b'id,name\n1,"C:\\"\n2,"D:\\"\n', ("utf-8", ",", '"', ""), ("1", "C:\\")),
        (b"id,name\n" + b"7,plain\n" * 100_000 + b"8,caf\xe9\n", ("windows-1252", ",", '"', ""), ("7", "plain")),
    ],
)
def test_each_part_of_a_dialect(
    tmp_path: Path, content: bytes, dialect: tuple[str, ...], cells: tuple[str, ...]
) -> None:
    result, rows = read_rows(
        written(tmp_path, content), make_spec(tmp_path, CSV, recognise={"columns": ["id", "name"]})
    )
    assert (result.encoding, result.delimiter, result.quote, result.escape) == dialect
    assert (rows[0]["id"], rows[0]["name"]) == cells
    assert result.problem_count == 0


def test_what_a_spec_says_is_not_looked_for(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, {**CSV, "delimiter": ",", "encoding": "utf-8"}, recognise={"columns": ["id", "name"]})
    found = recognise(written(tmp_path, b"id;name\n1;2\n"), SourceCatalog({spec.name: spec}))
    assert found.status == "unrecognised" and "semicolons" in found.message
    result, _ = read_rows(written(tmp_path, b"id,name\n1,caf\xe9\n"), spec)
    assert (result.encoding, result.problem_count) == ("utf-8", 1)


def test_utf_8_with_some_damage_stays_utf_8(tmp_path: Path) -> None:
    content = "id,name\n1,Søren\n2,Åse\n".encode() + b"3,caf\xe9\n"
    result, rows = read_rows(
        written(tmp_path, content), make_spec(tmp_path, CSV, recognise={"columns": ["id", "name"]})
    )
    assert (result.encoding, result.problem_count, rows[0]["name"]) == ("utf-8", 1, "Søren")


def test_semicolons_mean_decimal_commas_where_the_spec_says_so(tmp_path: Path) -> None:
    spec = make_spec(
        tmp_path,
        {**CSV, "decimal": "by_delimiter"},
        columns={"paid": {"type": "decimal"}},
        recognise={"columns": ["id", "paid"]},
    )
    for content in (b"id;paid\n1;1.234,50\n", b'id,paid\n1,"1,234.50"\n'):
        [row] = type_rows(written(tmp_path, content), spec)
        assert (row["problem"], row["paid"]) == (None, 1234.5)


# --- zones -----------------------------------------------------------------------------------------------------------


def test_a_zone_per_row(tmp_path: Path) -> None:
    spec = make_spec(
        tmp_path,
        {**CSV, "time_zone": {"column": "tz", "default": "Europe/Amsterdam"}},
        columns={"at": {"type": "timestamp", "required": True}},
    )
    lines = [
        ("2026-07-01 12:00", "Europe/Amsterdam", datetime(2026, 7, 1, 10), 0, 0),
        ("2026-07-01 12:00", "America/New_York", datetime(2026, 7, 1, 16), 0, 0),
        ("2026-07-01 12:00", "+05:30", datetime(2026, 7, 1, 6, 30), 0, 0),
        ("2026-07-01 12:00", "", datetime(2026, 7, 1, 10), 0, 0),
        ("2026-07-01T12:00:00Z", "Asia/Tokyo", datetime(2026, 7, 1, 12), 0, 0),
        # Clocks went back on 25 October: twice 02:30, the first is summer time; in New York on 1 November.
        ("2026-10-25 02:30", "Europe/Amsterdam", datetime(2026, 10, 25, 0, 30), 1, 0),
        ("2026-10-25 02:30", "America/New_York", datetime(2026, 10, 25, 6, 30), 0, 0),
        ("2026-11-01 01:30", "America/New_York", datetime(2026, 11, 1, 5, 30), 1, 0),
        # Lord Howe Island goes back by half an hour.
        ("2026-04-05 01:45", "Australia/Lord_Howe", datetime(2026, 4, 4, 14, 45), 1, 0),
        # Clocks went forward on 29 March: 02:30 was never, it becomes 03:30.
        ("2026-03-29 02:30", "Europe/Amsterdam", datetime(2026, 3, 29, 1, 30), 0, 1),
    ]
    text = "at,tz\n" + "".join(f"{at},{zone}\n" for at, zone, *_ in lines) + "2026-07-01 12:00,Mars/Olympus\n"
    rows = type_rows(written(tmp_path, text.encode()), spec)
    assert [(r["at"], r["ambiguous_time_count"], r["impossible_time_count"]) for r in rows[:-1]] == [
        tuple(line[2:]) for line in lines
    ]
    assert rows[-1]["problem"]["reason"] == "unknown time zone"
    assert (rows[-1]["problem"]["column"], rows[-1]["problem"]["value"]) == ("tz", "Mars/Olympus")


def test_a_zone_per_file(tmp_path: Path) -> None:
    pattern = r"Zone: ([\w/]+)"
    spec = make_spec(
        tmp_path,
        {**CSV, "skip_rows": 1, "time_zone": {"pattern": pattern, "default": "Europe/Paris"}},
        columns={"at": {"type": "timestamp"}},
    )
    for title, hour in (("Zone: America/New_York", 16), ("Zone: Asia/Tokyo", 3), ("no zone", 10)):
        result, _ = read_rows(written(tmp_path, f"{title}\nid,at\n1,2026-07-01 12:00\n".encode()), spec)
        assert result.time_zone == (title.removeprefix("Zone: ") if "Zone" in title else None)
        [row] = type_rows(tmp_path / "a.csv", spec)
        assert row["at"] == datetime(2026, 7, 1, hour)


# --- a file that breaks off ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packing", ["gzip", "bz2", "zstd"])
@pytest.mark.parametrize("lost", [1, 40, 5_000, 40_000])
def test_no_value_of_a_file_that_breaks_off_is_shortened(tmp_path: Path, packing: str, lost: int) -> None:
    lines = [f'{n},"note {n * 7919}\nof two lines {n}"' for n in range(60_000)]
    whole = PACKERS[packing]("\n".join(["id,note", *lines]).encode())
    path = written(tmp_path, whole[:-lost])
    result, rows = read_rows(path, make_spec(tmp_path, CSV, recognise={"columns": ["id", "note"]}))
    good = [row for row in rows if not row["_problem"]]
    assert [(row["id"], row["note"]) for row in good] == [
        (str(n), f"note {n * 7919}\nof two lines {n}") for n in range(len(good))
    ]
    assert result.broken and result.problem_count == 1
    assert "breaks off" in rows[-1]["_problem"]


def test_two_specs_that_fit_say_how_to_decide(tmp_path: Path) -> None:
    specs = [
        make_spec(tmp_path, CSV, "visit", recognise={"columns": ["id", "at"], "path": "*visit*"}),
        make_spec(tmp_path, CSV, "call", recognise={"columns": ["id", "at"]}),
    ]
    found = recognise(written(tmp_path, b"id,at\n1,2\n", "x.csv"), SourceCatalog({spec.name: spec for spec in specs}))
    assert found.status == "ambiguous"
    assert found.message.endswith(
        "shop.visit, shop.call fit equally well; name the file *visit* (shop.visit); ask under recognise.columns of "
        "shop/visit.yaml or shop/call.yaml for one more column that only its own files have; "
        "or give them different recognise.path patterns for the file name"
    )


def test_confidence(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, CSV, recognise={"columns": ["id", "at"]}, columns={"mail": None, "phone": None})
    catalog = SourceCatalog({spec.name: spec})
    for header, confidence in (("id,at,mail,phone,own", 1.0), ("id,at,mail", 0.88), ("at,id", 0.75)):
        assert recognise(written(tmp_path, f"{header}\n".encode() + b"1\n"), catalog).confidence == confidence

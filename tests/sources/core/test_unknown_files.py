"""How unknown files are written and what their columns hold: dialects and profiles, before anything is proposed."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.archive import ReadError
from sources.dialect import detect_dialect
from sources.profile import profile_table, time_shape
from sources.vocabulary import column_meanings, type_meanings
from tests.sources.core.workbooks import sheet_xml, write_workbook

NAMES = ("order no", "when", "note", "price", "mail")


@settings(max_examples=60, deadline=None)
@given(
    delimiter=st.sampled_from([",", ";", "\t", "|", "~"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
    titles=st.integers(0, 3),
    notes=st.lists(
        st.sampled_from(["tea, black", "so; so", "Søren – 3 | 4", "a\ttab", 'he said "no"', ""]),
        min_size=5,
        max_size=30,
    ),
)
def test_the_dialect_of_a_written_table_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, delimiter: str, encoding: str, end: str, titles: int, notes: list[str]
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    for number in range(titles):
        text.write(f"Report line {number}{end}")
    writer.writerow(NAMES)
    for number, note in enumerate(notes):
        writer.writerow(
            [f"A{number}", f"2026-03-{number % 28 + 1:02d}", note, f"{number}.50", f"p{number}@example.org"]
        )
    path = tmp_path_factory.mktemp("written") / "table.txt"
    path.write_bytes(text.getvalue().encode(encoding))
    found = detect_dialect(path)
    assert (found.read["format"], found.read["delimiter"], found.read["quote"]) == ("csv", delimiter, '"')
    assert found.read.get("skip_rows", 0) == titles
    assert found.names == NAMES
    expected = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    is_ascii = text.getvalue().isascii()
    assert found.read["encoding"] == ("utf-8" if is_ascii and encoding != "utf-16" else expected)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"a": 1}\n{"a": 2}\n', {"format": "ndjson"}),
        ('{"data": {"rows": [{"a": {"b": 1}}, {"a": {"b": 2}}]}}', {"format": "json", "record": "data.rows", "flatten": True}),
        ('[{"id": 1}, {"id": 2}]', {"format": "json"}),
        ("<r><items><item><id>1</id></item><item><id>2</id></item></items></r>", {"format": "xml", "record": "item"}),
        ('<x><Orders><Order n="1"><Line/><Line/></Order></Orders></x>', {"format": "xml", "record": "Order"}),
        ("Q1,Q2,when\nHow likely?,Why?,Date\n9,fast,2026-03-01\n3,slow,2026-03-02\n", {"header_rows": 2, "header_row_used": 1}),
        ("day,cost\n2026-03-01,2.50\n2026-03-02,3.50\nTotal,6.00\n", {"footer": r"^\W*(?:Total)\b"}),
        ("1,2026-03-01 10:00:00,a@example.org\n2,2026-03-02 10:00:00,b@example.org\n",
         {"header_rows": 0, "columns": ["number_1", "time_2", "email_3"]}),
        ("a;b\n'x;y';2\n'z';3\n", {"delimiter": ";", "quote": "'"}),
    ],
)  # fmt: skip
def test_formats_records_and_headers_are_found(text: str, read: dict[str, object], tmp_path) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    found = detect_dialect(path)
    assert {name: found.read.get(name) for name in read} == read


def test_a_workbook_names_the_sheet_that_is_read_and_skips_its_title(tmp_path) -> None:
    table = [
        ["Calls of March"],
        [],
        ["id", "started", "seconds"],
        ["c1", "2026-03-01 10:00", 5],
        ["c2", "2026-03-02 11:00", 6],
    ]
    path = write_workbook(
        tmp_path / "b.xlsx", {"Empty": sheet_xml([]), "Data": sheet_xml(table), "Notes": sheet_xml([["x"]])}
    )
    found = detect_dialect(path)
    assert found.read == {"format": "xlsx", "sheet": "Data", "skip_rows": 2}
    assert any("not read: Notes" in note.text and note.is_unsure for note in found.notes)


def test_xml_with_entities_is_refused(tmp_path) -> None:
    path = tmp_path / "bomb.xml"
    path.write_text('<!DOCTYPE a [<!ENTITY x "y">]><a><b><c>&x;</c></b></a>')
    with pytest.raises(ReadError, match="entities"):
        detect_dialect(path)


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("04/03/2026 09:05", "%d/%m/%Y %H:%M"),
        ("4-3-26", "%d-%m-%y"),
        ("31.12.2025, 08.15", "%d.%m.%Y, %H.%M"),
        ("12. mrt. 2026 17:05", "%d. %b %Y %H:%M"),
        ("March 1, 2026 1:02 PM", "%b %d, %Y %I:%M %p"),
        ("Mon, 12 Mar 2026 10:00:00 +0100", "%a, %d %b %Y %H:%M:%S %z"),
        ("20260131T101500Z", "%Y%m%dT%H%M%S%z"),
        ("2026-03-01 7:00:00", "%Y-%m-%d %H:%M:%S"),
        ("99/99/2026", None),
        ("order 12", None),
    ],
)
def test_a_written_time_is_read_by_the_pattern_that_is_proposed(value: str, pattern: str | None) -> None:
    shape = time_shape(value)
    assert (shape.pattern("day") if shape else None) == pattern


def profiles(**columns: list[str | None]):
    return {profile.name: profile for profile in profile_table(pa.table(columns))}


def test_day_and_month_are_told_by_a_value_above_twelve_by_another_column_or_by_the_order_of_rows() -> None:
    found = profiles(a=["01/02/2026", "25/02/2026"], b=["03/04/2026", "05/06/2026"])
    assert (found["a"].order, found["b"].order) == ("day", "day")
    assert found["b"].order_evidence.startswith("as in a")
    assert profiles(a=["12/13/2026", "01/02/2026"])["a"].formats == ("%m/%d/%Y",)
    ascending = [f"0{month}/0{day}/2026" for month in (1, 2, 3) for day in (2, 5, 8)]
    assert profiles(a=ascending)["a"].order == "month"
    unknown = profiles(a=["01/02/2026", "03/04/2026"])["a"]
    assert (unknown.order, unknown.formats) == ("unknown", ("%d/%m/%Y",))
    assert "can be read both ways" in unknown.order_evidence


def test_numbers_keep_their_style_and_what_is_no_number_stays_text() -> None:
    found = profiles(
        dutch=["1.234,50", "7,00"],
        english=["1,234.50", "7.00"],
        money=["€ 12.50", "€ 3.00"],
        minus=["12.50-", "3.00"],
        customer=["00017", "01234"],
        long=["1234567890123456789", "1"],
        nothing=["1.5", "--"],
        mostly=[*(str(n) for n in range(39)), "n.v.t. per telefoon"][:2],
    )
    assert (found["dutch"].type, found["dutch"].decimal, found["dutch"].thousands) == ("decimal", ",", ".")
    assert (found["english"].decimal, found["english"].thousands) == (".", ",")
    assert found["money"].strip == ("€",) and found["minus"].trailing_minus
    assert found["customer"].type == found["long"].type == "text"
    assert (found["nothing"].type, found["nothing"].nothing, found["nothing"].filled_count) == ("decimal", ("--",), 1)


def test_three_digits_behind_a_sign_are_a_thousand_or_a_fraction_as_the_other_columns_say() -> None:
    alone = profiles(shown=["1,234", "980", "12,034"])["shown"]
    assert (alone.type, alone.thousands, alone.maximum) == ("integer", ",", 12034.0)
    assert "taken for thousands" in alone.order_evidence
    beside = profiles(shown=["1,234", "980"], cost=["12.34", "1.50"])["shown"]
    assert (beside.thousands, beside.order_evidence) == (",", "")
    dutch = profiles(shown=["1.234", "12.034"], cost=["12,34", "1,50"])["shown"]
    assert (dutch.type, dutch.thousands, dutch.maximum) == ("integer", ".", 12034.0)


def test_values_that_do_not_fit_are_counted_and_shown() -> None:
    found = profiles(seconds=[*(str(n) for n in range(97)), "long", "long", "n.b."])["seconds"]
    assert (found.type, found.misfit_count, found.misfit_example) == ("integer", 3, "long")
    assert profiles(seconds=[*(str(n) for n in range(90)), *(["long"] * 10)])["seconds"].type == "text"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Klantnummer", "customer_number"),
        ("kundenr", "customer_number"),
        ("BESTELLDATUM", "time_event"),
        ("Oprettet", "time_created"),
        ("Adresse e-mail", "email"),
        ("property_hs_createdate", "time_created"),
        ("orderTotal", "amount"),
        ("Gesprächsdauer", "duration"),
        ("E-mailadres", "email"), ("Rechnungsnummer", "invoice_key"), ("prénom", "given_name"), ("Beløb", "amount"),
        ("AWSAccountId", "organisation_id"),
        ("utm_campaign", "campaign_name"),
        ("Postnr.", "postal_code"),
        ("Straße", "street"),
    ],
)  # fmt: skip
def test_names_of_five_languages_are_understood(name: str, role: str) -> None:
    assert column_meanings(name)[0].name == role


@pytest.mark.parametrize(
    ("label", "topic", "touchpoint_type"),
    [
        ("Bestelling geplaatst", "", "order_placed"),
        ("Faktura betalt", "", "invoice_paid"),
        ("Kündigung", "", "contract_terminated"),
        ("Opkald", "", "call_inbound"), ("Réclamation", "", "complaint"), ("gelöst", "ticket", "ticket_resolved"),
        ("Contract verlengd", "", "contract_renewed"),
        ("open", "email", "email_opened"),
        ("open", "ticket", "ticket_opened"),
        ("Rykker sendt", "invoice", "invoice_overdue"),
        ("OrderPlaced", "", "order_placed"),
        ("Verhuizing", "", "contract_changed"),
    ],
)  # fmt: skip
def test_labels_of_five_languages_become_touchpoint_types(label: str, topic: str, touchpoint_type: str) -> None:
    assert type_meanings(label, topic)[0].name == touchpoint_type

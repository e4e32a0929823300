"""Postal codes, house numbers, streets and dates: values worked out by hand, and laws."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.normalise.address import (
    HouseNumber,
    normalise_city,
    normalise_country,
    normalise_postal_code,
    normalise_street,
    split_address_line,
    split_house_number,
)
from models.normalise.date import date_digits, parse_date, parse_dates, plausible_birth_date


@pytest.mark.parametrize(
    ("country", "value", "expected"),
    [
        ("NL", "0123 ab", "0123AB"),
        ("NL", "NL-0123 AB", "0123AB"),
        ("DK", "DK-0800", "0800"),
        ("DK", "800", "0800"),
        ("DE", "1067", "01067"),
        ("DE", "D-01067", "01067"),
        ("BE", "B-1000", "1000"),
        ("GB", "sw1a 1aa", "SW1A1AA"),
        ("US", "00000-1234", "00000"),
        (None, "ab 12-3", "AB123"),
        # the town in the same cell; what a spreadsheet made of it
        ("NL", "0123 AB Verzonnen", "0123AB"),
        ("DK", "8000 Aarhus C", "8000"),
        ("DK", "8000 C", "8000"),
        ("BE", "B-1000 Brussel", "1000"),
        ("DE", "1067.0", "01067"),
        ("DK", "8000.0", "8000"),
        ("NL", "unknown", None),
        (None, "", None),
    ],
)
def test_postal_codes_by_country(country: str | None, value: str, expected: str | None) -> None:
    assert normalise_postal_code(value, country) == expected


@given(st.sampled_from(["NL", "DK", "DE", "BE", "GB", "US", None]), st.text(max_size=12))
@settings(max_examples=300)
def test_a_postal_code_is_its_own_normal_form(country: str | None, value: str) -> None:
    once = normalise_postal_code(value, country)
    if once is not None:
        assert normalise_postal_code(once, country) == once


@pytest.mark.parametrize(
    ("value", "number", "addition"),
    [
        ("12", "12", ""),
        ("0012", "12", ""),
        ("12-A", "12", "a"),
        ("12 a", "12", "a"),
        ("12bis", "12", "bis"),
        ("12 A II", "12", "aii"),
        ("12 bus 3", "12", "3"),
        ("16 bte 3", "16", "3"),
        ("12, 2. tv", "12", "2tv"),
        ("5 b", "5", "b"),
        ("12-14", "12", ""),
        ("124-2", "124", "2"),
        ("nr. 12", "12", ""),
        ("12.0", "12", ""),
        ("12½", "12", "12"),
        ("12 1/2", "12", "12"),
    ],
)
def test_house_numbers_and_additions(value: str, number: str, addition: str) -> None:
    assert split_house_number(value) == HouseNumber(number, addition)


def test_a_text_without_number_first_is_no_house_number() -> None:
    assert split_house_number("A12") is None
    assert split_house_number("") is None


@pytest.mark.parametrize(
    ("line", "street", "house"),
    [
        ("Verzonnenstraat 12-a", "Verzonnenstraat", "12-a"),
        ("Fantasigade 12, 2. th", "Fantasigade", "12, 2. th"),
        ("12 High Street", "High Street", "12"),
        ("2e Dwarsstraat 4", "2e Dwarsstraat", "4"),
        ("Plein 1944 12", "Plein 1944", "12"),
        ("Hauptstr. 5 b", "Hauptstr.", "5 b"),
        ("5112 145th St", "145th St", "5112"),
        ("145th St", "145th St", None),
        ("Fantasigade", "Fantasigade", None),
        # days belong to streets, flats and people to whom it goes do not
        ("Straße des 17. Juni 135", "Straße des 17. Juni", "135"),
        ("Rue du 11 novembre 5 bte 2", "Rue du 11 novembre", "5 bte 2"),
        ("Straße des 17. Juni", "Straße des 17. Juni", None),
        ("5 May Street", "May Street", "5"),
        ("Flat 3, 12 High Street", "High Street", "12"),
        ("c/o Bos, Dorpsweg 3", "Dorpsweg", "3"),
        # a blank that is missing, and a block that is called so
        ("Verzonnenstraat12a", "Verzonnenstraat", "12a"),
        ("Q5, 14", "Q5", "14"),
    ],
)
def test_a_line_of_street_and_number(line: str, street: str, house: str | None) -> None:
    assert split_address_line(line) == (street, house)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hoofdstr.", "Hoofdstraat"),
        ("Hauptstraße", "Hauptstr."),
        ("Main St", "main street"),
        ("N Oak Ave.", "North Oak Avenue"),
        ("St. Jansstraat", "Sint Jansstraat"),
        ("Sankt-Johann-Str.", "St. Johann-Straße"),
    ],
)
def test_abbreviated_streets_are_the_same(one: str, other: str) -> None:
    assert normalise_street(one) == normalise_street(other)


@given(st.text(alphabet="abcdeéø st.r'-", max_size=20))
@settings(max_examples=200)
def test_a_street_is_its_own_normal_form(value: str) -> None:
    once = normalise_street(value)
    if once is not None:
        assert normalise_street(once) == once


def test_towns_and_countries() -> None:
    assert normalise_city("'s-Hertogenbosch") == "shertogenbosch"
    assert normalise_city("Århus C") == normalise_city("Aarhus C")
    found = [normalise_country(name) for name in ("nl", "Nederland", "Danmark", "UK", "Belgique", "Atlantis")]
    assert found == ["NL", "NL", "DK", "GB", "BE", None]


def test_dates_are_read_by_the_declared_format_and_no_other() -> None:
    assert parse_date("05/06/1980", ["%d/%m/%Y"]) == dt.date(1980, 6, 5)
    assert parse_date("05/06/1980", ["%m/%d/%Y"]) == dt.date(1980, 5, 6)
    for wrong in ("30/02/1980", "5/6/1980", "1980-06-05", "05/06/80", "", "05/13/1980"):
        assert parse_date(wrong, ["%d/%m/%Y"]) is None
    assert parse_date("1980-06-05", ["%d/%m/%Y", "%Y-%m-%d"]) == dt.date(1980, 6, 5)
    read = parse_dates(pa.array(["19800605", None, "19801305"]), ["%Y%m%d"])
    assert read.to_pylist() == [dt.date(1980, 6, 5), None, None]
    assert read.type == pa.date32()


def test_a_text_that_is_no_date_keeps_its_digits_in_their_places() -> None:
    assert date_digits("30/08/1995", "%m/%d/%Y") == "19953008"
    assert date_digits("O6/28/2O16", "%m/%d/%Y") == "20160628"
    # letters and bars that scanners take for digits; a digit too many in one part
    assert date_digits("0G/|6/20O2", "%m/%d/%Y") == "20020616"
    assert date_digits("207/07/2013", "%m/%d/%Y") == "201320707"
    assert date_digits("7/07/2013", "%m/%d/%Y") == "2013707"
    assert date_digits("7/7/2013", "%m/%d/%Y") is None
    assert date_digits("2071072013", "%m%d%Y") is None
    assert date_digits("1995", "%m/%d/%Y") is None
    assert date_digits("ab/cd/efgh", "%m/%d/%Y") is None


def test_nobody_is_born_on_a_filler() -> None:
    assert plausible_birth_date(dt.date(1980, 6, 5))
    for filler in (
        dt.date(1900, 1, 1),
        dt.date(1970, 1, 1),
        dt.date(1, 1, 1),
        dt.date(9999, 12, 31),
        dt.date(1850, 1, 1),
    ):
        assert not plausible_birth_date(filler)

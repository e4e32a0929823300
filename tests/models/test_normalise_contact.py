"""Normal forms of e-mail addresses, telephone and customer numbers: values worked out by hand, and laws."""

from __future__ import annotations

import hashlib

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.normalise.email import PROVIDERS, likely_email, normalise_email, plain_email
from models.normalise.identifier import normalise_identifiers
from models.normalise.number import normalise_customer_number
from models.normalise.phone import LONGEST, PROBES, normalise_phone, phone_library


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" Anna.DeVries@Example.ORG ", "anna.devries@example.org"),
        ("Anna de Vries <Anna@Example.org>", "anna@example.org"),
        ("mailto:anna@example.org", "anna@example.org"),
        ("mailto:anna@example.org?subject=Hello", "anna@example.org"),
        ("<anna@example.org>", "anna@example.org"),
        ("anna@example.org.", "anna@example.org"),
        # Google ignores dots and tags, and has two names; others do not.
        ("A.de.Vries+news@googlemail.com", "adevries@gmail.com"),
        ("a.devries+news@example.org", "a.devries+news@example.org"),
        # Microsoft ignores tags, not dots.
        ("anna.bos+shop@outlook.com", "anna.bos@outlook.com"),
        ("anna.bos@hotmail.nl", "anna.bos@hotmail.nl"),
        # an international domain in one form, whatever the form it comes in
        ("søren@bøgh.example", "søren@xn--bgh-0na.example"),
        ("søren@XN--BGH-0NA.example", "søren@xn--bgh-0na.example"),
        # a tag that is everything stays
        ("+news@gmail.com", "+news@gmail.com"),
    ],
)
def test_one_mailbox_one_value(value: str, expected: str) -> None:
    assert normalise_email(value) == expected


@pytest.mark.parametrize(
    "value",
    ["", "anna", "anna@", "@example.org", "a@b@example.org", "a b@example.org", "anna@org", "anna@example..org"],
)
def test_what_is_no_address(value: str) -> None:
    assert normalise_email(value) is None


def test_a_mistyped_domain_is_evidence_and_not_truth() -> None:
    assert normalise_email("Anna.Bos@gmial.com") == "anna.bos@gmial.com"
    assert likely_email("Anna.Bos@gmial.com") == "annabos@gmail.com"
    # one letter away from others, and providers of their own
    assert likely_email("anna@ymail.com") is None
    assert likely_email("anna@mail.com") is None
    assert likely_email("anna@gmail.com") is None


@given(st.emails() | st.sampled_from([f"a.b+c@{domain}" for domain in PROVIDERS]))
@settings(max_examples=100)
def test_a_mailbox_is_its_own_normal_form(value: str) -> None:
    once = normalise_email(value)
    if once is not None:
        assert normalise_email(once) == once


def test_a_mail_tools_hash_is_of_what_was_typed() -> None:
    table = pa.table(
        {"identifier_type": ["email"], "raw_value": [" A.Bos@GMAIL.com"], "country": pa.array([None], pa.string())}
    )
    row = normalise_identifiers(table, [], []).to_pylist()[0]
    assert row["identifier_value"] == "abos@gmail.com"
    assert row["typed_md5"] == hashlib.md5(b"a.bos@gmail.com").hexdigest()
    assert plain_email(" A.Bos@GMAIL.com") == "a.bos@gmail.com"


@pytest.mark.parametrize(
    ("value", "country", "expected"),
    [
        ("06 00000001", "NL", "+31600000001"),
        ("06-00000001", "BE", "+32600000001"),
        ("0031 6 00000001", "DK", "+31600000001"),
        ("+31 (0)6 00000001", "DK", "+31600000001"),
        ("31600000001", "NL", "+31600000001"),
        ("20 12 34 56", "DK", "+4520123456"),
        ("0151 00000001", "DE", "+4915100000001"),
        ("0470 00 00 01", "BE", "+32470000001"),
        ("07700 900123", "GB", "+447700900123"),
        ("(202) 555-0100 ext. 12", "US", "+12025550100"),
        # notes behind the digits, and what spreadsheets make of a number
        ("06-00000001 (werk)", "NL", "+31600000001"),
        ("06 00000001 thuis", "NL", "+31600000001"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("31600000001.0", "NL", "+31600000001"),
        ("3.16E+10", "NL", None),
        ("3,16e10", "DK", None),
        ("06 00000001 / 06 00000002", "NL", None),
        ("06 00000001", None, None),
        ("ask at the desk", "NL", None),
        ("12", "NL", None),
        ("", "NL", None),
        ("0" * (LONGEST + 1), "NL", None),
    ],
)
def test_e164_with_the_country_of_the_source(value: str, country: str | None, expected: str | None) -> None:
    assert normalise_phone(value, country, phonenumbers) == expected


def test_the_accelerator_reads_as_the_library_does() -> None:
    fast = pytest.importorskip("rphonenumbers", reason="the extra `fast` is not installed")
    assert phone_library() is fast
    starts = ("0600", "+4510", "0031 6 00", "0", "(0)6-0")
    countries = ("NL", "DK", "DE", "BE", None)
    numbers = range(0, 10**6, 37_000)
    spellings = [(f"{start}{number:06d}", country) for start in starts for number in numbers for country in countries]
    for value, country in [*PROBES, *spellings]:
        assert normalise_phone(value, country, fast) == normalise_phone(value, country, phonenumbers), (value, country)


def test_an_accelerator_that_differs_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        """Reads nothing."""

        NumberParseException = ValueError

        @staticmethod
        def parse(text: str, country: str | None) -> None:
            raise ValueError(text)

    monkeypatch.setitem(__import__("sys").modules, "rphonenumbers", Odd)
    phone_library.cache_clear()
    try:
        assert phone_library() is phonenumbers
    finally:
        phone_library.cache_clear()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0000010001", "10001"),
        ("10001", "10001"),
        ("10001.0", "10001"),
        ("10001,00", "10001"),
        # a separator or three digits behind the point: nobody knows
        ("10.000", "10.000"),
        # the beginning of many numbers, and a code
        ("1.23457E+11", None),
        ("1E4", "1E4"),
        (" k-0042 ", "K-0042"),
        ("10 001", "10001"),
        ("0000", "0"),
        ("  ", None),
    ],
)
def test_customer_numbers_as_systems_and_spreadsheets_write_them(value: str, expected: str | None) -> None:
    assert normalise_customer_number(value) == expected


@given(st.text(max_size=20))
@settings(max_examples=200)
def test_a_customer_number_is_its_own_normal_form(value: str) -> None:
    once = normalise_customer_number(value)
    if once is not None:
        assert normalise_customer_number(once) == once

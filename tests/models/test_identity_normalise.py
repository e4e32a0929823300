"""Normal forms of identifiers, by hand and as laws."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.normalise import MAXIMUM_LENGTH, normalise_identifiers, normalise_phone, type_rule


def normal(identifier_type: str, value: str, country: str | None = "NL") -> tuple[str | None, bool, str | None]:
    table = pa.table(
        {
            "identifier_type": pa.array([identifier_type]),
            "raw_value": pa.array([value], pa.string()),
            "country": pa.array([country], pa.string()),
        }
    )
    row = normalise_identifiers(table, ["unknown", "test@example.org"], ["info", "sales"]).to_pylist()[0]
    return row["identifier_value"], row["is_blocked"], row["reason"]


@pytest.mark.parametrize(
    ("identifier_type", "value", "expected"),
    [
        ("email", " Anna.DeVries@Example.ORG ", "anna.devries@example.org"),
        ("email", "mailto:anna@example.org", "anna@example.org"),
        ("customer_number", "0000010001", "10001"),
        ("customer_number", "K-0042", "K-0042"),
        ("email_md5", "1D34BD0FB670D5E60047647339AAEDF7", "1d34bd0fb670d5e60047647339aaedf7"),
        ("zendesk.user", " 42 ", "42"),
        ("phone", "06 00000001", "+31600000001"),
        ("phone", "0031 6 00000001", "+31600000001"),
        ("phone", "31600000002", "+31600000002"),
    ],
)
def test_normal_form(identifier_type: str, value: str, expected: str) -> None:
    assert normal(identifier_type, value) == (expected, False, None)


@pytest.mark.parametrize(
    ("identifier_type", "value"),
    [("email", "no address"), ("email", "@example.org"), ("phone", "n/a"), ("email_md5", "abc"), ("login", "   ")],
)
def test_a_value_that_says_nothing_becomes_null(identifier_type: str, value: str) -> None:
    assert normal(identifier_type, value) == (None, False, "not a valid value of its type")


def test_role_mailboxes_and_blocked_values_stay_as_attributes() -> None:
    assert normal("email", "Info@example.org") == ("info@example.org", True, "role mailbox")
    assert normal("login", "UNKNOWN") == ("UNKNOWN", True, "blocked value")
    assert normal("customer_number", "0000") == ("0", True, "no digit but zero")


def test_a_very_long_value_is_refused() -> None:
    value, blocked, reason = normal("login", "x" * 1_000_000)
    assert (value, blocked) == (None, False)
    assert reason == f"longer than {MAXIMUM_LENGTH} characters"


def test_the_country_decides_how_a_number_without_code_is_read() -> None:
    assert normalise_phone("20 12 34 56", "DK") == "+4520123456"
    assert normalise_phone("+45 20 12 34 56", "NL") == "+4520123456"


@given(st.text(max_size=60), st.sampled_from(["email", "phone", "customer_number", "login", "email_md5"]))
def test_a_normal_form_is_its_own_normal_form(value: str, identifier_type: str) -> None:
    once, _, _ = normal(identifier_type, value)
    if once is not None:
        assert normal(identifier_type, once)[0] == once


def test_the_exact_type_governs_before_a_wildcard() -> None:
    assert type_rule("zendesk.user", ["email", "*.*", "zendesk.user"]) == "zendesk.user"
    assert type_rule("olist.order", ["email", "*.*"]) == "*.*"
    assert type_rule("badge", ["email", "*.*"]) is None

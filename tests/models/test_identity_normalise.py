"""Normal forms of identifiers, by hand and as laws."""

from __future__ import annotations

from fnmatch import fnmatch

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.configuration import load_configuration
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


@pytest.mark.parametrize(
    ("value", "is_role"),
    [
        # as companies here and around us call them, however they are written
        ("info@example.org", True), ("info2@example.org", True), ("info+web@example.org", True), ("no_reply@example.org", True),
        ("klanten-service@example.org", True), ("boekhouding@example.org", True), ("kundeservice@example.org", True),
        ("bogholderi@example.org", True), ("buchhaltung@example.org", True), ("kundendienst@example.org", True),
        # a dot may stand between somebody's initials
        ("h.r@example.org", False), ("j.obs@example.org", False), ("anna@example.org", False), ("infoanna@example.org", False),
        ("2@example.org", False),
    ],
)  # fmt: skip
def test_mailboxes_of_roles_by_the_default_configuration(value: str, is_role: bool) -> None:
    identity = load_configuration(None).identity
    table = pa.table({"identifier_type": ["email"], "raw_value": [value], "country": pa.array([None], pa.string())})
    (row,) = normalise_identifiers(table, identity.blocked_values, identity.role_mailboxes).to_pylist()
    assert (row["is_blocked"], row["reason"]) == (is_role, "role mailbox" if is_role else None)


@pytest.mark.parametrize(
    ("kind", "value", "is_test"),
    [
        ("email", "test1@example.org", True), ("email", "qa-user7@example.org", True), ("email", "geen-mail@example.org", True),
        ("email", "ingenmail@example.org", True), ("email", "keine-email@example.org", True),
        ("email", "ukendt@example.org", True),
        ("email", "anna@shop.invalid", True), ("email", "anna@localhost.example", True), ("login", "testbruger2", True),
        ("customer_number", "999999", True), ("login", "undefined", True), ("visitor", "000", True),
        ("email", "anna.test@example.org", False), ("email", "testa@example.org", False), ("email", "xander@example.org", False),
        ("email", "anna@latest.example", False), ("login", "administratrix", False), ("customer_number", "99999", False),
    ],
)  # fmt: skip
def test_accounts_that_are_nobodys_by_the_default_configuration(kind: str, value: str, is_test: bool) -> None:
    patterns = load_configuration(None).identity.blocked_patterns
    found = [
        pattern
        for name, several in patterns.items()
        for pattern in several
        if fnmatch(kind, name)
        and duckdb.execute("select regexp_matches(?, ?, 'i')", [value, pattern]).fetchall() == [(True,)]
    ]
    assert bool(found) == is_test


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

"""What the default configuration believes, in cases small enough to see."""

from __future__ import annotations

import pyarrow as pa
import pytest

from models.configuration import load_configuration
from models.normalise import normalise_identifiers
from tests.pipelines.identity_room import Record, identity_room


def customers(*records: tuple[str, ...]) -> dict[str, int]:
    """Customer per identifier (`type:value`) of records that name some identifiers each, a day apart."""
    with identity_room() as room:
        room.night([Record(1000 + at, names, at * 1440) for at, names in enumerate(records)])
        return room.customers()


HOME, OF_ANNA, OF_BRAM = "phone:+31201234567", "phone:+31612345678", "phone:+31698765432"


def test_two_customer_numbers_on_one_telephone_are_two_people() -> None:
    found = customers(("customer_number:1", HOME), ("customer_number:2", HOME))
    assert len(set(found.values())) == 3


def test_two_accounts_on_one_telephone_are_two_people() -> None:
    found = customers(("login:anna", HOME), ("login:bram", HOME))
    assert found["login:anna"] != found["login:bram"]


def test_a_telephone_beside_two_other_numbers_is_a_household() -> None:
    """Anna shops on the site and Bram in the store: no system knows both, but each has a number of their own."""
    found = customers(
        ("login:anna", HOME, OF_ANNA),
        ("customer_number:2", HOME, OF_BRAM),
        (OF_ANNA, "email:anna@example.org"),
    )
    assert found["login:anna"] != found["customer_number:2"]
    assert found["login:anna"] == found["email:anna@example.org"]


def test_a_persons_own_telephone_joins_what_systems_know_of_them() -> None:
    """One customer number, one account, a second e-mail address, a number at home: one person."""
    found = customers(
        ("customer_number:1", OF_ANNA, HOME),
        ("login:anna", "email:anna@example.org", OF_ANNA),
        ("email:other@example.net", OF_ANNA),
    )
    assert len(set(found.values())) == 1


def test_two_customer_numbers_with_one_mailbox_stay_two_people() -> None:
    """A couple with one address for mail: the mailbox goes with the number that more records name it with."""
    found = customers(
        ("customer_number:1", "email:home@example.org"),
        ("customer_number:2", "email:home@example.org"),
        ("customer_number:2", "email:home@example.org"),
    )
    assert found["customer_number:1"] != found["customer_number:2"] == found["email:home@example.org"]


@pytest.mark.parametrize(
    "name",
    [
        "email:test1@example.org",
        "email:info@example.org",
        "login:admin",
        "login:test-2",
        "customer_number:000",
        "login:-1",
    ],
)
def test_values_that_name_nobody_join_nobody(name: str) -> None:
    found = customers((name, "email:anna@example.org"), (name, "email:bram@example.org"))
    assert found["email:anna@example.org"] != found["email:bram@example.org"]


@pytest.mark.parametrize(
    "number", ["(555) 555-5555", "+1 555-555-5555", "1234567890", "0111 111 111", "+45 11 11 11 11"]
)
def test_a_number_typed_to_fill_the_field_is_blocked(number: str) -> None:
    assert blocked(number) == [True]


@pytest.mark.parametrize("number", ["+31600000000", "+4511000000", "+31 19 1000000", "+45 10 000 007"])
def test_a_number_with_many_zeros_is_a_number(number: str) -> None:
    assert blocked(number) == [False]


def blocked(number: str) -> list[bool]:
    """Whether the default configuration blocks a telephone number, read in the Netherlands."""
    identity = load_configuration(None).identity
    values = pa.table({"identifier_type": ["phone"], "raw_value": [number], "country": ["NL"]})
    found = normalise_identifiers(values, identity.blocked_values, identity.role_mailboxes)
    assert found["identifier_value"][0].as_py() is not None
    result: list[bool] = found["is_blocked"].to_pylist()
    return result

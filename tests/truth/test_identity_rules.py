"""What the default configuration believes about telephone numbers, in cases small enough to see."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from models.configuration import load_configuration
from models.identity import resolve
from models.normalise import normalise_identifiers
from pipelines.night.identity import type_rules


def customers(*records: tuple[str, ...]) -> dict[str, int]:
    """Customer per identifier (`type:value`) of records that name some identifiers each."""
    names = sorted({name for record in records for name in record})
    code = {name: index for index, name in enumerate(names)}
    first = [min(i for i, record in enumerate(records) if name in record) for name in names]
    types = [name.partition(":")[0] for name in names]
    together = sorted({(code[a], code[b]) for record in records for a in record for b in record if code[a] < code[b]})
    resolved = resolve(
        pa.table(
            {
                "identifier_code": pa.array(range(len(names)), pa.int32()),
                "identifier_type": pa.array(types),
                "is_blocked": pa.array([False] * len(names)),
                "first_seen_at": pa.array([dt.datetime(2026, 1, 1 + at) for at in first], pa.timestamp("us")),
                "first_record_id": pa.array([1000 + at for at in first], pa.int64()),
            }
        ),
        pa.table(
            {
                "left_code": pa.array([a for a, _ in together], pa.int32()),
                "right_code": pa.array([b for _, b in together], pa.int32()),
            }
        ),
        type_rules(load_configuration(None), sorted(set(types))),
    )
    return dict(zip(names, resolved["customer_id"].to_pylist(), strict=True))


def test_two_customer_numbers_on_one_telephone_are_two_people() -> None:
    found = customers(("customer_number:1", "phone:home"), ("customer_number:2", "phone:home"))
    assert len(set(found.values())) == 3


def test_two_accounts_on_one_telephone_are_two_people() -> None:
    found = customers(("login:anna", "phone:home"), ("login:bram", "phone:home"))
    assert found["login:anna"] != found["login:bram"]


def test_a_telephone_beside_two_other_numbers_is_a_household() -> None:
    """Anna shops on the site and Bram in the store: no system knows both, but each has a number of their own."""
    found = customers(
        ("login:anna", "phone:home", "phone:mobile of Anna"),
        ("customer_number:2", "phone:home", "phone:mobile of Bram"),
        ("phone:mobile of Anna", "email:anna@example.org"),
    )
    assert found["login:anna"] != found["customer_number:2"]
    assert found["login:anna"] == found["email:anna@example.org"]


def test_a_persons_own_telephone_joins_what_systems_know_of_them() -> None:
    """One customer number, one account, a second e-mail address, a number at home: one person."""
    found = customers(
        ("customer_number:1", "phone:mobile", "phone:home"),
        ("login:anna", "email:anna@example.org", "phone:mobile"),
        ("email:other@example.net", "phone:mobile"),
    )
    assert len(set(found.values())) == 1


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

"""Well-formed values are normalised by column: what comes out is what the functions for one value give.

Not here: what the normal forms are (`test_normalise_contact.py`).
"""

from __future__ import annotations

import random

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.normalise.email import PROVIDERS, likely_email, normalise_email, plain_email, plain_mailboxes
from models.normalise.number import normalise_customer_number, plain_customer_numbers
from models.normalise.phone import PROBES, normalise_phone, plain_phones

COUNTRIES = (
    "NL", "DK", "DE", "BE", "GB", "US", "FR", "IT", "VA", "ES", "SE", "NO", "RU", "BR", "AR", "MX", "CN", "IN", "AU", "JP", "nl",
    "XX", None,
)  # fmt: skip


def numbers(seed: int, count: int) -> list[tuple[str, str | None]]:
    """Spellings of telephone numbers with a default country: the library's examples, and digits of all kinds."""
    dice = random.Random(seed)
    regions, codes = sorted(phonenumbers.SUPPORTED_REGIONS), sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    found: list[tuple[str, str | None]] = [(text, country) for text, country in PROBES]
    for _ in range(count):
        country = dice.choice(COUNTRIES)
        digits = "".join(dice.choices("0123456789", k=dice.randrange(3, 13)))
        region = dice.choice(regions)
        example = phonenumbers.format_number(phonenumbers.example_number(region), dice.choice((0, 1, 2)))
        start = dice.choice(("", "0", "00", "+", f"+{dice.choice(codes)}", f"00{dice.choice(codes)}"))
        at = dice.randrange(1, len(digits))
        broken = digits[:at] + dice.choice(" -") + digits[at:]
        found += [
            (example, region), (example.replace(" ", ""), region), (example.replace(" ", ""), country),
            (start + digits, country), (start + broken, country),
        ]  # fmt: skip
    return found


def test_telephones_by_column_are_as_the_library_reads_them() -> None:
    spelt = numbers(360, 2500)
    frame = pl.DataFrame(spelt, schema={"text": pl.String, "country": pl.String}, orient="row")
    made = plain_phones(frame).to_list()
    exact = [normalise_phone(text, country, phonenumbers) for text, country in spelt]
    assert [(row, one) for row, one, other in zip(spelt, made, exact, strict=True) if one not in (None, other)] == []
    # Not by refusing everything: most of what the library can read needs no library.
    assert sum(one is not None for one in made) > 0.5 * sum(other is not None for other in exact)


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("0600000001", "NL", "+31600000001"),
        ("06-0000 0001", "NL", "+31600000001"),
        ("+4510000001", "NL", "+4510000001"),
        ("0045 10 00 00 01", None, "+4510000001"),
        ("20123456", "DK", "+4520123456"),
        # a zero behind the country code, a number without its zero, the country code without plus: for the library
        ("+310600000001", "NL", None),
        ("600000001", "NL", None),
        ("31600000001", "NL", None),
        ("+31 (0)6 00000001", "NL", None),
        ("+99912345678", "NL", None),
    ],
)
def test_which_telephones_need_no_parser(text: str, country: str | None, expected: str | None) -> None:
    frame = pl.DataFrame({"text": [text], "country": [country]}, schema={"text": pl.String, "country": pl.String})
    assert plain_phones(frame).to_list() == [expected]


ADDRESSES = (
    st.emails()
    | st.from_regex(r"[ <\"A-Za-z0-9.+_øé-]{0,12}@[A-Za-z0-9.ø-]{0,12}\.[A-Za-z0-9.>]{0,5}", fullmatch=True)
    | st.builds(
        lambda local, domain: f"{local}@{domain}",
        st.text("aB1.+_-", max_size=8),
        st.sampled_from([*PROVIDERS, "gmial.com", "hotmail.con", "example.org"]),
    )
)


@given(st.lists(ADDRESSES, min_size=1, max_size=30))
@settings(max_examples=150)
def test_addresses_by_column_are_as_one_by_one(values: list[str]) -> None:
    values = [value.strip() for value in values]
    made = plain_mailboxes(pl.Series(values))
    for value, mailbox, typed in zip(values, made["mailbox"], made["typed"], strict=True):
        assert (mailbox is None) == (typed is None)
        if mailbox is not None:
            assert (mailbox, typed, likely_email(value)) == (normalise_email(value), plain_email(value), None)


def test_plain_addresses_need_no_parser() -> None:
    values = [
        "Anna.Bos+x@Example.org",
        "A.Bos+x@googlemail.com",
        "+x@gmail.com",
        "anna@gmial.com",
        "Anna <a@example.org>",
    ]
    made = plain_mailboxes(pl.Series(values))["mailbox"].to_list()
    assert made == ["anna.bos+x@example.org", "abos@gmail.com", "+x@gmail.com", None, None]


@given(st.lists(st.text("0019aK-. é", max_size=8) | st.text(max_size=6), min_size=1, max_size=30))
@settings(max_examples=100)
def test_customer_numbers_by_column_are_as_one_by_one(values: list[str]) -> None:
    made = plain_customer_numbers(pl.Series(values)).to_list()
    assert [one in (None, normalise_customer_number(v)) for v, one in zip(values, made, strict=True)] == [True] * len(
        made
    )


def test_plain_customer_numbers_need_no_parser() -> None:
    values = ["0000010001", "K-0042", "00K1", "000", "10001.0", "k1"]
    assert plain_customer_numbers(pl.Series(values)).to_list() == ["10001", "K-0042", "K1", None, None, None]

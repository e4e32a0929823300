"""Identifiers in one spelling, so that equal people have equal values, and the reasons why a value is no link.

Belongs here: normal forms of tables of distinct raw identifiers. Does not belong here: the normal form of one type (its own
module), which identifiers link people (`models/identity.py`), and any reading or writing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from fnmatch import fnmatch

import polars as pl
import pyarrow as pa

from models.normalise.email import likely_email, normalise_email, plain_email, plain_mailboxes
from models.normalise.number import normalise_customer_number, plain_customer_numbers
from models.normalise.phone import LONGEST as LONGEST_PHONE
from models.normalise.phone import normalise_phone, plain_phones

# No identifier that a person types is longer; longer values are free text in the wrong column.
MAXIMUM_LENGTH = 320
# What people type where a number is demanded: one digit over and over. Nine zeros, because real numbers end in some.
FILLER_ENDINGS = ("0{9}", *(f"{digit}{{8}}" for digit in "123456789"))
# What of an address may name a role: without a number at its end and a tag.
_ROLE_PART = r"^([^@+]+?)[0-9]*(?:\+[^@]*)?@"
# Types whose normal form Python makes, a few microseconds each; the others (cookies, visitors, ids of systems) go by column.
_BY_VALUE = ("email", "phone", "customer_number")


def _normal(kind: str, value: str, country: str | None) -> tuple[str | None, str | None, str | None]:
    """Normal form, likely form and the address as typed, of one raw identifier of a type in `_BY_VALUE`."""
    if kind == "phone":
        return (normalise_phone(value, country) if len(value) <= LONGEST_PHONE else None), None, None
    if kind == "customer_number":
        return normalise_customer_number(value), None, None
    plain = plain_email(value)
    if plain is None:
        return None, None, None
    return normalise_email(plain), likely_email(plain), plain


def _by_column(part: pl.DataFrame, kind: str) -> pl.DataFrame:
    """`position`, `by_value` and `typed` of the rows of one type whose value needs no parser; `raw_value` is trimmed."""
    text = part["raw_value"]
    if kind == "email":
        plain = plain_mailboxes(text)
        made = part.select("position", by_value=plain["mailbox"], typed=plain["typed"])
    elif kind == "phone":
        number = plain_phones(part.select(text="raw_value", country="country"))
        made = part.select("position", by_value=number, typed=pl.lit(None, dtype=pl.String))
    else:
        made = part.select("position", by_value=plain_customer_numbers(text), typed=pl.lit(None, dtype=pl.String))
    return made.drop_nulls("by_value")


def _made_by_value(single: pl.DataFrame) -> pl.DataFrame:
    """`position`, `by_value`, `likely_value` and `typed_md5` of the rows of types in `_BY_VALUE`, those without any left out.

    Well-formed values are made by column, the others one by one; both ways give the same.
    """
    quick = pl.concat(
        [_by_column(single.filter(pl.col("identifier_type") == kind), kind) for kind in _BY_VALUE]
    ).with_columns(likely_value=pl.lit(None, dtype=pl.String))
    slow = single.join(quick, on="position", how="anti")
    rows = [
        _normal(kind, value, country)
        for kind, value, country in slow.select("identifier_type", "raw_value", "country").iter_rows()
    ]
    parsed = pl.DataFrame(
        {
            "position": slow["position"],
            **{name: [row[i] for row in rows] for i, name in enumerate(("by_value", "likely_value", "typed"))},
        },
        schema={"position": pl.UInt32, "by_value": pl.String, "likely_value": pl.String, "typed": pl.String},
    )
    made = pl.concat([quick.select(parsed.columns), parsed])
    # Mail tools hash the address as typed in lower case; their hash finds it also where the mailbox is named differently.
    other = made.filter(pl.col("typed") != pl.col("by_value")).select(
        "position", typed_md5=pl.col("typed").map_elements(_md5, return_dtype=pl.String)
    )
    return made.drop("typed").join(other, on="position", how="left")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def normalise_identifiers(values: pa.Table, blocked_values: Sequence[str], role_mailboxes: Sequence[str]) -> pa.Table:
    """Normal forms of distinct raw identifiers.

    Input columns: `identifier_type`, `raw_value`, `country` (ISO code or NULL), all strings, rows distinct.
    Output: the same rows and order plus `identifier_value` (NULL when the value says nothing about a person), `is_blocked`
    (kept as an attribute, never a link), `reason` (why NULL or blocked), `likely_value` (what was probably meant by an
    address with a mistyped domain: evidence, never a link) and `typed_md5` (of an e-mail address that was typed otherwise than
    its normal form: MD5 of what was typed, in lower case, which is what mail tools publish).

    e-mail: the mailbox (`email.py`). phone: E.164 (`phone.py`). customer_number: `number.py`. md5 values: lower case. Everything
    else: trimmed. Values longer than 320 characters are refused. Blocked: `blocked_values`, e-mail of `role_mailboxes`,
    phones that end in a blocked value of digits or in one digit over and over.
    """
    frame = pl.from_arrow(values)
    assert isinstance(frame, pl.DataFrame)
    raw = pl.col("raw_value")
    # Printable ASCII without blanks at its ends is most values, and the quickest to find out.
    odd = raw.str.contains(r"^ |[^ -~]| $")
    frame = frame.with_row_index("position").with_columns(
        trimmed=pl.when(odd).then(raw.str.replace_all(r"[\p{Cc}\p{Cf}]", " ").str.strip_chars()).otherwise(raw)
    )
    too_long = (raw.str.len_bytes() > MAXIMUM_LENGTH) & (raw.str.strip_chars().str.len_chars() > MAXIMUM_LENGTH)
    single = frame.filter(pl.col("identifier_type").is_in(_BY_VALUE) & raw.is_not_null() & ~too_long).select(
        "position", "identifier_type", raw.str.strip_chars(), "country"
    )
    frame = frame.join(_made_by_value(single), on="position", how="left", maintain_order="left")
    trimmed = pl.col("trimmed")
    frame = frame.with_columns(
        identifier_value=pl.when(too_long)
        .then(None)
        .when(pl.col("identifier_type").is_in(_BY_VALUE))
        .then(pl.col("by_value"))
        .when(pl.col("identifier_type") == "email_md5")
        .then(pl.when(trimmed.str.to_lowercase().str.contains("^[0-9a-f]{32}$")).then(trimmed.str.to_lowercase()))
        .otherwise(pl.when(trimmed != "").then(trimmed))
    )
    kind, normal = pl.col("identifier_type"), pl.col("identifier_value")
    lowered = normal.str.to_lowercase()
    blocked_words = [word.lower() for word in blocked_values]
    # E.164 puts a country before the digits that were typed, so they are looked for at the end.
    filler = (
        "(" + "|".join([*FILLER_ENDINGS, *(word for word in blocked_words if re.fullmatch(r"\d{8,}", word))]) + ")$"
    )
    roles = [re.sub("[-_]", "", name.lower()) for name in role_mailboxes]
    frame = frame.with_columns(
        reason=pl.when(too_long)
        .then(pl.lit(f"longer than {MAXIMUM_LENGTH} characters"))
        .when(normal.is_null())
        .then(pl.lit("not a valid value of its type"))
        .when(lowered.is_in(blocked_words))
        .then(pl.lit("blocked value"))
        .when(
            kind.is_in(["customer_number", "phone"]) & ~normal.str.contains("[1-9]") & ~normal.str.contains("[A-Za-z]")
        )
        .then(pl.lit("no digit but zero"))
        .when((kind == "phone") & normal.str.contains(filler))
        .then(pl.lit("filler, no telephone number"))
        .when((kind == "email") & normal.str.extract(_ROLE_PART).str.replace_all("[-_]", "").is_in(roles))
        .then(pl.lit("role mailbox"))
    ).with_columns(is_blocked=normal.is_not_null() & pl.col("reason").is_not_null())
    columns = [
        "identifier_type", "raw_value", "country", "identifier_value", "is_blocked", "reason", "likely_value", "typed_md5",
    ]  # fmt: skip
    return frame.select(columns).to_arrow()


def type_rule(identifier_type: str, patterns: Sequence[str]) -> str | None:
    """The configured pattern that governs an identifier type: an exact name before a wildcard, first wildcard wins."""
    if identifier_type in patterns:
        return identifier_type
    return next((pattern for pattern in patterns if fnmatch(identifier_type, pattern)), None)

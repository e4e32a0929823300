"""Identifiers in one spelling: e-mail, phone, customer number and the rest, so that equal people have equal values.

Belongs here: pure functions on values and tables of distinct values. Does not belong here: which identifiers link people
(`models/identity.py`), and any reading or writing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch

import phonenumbers
import polars as pl
import pyarrow as pa

# No identifier that a person types is longer; longer values are free text in the wrong column.
MAXIMUM_LENGTH = 320
EMAIL_SHAPE = r"^[^@\s]+@[^@\s]+\.[^@\s.]{2,}$"
# What people type where a number is demanded: one digit over and over. Nine zeros, because real numbers end in some.
FILLER_ENDINGS = ("0{9}", *(f"{digit}{{8}}" for digit in "123456789"))


def normalise_phone(value: str, country: str | None) -> str | None:
    """E.164 form of a phone number (`+31…`), or None when it cannot be one.

    `country` is the ISO code that a number without country code is read in. Only the possible length is required, not an
    assigned range: new and reserved ranges are numbers too.
    """
    text = value.strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    candidates = [(text, country)]
    if not text.startswith("+"):
        # Exports of some systems drop the plus sign: 31612345678.
        candidates.append(("+" + text, None))
    for candidate, region in candidates:
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return None


def normalise_identifiers(values: pa.Table, blocked_values: Sequence[str], role_mailboxes: Sequence[str]) -> pa.Table:
    """Normal forms of distinct raw identifiers.

    Input columns: `identifier_type`, `raw_value`, `country` (ISO code or NULL), all strings, rows distinct.
    Output: the same rows and order plus `identifier_value` (NULL when the value says nothing about a person),
    `is_blocked` (kept as an attribute, never a link) and `reason` (why NULL or blocked).

    e-mail: trimmed, lower case, `mailto:` removed. phone: E.164. customer_number: leading zeros removed. md5 values: lower
    case. Everything else: trimmed. Values longer than 320 characters are refused. Blocked: `blocked_values`, e-mail of
    `role_mailboxes`, phones that end in a blocked value of digits or in one digit over and over.
    """
    frame = pl.from_arrow(values)
    assert isinstance(frame, pl.DataFrame)
    frame = frame.with_row_index("position").with_columns(trimmed=pl.col("raw_value").str.strip_chars())
    kind, trimmed = pl.col("identifier_type"), pl.col("trimmed")
    phones = frame.filter(kind == "phone").select("position", "trimmed", "country")
    normal_phones = pl.DataFrame(
        {
            "position": phones["position"],
            "phone": [
                normalise_phone(text, country) if text and len(text) <= 64 else None
                for text, country in zip(phones["trimmed"].to_list(), phones["country"].to_list(), strict=True)
            ],
        },
        schema={"position": pl.UInt32, "phone": pl.String},
    )
    email = trimmed.str.to_lowercase().str.replace("^mailto:", "")
    frame = frame.join(normal_phones, on="position", how="left").sort("position")
    frame = frame.with_columns(
        identifier_value=pl.when(trimmed.str.len_chars() > MAXIMUM_LENGTH)
        .then(None)
        .when(kind == "email")
        .then(pl.when(email.str.contains(EMAIL_SHAPE)).then(email))
        .when(kind == "phone")
        .then(pl.col("phone"))
        .when(kind == "customer_number")
        .then(trimmed.str.replace("^0+(.)", "$1"))
        .when(kind == "email_md5")
        .then(pl.when(trimmed.str.to_lowercase().str.contains("^[0-9a-f]{32}$")).then(trimmed.str.to_lowercase()))
        .otherwise(pl.when(trimmed != "").then(trimmed))
    )
    normal = pl.col("identifier_value")
    lowered = normal.str.to_lowercase()
    blocked_words = [word.lower() for word in blocked_values]
    # E.164 puts a country before the digits that were typed, so they are looked for at the end.
    filler = (
        "(" + "|".join([*FILLER_ENDINGS, *(word for word in blocked_words if re.fullmatch(r"\d{8,}", word))]) + ")$"
    )
    frame = frame.with_columns(
        reason=pl.when(trimmed.str.len_chars() > MAXIMUM_LENGTH)
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
        .when((kind == "email") & normal.str.split("@").list.first().is_in([name.lower() for name in role_mailboxes]))
        .then(pl.lit("role mailbox"))
    ).with_columns(is_blocked=normal.is_not_null() & pl.col("reason").is_not_null())
    columns = ["identifier_type", "raw_value", "country", "identifier_value", "is_blocked", "reason"]
    return frame.select(columns).to_arrow()


def type_rule(identifier_type: str, patterns: Sequence[str]) -> str | None:
    """The configured pattern that governs an identifier type: an exact name before a wildcard, first wildcard wins."""
    if identifier_type in patterns:
        return identifier_type
    return next((pattern for pattern in patterns if fnmatch(identifier_type, pattern)), None)

"""The columns that two people are compared by, from what the sources say about them.

Belongs here: one row per cluster with names, dates and addresses taken apart and spelled alike. Does not belong here:
comparing two rows (`model.py`), and the normal form of one value (`models/normalise`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

import polars as pl
import pyarrow as pa

from models.normalise.address import (
    normalise_city,
    normalise_country,
    normalise_postal_code,
    normalise_street,
    split_address_line,
    split_house_number,
)
from models.normalise.date import plausible_birth_date
from models.normalise.email import likely_email
from models.normalise.name import PARTICLES, Name, nickname_groups, nickname_heads, normalise_gender, normalise_name
from models.normalise.text import fold, loose

_TEXTS = pl.List(pl.String)
_ADDRESS = pl.List(
    pl.Struct(
        dict.fromkeys(("street", "house_number", "postal_code", "city", "country"), pl.String),
    )
)
# What `prepare` reads; an absent column is empty. `numbers` are numbers of a person that people mistype (a social security
# number); `birth_texts` dates as `YYYYMMDD` that are none; `genders` are words for one, forms of address too.
INPUT: dict[str, Any] = {
    "cluster_id": pl.Int64, "given_names": _TEXTS, "family_names": _TEXTS, "full_names": _TEXTS,
    "birth_dates": pl.List(pl.Date), "birth_texts": _TEXTS, "addresses": _ADDRESS, "emails": _TEXTS, "phones": _TEXTS,
    "shared_emails": _TEXTS, "shared_phones": _TEXTS, "unique_values": _TEXTS, "numbers": _TEXTS, "genders": _TEXTS,
}  # fmt: skip
# A longer text is no name, street or address but something that got into its column.
LONGEST = 200
# Distinct values taken apart at a time.
SLICE = 50_000
_STREET_NOISE = re.compile(r"[^0-9a-z]")


def prepare(records: pa.Table) -> pl.DataFrame:
    """Comparison columns of every record, sorted by `cluster_id`; a pure function of each row.

    `records`: columns of `INPUT` (lists of what the sources have, in any order). Returns, besides `cluster_id`:
    `given`, `family` (the most complete name, folded; NULL when unknown), `given_all`, `family_all` (folded, all),
    `given_loose`, `family_loose`, `given_groups` and `given_heads` (nicknames), `initial`, `is_initial`, `middle`; `birth_date`
    (`YYYYMMDD`), `birth_all` and `is_birth_text` (it is no date);
    `places` (`postal code|house number`), `doors` (`street|house number`), `street`,
    `house_number`, `postal_code`, `city` (of the most complete address), `postal_all`; `emails` (with likely forms),
    `locals` (their local parts), `phones`, `shared` (guarded e-mail and phone), `number`, `gender`, `unique_values`.
    """
    frame = pl.from_arrow(records)
    assert isinstance(frame, pl.DataFrame)
    frame = frame.select(
        [
            pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, dtype=kind).alias(name)
            for name, kind in INPUT.items()
        ]
    ).sort("cluster_id")
    if frame["cluster_id"].has_nulls() or frame["cluster_id"].n_unique() != frame.height:
        raise ValueError("every record needs a cluster_id of its own")
    names = _by_distinct(frame, ["given_names", "family_names", "full_names"], _name_columns, _NAME_SCHEMA)
    places = _by_distinct(frame, ["addresses"], _address_columns, _ADDRESS_SCHEMA)
    emails = _by_distinct(
        frame.select("emails").hstack(names.select("given_all", "family_all")),
        ["emails", "given_all", "family_all"],
        _email_columns,
        _EMAIL_SCHEMA,
    )
    born = _by_distinct(frame, ["birth_dates"], _birth_columns, {"dates": _TEXTS})
    dates = pl.col("dates")
    frame = frame.hstack(born)
    # A text that is no date is compared as digits, where no date is known.
    dates = (
        pl.when(dates.list.len() > 0)
        .then(dates)
        .otherwise(pl.col("birth_texts").list.drop_nulls().list.unique().list.sort())
    )
    phones = pl.col("phones").list.drop_nulls().list.unique().list.sort()
    return pl.concat(
        [
            frame.select(
                "cluster_id",
                birth_all=_or_null(dates),
                birth_date=dates.list.first(),
                # a text in the place of a date, which is mistyped for sure
                is_birth_text=(pl.col("dates").list.len() == 0) & (dates.list.len() > 0),
                phones=_or_null(phones),
                # A national number is mistyped in its digits; country codes differ for other reasons.
                shared=_or_null(
                    pl.concat_list(pl.col("shared_emails").fill_null([]), pl.col("shared_phones").fill_null([]))
                    .list.drop_nulls()
                    .list.unique()
                    .list.sort()
                ),
                unique_values=_or_null(pl.col("unique_values").list.drop_nulls().list.unique().list.sort()),
                number=pl.col("numbers").list.drop_nulls().list.sort().list.first(),
            ),
            _by_distinct(frame, ["genders"], _gender_column, {"gender": pl.String}),
            names,
            places,
            emails,
        ],
        how="horizontal",
    )


def _or_null(expression: pl.Expr) -> pl.Expr:
    return pl.when(expression.list.len() > 0).then(expression)


def _by_distinct(frame: pl.DataFrame, columns: list[str], function: Any, schema: dict[str, Any]) -> pl.DataFrame:
    """`function(*values)` (a tuple as in `schema`) of every row, called once per distinct combination of `columns`."""
    keys = frame.select(pl.struct(columns).alias("key"))
    distinct = keys.unique(maintain_order=True)
    # In slices: a list of Python tuples takes ten times the memory of the columns made of it.
    parts = []
    for start in range(0, max(distinct.height, 1), SLICE):
        made = [function(*row.values()) for row in distinct["key"][start : start + SLICE].to_list()]
        parts.append(
            pl.DataFrame(
                [pl.Series(name, [row[i] for row in made], dtype=kind) for i, (name, kind) in enumerate(schema.items())]
            )
        )
    table = pl.concat(parts)
    index = keys.join(distinct.with_row_index("_at"), on="key", how="left", maintain_order="left", nulls_equal=True)[
        "_at"
    ]
    return table[index]


_NAME_SCHEMA: dict[str, Any] = {
    "given": pl.String, "family": pl.String, "given_all": _TEXTS, "family_all": _TEXTS, "given_loose": pl.String,
    "family_loose": pl.String, "given_groups": pl.List(pl.Int32), "given_heads": pl.List(pl.Int32),
    "initial": pl.String, "is_initial": pl.Boolean,
    "middle": pl.String,
}  # fmt: skip
_ADDRESS_SCHEMA: dict[str, Any] = {
    "places": _TEXTS, "doors": _TEXTS, "street": pl.String, "house_number": pl.String, "postal_code": pl.String,
    "city": pl.String, "postal_all": _TEXTS,
}  # fmt: skip
_EMAIL_SCHEMA: dict[str, Any] = {"emails": _TEXTS, "locals": _TEXTS, "email_text": pl.String, "email_digits": pl.String}


def _texts(values: Iterable[str | None] | None) -> list[str]:
    return sorted({value for value in values or () if value and len(value) <= LONGEST})


def _gender_column(values: list[str] | None) -> tuple[str | None]:
    """`m` or `f`; None where nothing or both are said."""
    said = {gender for value in values or () if value and (gender := normalise_gender(value))}
    return (said.pop() if len(said) == 1 else None,)


def _birth_columns(values: list[dt.date] | None) -> tuple[list[str]]:
    return (
        sorted(
            {
                f"{value.year:04d}{value.month:02d}{value.day:02d}"
                for value in values or ()
                if value is not None and plausible_birth_date(value)
            }
        ),
    )


def _name_columns(given: list[str] | None, family: list[str] | None, full: list[str] | None) -> tuple[Any, ...]:
    """Names of one cluster. Given and family names are paired only through the person: each is read by itself."""
    found: list[Name] = []
    for value in _texts(given):
        found.append(name) if (name := normalise_name(value, None)) else None
    for value in _texts(family):
        found.append(name) if (name := normalise_name(None, value)) else None
    for value in _texts(full):
        found.append(name) if (name := normalise_name(None, None, value)) else None
    # The most complete spelling stands for the person; among equals the first in the alphabet.
    givens = sorted({n.given for n in found if n.given and not n.is_initial}, key=lambda v: (-len(v), v))
    initials = sorted({n.initial for n in found if n.initial})
    families = sorted({n.family for n in found if n.family}, key=lambda v: (-len(v), v))
    parts = sorted({part for n in found for part in (*n.families, n.family) if part})
    middle = max((n.middle for n in found), key=lambda v: (len(v), v), default="")
    first = givens[0] if givens else (initials[0] if initials else None)
    last = families[0] if families else None
    groups = sorted({group for name in givens for group in nickname_groups(name)})
    heads = sorted({group for name in givens for group in nickname_heads(name)})
    return (
        first, last, sorted(givens) or None, parts or None, loose(first) if first else None, loose(last) if last else None,
        groups or None, heads or None, initials[0] if initials else None, not givens if first else None, middle or None,
    )  # fmt: skip


def _address_columns(addresses: list[dict[str, str | None] | None] | None) -> tuple[Any, ...]:
    rows = []
    for address in addresses or ():
        if address is None or any(part is not None and len(part) > LONGEST for part in address.values()):
            continue
        country = normalise_country(address["country"]) if address["country"] else None
        street_text, house_text = address["street"], address["house_number"]
        if street_text and not house_text:
            street_text, house_text = split_address_line(street_text)
        house = split_house_number(house_text) if house_text else None
        street = normalise_street(street_text) if street_text else None
        postal = normalise_postal_code(address["postal_code"], country) if address["postal_code"] else None
        city = normalise_city(address["city"]) if address["city"] else None
        rows.append((street, house.number if house else None, postal, city))
    if not rows:
        return (None,) * 7
    best = max(rows, key=lambda row: (sum(part is not None for part in row), tuple(part or "" for part in row)))
    places = sorted({f"{postal}|{house}" for _, house, postal, _ in rows if house and postal})
    doors = sorted({f"{_STREET_NOISE.sub('', street)}|{house}" for street, house, _, _ in rows if street and house})
    postals = sorted({postal for _, _, postal, _ in rows if postal})
    return places or None, doors or None, *best, postals or None


def _email_columns(values: list[str] | None, given: list[str] | None, family: list[str] | None) -> tuple[Any, ...]:
    emails = _texts(values)
    likely = [meant for value in emails if (meant := likely_email(value))]
    every = sorted({*emails, *likely})
    names = _texts(given), _texts(family)
    telling = {
        value: part
        for value in every
        if len(part := fold(value.rpartition("@")[0].split("+")[0])) >= 5 and not _is_name(part, *names)
    }
    text = min(telling, default=None)
    digits = "".join(c for c in text if c.isdigit()) if text else None
    return every or None, sorted(set(telling.values())) or None, text, digits


def _is_name(local: str, given: list[str], family: list[str]) -> bool:
    """Whether a local part says no more than the name does: two people called Anna de Vries may both be `anna.devries`."""
    if any(c.isdigit() for c in local):
        return False
    rest = "".join(c for c in local if c.isalpha())
    for name in sorted([*given, *family], key=len, reverse=True):
        rest = rest.replace(name, "", 1)
    return len(rest) <= 5 or rest in PARTICLES

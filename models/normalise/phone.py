"""Telephone numbers in E.164.

Belongs here: reading a number with the country of its source. Does not belong here: whose number it is, and which numbers are
fillers (`identifier.py`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import phonenumbers
import polars as pl

# Longer texts hold several numbers or a note; the library itself stops at 250.
LONGEST = 64
# Digits with single blanks or dashes between them; no more than any number has.
_PLAIN = r"^(?:\+[1-9]|00[1-9]|[0-9])(?:[ -]?[0-9]){4,17}$"
_TRUNK_ZERO = re.compile(r"^(\+\d{1,3}\s*)\(0\)")
# What spreadsheets make of a number that stands in a column of numbers: 31600000001.0, and 3.16E+10, whose last digits are gone.
_SPREADSHEET = re.compile(r"^(\+?\d{7,15})[.,]0$")
_ROUNDED = re.compile(r"^[+-]?\d+(?:[.,]\d+)?e\+?\d+$", re.IGNORECASE)
# (work), thuis: letters behind so many digits are a note; 1-800-FLOWERS has fewer.
_NOTE = re.compile(r"^((?:[^\d]*\d){8,}[^\d\w]*?)[\s(\[,;/-]+[^\W\d_][^\d]*$")
# What the accelerator must read as the library does before it is used: every branch of `normalise_phone`, the default countries.
PROBES: tuple[tuple[str, str | None], ...] = (
    ("06 00000001", "NL"), ("0031 6 00000001", "NL"), ("+31 (0)6 00000001", None), ("31600000001", "NL"), ("020-0000001", "NL"),
    ("20 12 34 56", "DK"), ("+45 10 00 00 01", "NL"), ("0151 00000001", "DE"), ("0470 00 00 01", "BE"), ("02 555 00 01", "BE"),
    ("(202) 555-0100", "US"), ("+1 202 555 0100 ext. 12", None), ("07700 900123", "GB"), ("abc", "NL"), ("12", "NL"), ("", "NL"),
    ("1-800-FLOWERS", "US"), ("+999 123456", None), ("0600000001", "XX"), ("+390655500001", None), ("06-0000 0001 tst 3", "NL"),
)  # fmt: skip


def _read(library: ModuleType, text: str, country: str | None) -> str | None:
    """E.164 of one spelling, or None; only the possible length counts: new and reserved ranges are numbers too."""
    try:
        number = library.parse(text, country)
    except library.NumberParseException:
        return None
    if not library.is_possible_number(number):
        return None
    return str(library.format_number(number, library.PhoneNumberFormat.E164))


@functools.cache
def phone_library() -> ModuleType:
    """`rphonenumbers` (Rust, some ten times faster) where it is installed and reads every probe as `phonenumbers` does.

    The reading of a number must not depend on what is installed, so an accelerator that differs is left alone.
    """
    try:
        import rphonenumbers
    except ImportError:
        return phonenumbers
    same = all(_read(rphonenumbers, *probe) == _read(phonenumbers, *probe) for probe in PROBES)
    return rphonenumbers if same else phonenumbers


def normalise_phone(value: str, country: str | None, library: ModuleType | None = None) -> str | None:
    """E.164 form of a phone number (`+31…`), or None when it cannot be one.

    `country` is the ISO code that a number without country code is read in; an extension is dropped, the (0) of
    `+31 (0)6` and a note behind the digits (`06 00000001 (work)`) too. `31600000001.0` is the number that a spreadsheet took for
    an amount; `3.16E+10` is none any more: many people's numbers look so.
    """
    library = library or phone_library()
    text = value.strip()
    if not text or len(text) > LONGEST or _ROUNDED.match(text):
        return None
    text = _NOTE.sub(r"\1", _SPREADSHEET.sub(r"\1", text)).strip()
    if text.startswith("00"):
        text = "+" + text[2:]
    text = _TRUNK_ZERO.sub(r"\1", text)
    found = _read(library, text, country)
    if found is None and not text.startswith("+"):
        # Exports of some systems drop the plus sign: 31612345678.
        found = _read(library, "+" + text, None)
    return found


def plain_phones(values: pl.DataFrame) -> pl.Series:
    """E.164 of the numbers that need no parser, NULL of all others; by columns, which is much faster.

    `values`: `text` (trimmed) and `country` (ISO code or NULL). Plain are digits with single blanks or dashes between them, after
    `+`, `00` or the country's national prefix, that are as long as numbers of their country may be and that no rule of the
    library's own metadata reads otherwise. What comes out equals `normalise_phone`; what is not plain is left to it.
    """
    frame = values.with_row_index("at").filter(pl.col("text").str.contains(_PLAIN))
    compact = pl.col("text").str.replace("^00", "+").str.replace_all("[ -]", "")
    frame = frame.with_columns(compact=compact)
    abroad = frame.filter(pl.col("compact").str.starts_with("+")).with_columns(
        digits=pl.col("compact").str.slice(1), country=_calling_code(pl.col("compact").str.slice(1, 3))
    )
    home = frame.filter(~pl.col("compact").str.starts_with("+")).with_columns(digits="compact")
    found = [_plain_part(part, code, _international(code)) for code, part in _by_country(abroad)]
    found += [_plain_part(part, country, _national(country)) for country, part in _by_country(home)]
    empty = pl.DataFrame(schema={"at": pl.UInt32, "e164": pl.String})
    known = pl.concat([empty, *(part for part in found if part is not None)])
    return values.with_row_index("at").join(known, on="at", how="left", maintain_order="left")["e164"]


@dataclass(frozen=True)
class _Plan:
    """How digits of one country read without a parser: they begin with `prefix`, `rest` is what remains.

    `lengths`: of `rest`; `pattern`: what `rest` has to be, if anything; `never`: what the digits must not begin with.
    """

    prefix: str
    calling_code: str
    lengths: tuple[int, ...]
    pattern: str | None
    never: tuple[str, ...]


def _calling_code(start: pl.Expr) -> pl.Expr:
    """The country calling code that the first three digits begin with; no code is the beginning of another."""
    codes = [str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE]
    one, two = start.str.slice(0, 1), start.str.slice(0, 2)
    return pl.when(one.is_in(codes)).then(one).when(two.is_in(codes)).then(two).when(start.is_in(codes)).then(start)


def _by_country(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    parts = frame.drop_nulls("country").partition_by("country", as_dict=True)
    return [(str(key[0]), part) for key, part in parts.items()]


@functools.cache
def _international(calling_code: str) -> _Plan | None:
    """Digits after the plus sign: what the library strips behind the calling code (a 0, mostly) is left to it."""
    region = phonenumbers.region_code_for_country_code(int(calling_code))
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(calling_code), region)
    if metadata is None:
        return None
    stripped = metadata.national_prefix_for_parsing
    never = (f"{calling_code}(?:{stripped})",) if stripped else ()
    return _plan(calling_code, metadata, None, never)


@functools.cache
def _national(country: str) -> _Plan | None:
    """Digits as they are dialled inside the country."""
    if country not in phonenumbers.SUPPORTED_REGIONS:
        return None
    metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(country)
    never = [str(metadata.country_code)]
    if metadata.international_prefix:
        never.append(f"(?:{metadata.international_prefix})")
    if not metadata.national_prefix_for_parsing:
        return _plan("", metadata, None, tuple(never))
    prefix = metadata.national_prefix
    if metadata.national_prefix_for_parsing != prefix or metadata.national_prefix_transform_rule:
        return None
    # The prefix goes for sure only where what remains is a number of the country.
    return _plan(prefix, metadata, metadata.general_desc.national_number_pattern, tuple(never))


def _plan(prefix: str, metadata: Any, pattern: str | None, never: tuple[str, ...]) -> _Plan | None:
    plan = _Plan(prefix, str(metadata.country_code), tuple(metadata.general_desc.possible_length), pattern, never)
    try:
        pl.Series([""]).str.contains("|".join([*never, pattern or "x"]))
    except pl.exceptions.ComputeError:
        # An expression that the engine of columns does not know.
        return None
    return plan


def _plain_part(part: pl.DataFrame, country: str, plan: _Plan | None) -> pl.DataFrame | None:
    if plan is None:
        return None
    digits, rest = pl.col("digits"), pl.col("digits").str.slice(len(plan.prefix))
    plain = (
        digits.str.starts_with(plan.prefix)
        & rest.str.len_bytes().is_in(list(plan.lengths))
        & rest.str.contains("^[1-9]")
    )
    if plan.pattern is not None:
        plain &= rest.str.contains(f"^(?:{plan.pattern})$")
    if plan.never:
        plain &= ~digits.str.contains(f"^(?:{'|'.join(plan.never)})")
    return part.filter(plain).select("at", e164=pl.concat_str(pl.lit("+" + plan.calling_code), rest))

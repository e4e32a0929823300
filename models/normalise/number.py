"""Customer numbers: what spreadsheets and ERP systems do to them.

Does not belong here: which numbers are unique to a person (configuration).
"""

from __future__ import annotations

import re

import polars as pl

from models.normalise.text import clean

# Two zeros at most: 10.000 is ten thousand with a separator, or ten with three digits behind the point.
_DECIMAL = re.compile(r"^(\d+)[.,]0{1,2}$")
_ROUNDED = re.compile(r"^0*\d([.,]\d+)?E\+\d+$")
_ZEROS = re.compile(r"^0+(?=.)")


def normalise_customer_number(value: str) -> str | None:
    """A customer number without leading zeros: `0000010001`, `10001` and a spreadsheet's `10001.0` are one number.

    Letters become upper case, blanks go; zeros behind a prefix stay (`K-0042`). None when nothing is left, and for `1.23457E+11`:
    a spreadsheet's rounding, which many numbers share.
    """
    text = "".join(clean(value).split()).upper()
    # Upper case can add characters that clean() would remove again.
    text = "".join(clean(text).split())
    if _ROUNDED.match(text):
        return None
    whole = _DECIMAL.match(text)
    text = whole.group(1) if whole else text
    return _ZEROS.sub("", text) or None


def plain_customer_numbers(values: pl.Series) -> pl.Series:
    """`normalise_customer_number` of those in capitals, digits and dashes, NULL of all others; by columns."""
    text = pl.col("text")
    return (
        values.alias("text")
        .to_frame()
        .select(pl.when(text.str.contains("^0*[1-9A-Z][0-9A-Z-]*$")).then(text.str.strip_chars_start("0")))
        .to_series()
    )

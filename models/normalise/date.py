"""Dates, strictly by the format that their source declares.

Belongs here: reading a date of birth and refusing what nobody was born on. Does not belong here: guessing a format.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import pyarrow as pa

from models.normalise.text import over_distinct

# What systems write where they know no date.
FILLER_DATES = frozenset(
    {dt.date(1, 1, 1), dt.date(1753, 1, 1), dt.date(1899, 12, 30), dt.date(1899, 12, 31), dt.date(1900, 1, 1),
     dt.date(1901, 1, 1), dt.date(1970, 1, 1), dt.date(9999, 12, 31)}
)  # fmt: skip
# What scanners and eyes take for a digit.
_READ_AS = str.maketrans("OoDQIl|!iZzASsGbTBgq", "00001111122455667899")
OLDEST = dt.date(1880, 1, 1)


def parse_date(value: str, formats: Sequence[str]) -> dt.date | None:
    """The date that `value` is in the first of `formats` (strptime) that it fits exactly, else None.

    31/02 is no date, a day before the month is none where the format says month first, and 5/6/1980 does not fit %d/%m/%Y
    written with two digits each: what does not come back as it was written is not read.
    """
    text = value.strip()
    for pattern in formats:
        try:
            moment = dt.datetime.strptime(text, pattern)
        except ValueError:
            continue
        if moment.strftime(pattern) == text:
            return moment.date()
    return None


def parse_dates(values: pa.Array | pa.ChunkedArray, formats: Sequence[str]) -> pa.Array:
    """`parse_date` of every value (strings), as date32."""
    return over_distinct(values, lambda value: parse_date(value, formats), pa.date32())


def date_digits(value: str, pattern: str) -> str | None:
    """Year, month and day of a text in the places that `pattern` (%Y, %m and %d, each once) gives them, as `YYYYMMDD`, whether
    there is such a day or not; None when the text has another shape.

    `date_digits("30/08/1995", "%m/%d/%Y")` is `19953008`: no date, but one mistake away from one. For comparisons only.
    """
    shape = re.escape(pattern)
    for part, width in (("Y", 4), ("m", 2), ("d", 2)):
        shape = shape.replace(f"%{part}", f"(?P<{part}>.{{{width}}})")
    text = value.strip()
    found = re.fullmatch(shape, text)
    parts = found.groupdict() if found else _separated(text, pattern)
    if parts is None:
        return None
    digits = (parts["Y"] + parts["m"] + parts["d"]).translate(_READ_AS)
    return digits if sum(c.isdigit() for c in digits) >= 7 else None


def _separated(text: str, pattern: str) -> dict[str, str] | None:
    """Year, month and day between the separators of `pattern`, where one of them has a digit too many or too few."""
    order = re.findall(r"%([Ymd])", pattern)
    separators = {rest for rest in re.split(r"%[Ymd]", pattern) if rest}
    if len(separators) != 1 or len(order) != 3:
        return None
    pieces = text.split(separators.pop())
    if len(pieces) != 3 or sum(map(len, pieces)) not in (7, 9):
        return None
    return dict(zip(order, pieces, strict=True))


def plausible_birth_date(value: dt.date) -> bool:
    """Whether anybody whom a company knows can have been born then: no filler, not before 1880."""
    return value not in FILLER_DATES and value >= OLDEST

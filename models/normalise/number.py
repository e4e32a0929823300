"""Customer numbers: what spreadsheets and ERP systems do to them.

Does not belong here: which numbers are unique to a person (configuration).
"""

from __future__ import annotations

import re

from models.normalise.text import clean

_DECIMAL = re.compile(r"^(\d+)\.0+$")
_ZEROS = re.compile(r"^0+(?=.)")


def normalise_customer_number(value: str) -> str | None:
    """A customer number without leading zeros: `0000010001`, `10001` and a spreadsheet's `10001.0` are one number.

    Letters become upper case, blanks go; zeros behind a prefix stay (`K-0042`). None when nothing is left.
    """
    text = "".join(clean(value).split()).upper()
    # Upper case can add characters that clean() would remove again.
    text = "".join(clean(text).split())
    whole = _DECIMAL.match(text)
    text = whole.group(1) if whole else text
    return _ZEROS.sub("", text) or None

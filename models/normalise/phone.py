"""Telephone numbers in E.164.

Belongs here: reading a number with the country of its source. Does not belong here: whose number it is, and which numbers are
fillers (`identifier.py`).
"""

from __future__ import annotations

import functools
import re
from types import ModuleType

import phonenumbers

# Longer texts hold several numbers or a note; the library itself stops at 250.
LONGEST = 64
_TRUNK_ZERO = re.compile(r"^(\+\d{1,3}\s*)\(0\)")
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
    `+31 (0)6` too.
    """
    library = library or phone_library()
    text = value.strip()
    if not text or len(text) > LONGEST:
        return None
    if text.startswith("00"):
        text = "+" + text[2:]
    text = _TRUNK_ZERO.sub(r"\1", text)
    found = _read(library, text, country)
    if found is None and not text.startswith("+"):
        # Exports of some systems drop the plus sign: 31612345678.
        found = _read(library, "+" + text, None)
    return found

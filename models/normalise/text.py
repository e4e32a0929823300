"""Text in one spelling: Unicode form, diacritics, blanks; and functions applied once per distinct value.

Belongs here: what names, streets and towns have in common. Does not belong here: what any of them means.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# Letters that Unicode does not decompose, as they are written where the keyboard lacks them.
_LETTERS = str.maketrans(
    {
        "ø": "oe", "Ø": "oe", "å": "aa", "Å": "aa", "æ": "ae", "Æ": "ae", "ä": "ae", "Ä": "ae", "ö": "oe", "Ö": "oe",
        "ü": "ue", "Ü": "ue", "ß": "ss", "ẞ": "ss", "œ": "oe", "Œ": "oe", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th",
        "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ı": "i", "ĳ": "ij", "Ĳ": "ij", "’": "'", "‘": "'", "`": "'", "´": "'",
    }
)  # fmt: skip
# Names and streets repeat: so many folded texts are kept, some 20 MB.
CACHED = 100_000
_BLANKS = re.compile(r"\s+")
# ø is typed as oe by one person and as o by the next; a Danish aa was an å before 1948 and sometimes still is.
_VOWELS = (("ij", "y"), ("oe", "o"), ("aa", "a"), ("ae", "a"), ("ue", "u"))
_DOUBLED = re.compile(r"(.)\1+")


def clean(value: str) -> str:
    """NFC, control and zero-width characters removed, runs of blanks to one, trimmed."""
    if value.isascii() and value.isprintable():
        return " ".join(value.split())
    visible = "".join(
        c for c in unicodedata.normalize("NFC", value) if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf")
    )
    # Without the character between them, a letter and its accent may compose.
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", visible)).strip()


@functools.lru_cache(maxsize=CACHED)
def fold(value: str) -> str:
    """Lower case without diacritics: `Søren Müller` → `soeren mueller`, `Renée` → `renee`; idempotent."""
    text = clean(value)
    if text.isascii():
        return text.lower().replace("`", "'")
    # Case folding and decomposition can each bring letters that the other still changes (İ, ﬃ, ͅ).
    while True:
        before = text
        folded = unicodedata.normalize("NFKD", text.translate(_LETTERS).casefold())
        text = clean("".join(c for c in folded if not unicodedata.combining(c)))
        if text == before:
            return text


@functools.lru_cache(maxsize=CACHED)
def loose(value: str) -> str:
    """A coarser spelling of a folded text, in which `soeren` = `soren`, `aage` = `age` and `dijk` = `dyk`; letters only.

    Equal loose forms are evidence, no proof: `Koen` and `Kon` share one too.
    """
    text = "".join(c for c in fold(value) if c.isalnum())
    for _ in range(len(text) + 1):
        before = text
        for pair, single in _VOWELS:
            text = text.replace(pair, single)
        text = _DOUBLED.sub(r"\1", text)
        if text == before:
            break
    return text


def over_distinct(values: pa.Array | pa.ChunkedArray, function: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
    """`function` of every value, called once per distinct value; NULL stays NULL. `kind` is the result's Arrow type."""
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    encoded = pc.dictionary_encode(flat)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    results = pa.array([None if v is None else function(v) for v in encoded.dictionary.to_pylist()], kind)
    return results.take(encoded.indices)

"""Words of exports in five languages: what a name or a label most likely means, and how sure that is.

Belongs here: splitting names into words, finding phrases of `vocabulary.toml` in them. Does not belong here: what the
values of a column say (`profile.py`), the proposal (`propose.py`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

# A phrase grown together with others is looked for within a word only where it is this long.
GROWN_TOGETHER = 6
# So short a phrase (ip, by, nr) must be a good part of the name.
SHORT = 3
SHORT_SHARE = 0.3
# What tools put in front of every column.
_PREFIX = re.compile(
    r"^(?:property_(?:hs_)?|properties\.|npe0?\d+__|npsp__|attributes\.|fields\.|data\.|custom_|wp:|ocel:|case:(?=\w+:))"
)


@dataclass(frozen=True)
class Meaning:
    """What a text means: the name of the meaning, the phrase that was found, and how much of the text it covers (0..1)."""

    name: str
    phrase: str
    score: float


@cache
def vocabulary() -> dict[str, Any]:
    """The word lists of `vocabulary.toml`."""
    with (Path(__file__).parent / "vocabulary.toml").open("rb") as file:
        return tomllib.load(file)


@lru_cache(1 << 14)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a name or label: small letters without accents, `orderDate` and `ORDER_DATE` as `order date`."""
    text = _PREFIX.sub("", text)
    text = re.sub(r"__c$", "", text)
    text = text.replace("ß", "ss").replace("æ", "ae").replace("Æ", "AE").replace("ø", "o").replace("Ø", "O")
    text = unicodedata.normalize("NFKD", text)
    text = "".join(character for character in text if not unicodedata.combining(character))
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return tuple(re.findall(r"[a-z]+|\d+", text.lower()))


@lru_cache(1 << 14)
def _fold(word: str) -> str:
    """One spelling for gelöst, geloest and gelost: a letter and its e, and the double a of Danish, are one letter."""
    for two, one in (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a")):
        word = word.replace(two, one)
    return word


@lru_cache(1 << 12)
def _phrase_words(phrase: str) -> tuple[str, ...]:
    return tuple(_fold(word) for word in phrase.split())


def find_phrase(words: Sequence[str], phrase: str) -> float:
    """How much of the words a phrase covers, 0 where it is not in them: its letters as a share of all letters."""
    words = tuple(map(_fold, words))
    total = sum(map(len, words))
    wanted = _phrase_words(phrase)
    if not total or not wanted:
        return 0.0
    size = sum(map(len, wanted))
    if size <= SHORT and size / total < SHORT_SHARE:
        return 0.0
    for start in range(len(words) - len(wanted) + 1):
        if tuple(words[start : start + len(wanted)]) == wanted:
            return size / total
    # The same letters in other pieces: klantnummer, klant_nummer, CreateDate, createdate.
    joined = "".join(wanted)
    for start in range(len(words)):
        text = ""
        for word in words[start:]:
            text += word
            if text == joined:
                return size / total
    if len(joined) >= GROWN_TOGETHER and any(word.startswith(joined) or word.endswith(joined) for word in words):
        return 0.9 * size / total
    # Both words are there, others between: order_approved_at for "order at" would be too weak; full words only.
    if len(wanted) > 1 and all(word in words for word in wanted):
        return 0.8 * size / total
    return 0.0


def meanings(text: str, table: Mapping[str, Sequence[str]]) -> list[Meaning]:
    """The meanings of a table (meaning to phrases) that a text has, best first."""
    words = words_of(text)
    found = []
    for name, phrases in table.items():
        best = max(((find_phrase(words, phrase), phrase) for phrase in phrases), default=(0.0, ""))
        if best[0] > 0:
            found.append(Meaning(name, best[1], best[0]))
    return sorted(found, key=lambda item: (-item.score, -len(item.phrase), item.name))


@lru_cache(1 << 14)
def column_meanings(name: str) -> tuple[Meaning, ...]:
    """The roles that a column's name suggests, best first."""
    return tuple(meanings(name, vocabulary()["column"]))


def type_meanings(label: str, topic: str = "") -> list[Meaning]:
    """The touchpoint types that a label suggests, best first; within a topic its own words come first."""
    own = meanings(label, vocabulary()["topic"].get(topic, {}).get("means", {}))
    general = meanings(label, vocabulary()["type"])
    merged: dict[str, Meaning] = {}
    for item in [*(Meaning(i.name, i.phrase, i.score + 0.05) for i in own), *general]:
        if item.name not in merged or merged[item.name].score < item.score:
            merged[item.name] = item
    return sorted(merged.values(), key=lambda item: (-item.score, -len(item.phrase), item.name))


def topics(texts: Mapping[str, float]) -> list[Meaning]:
    """What an export is about: `texts` are names with weights (of the export, its key, its columns); best first.

    The score is the weighted share of letters that the topic's words cover.
    """
    table = {name: entry["words"] for name, entry in vocabulary()["topic"].items()}
    totals: dict[str, float] = {}
    phrases: dict[str, str] = {}
    for text, weight in texts.items():
        for item in meanings(text, table):
            # A name that is the word counts more than one that holds it among others.
            worth = 1.5 if item.score >= 0.95 else min(1.0, item.score + 0.2)
            totals[item.name] = totals.get(item.name, 0.0) + weight * worth
            if len(item.phrase) > len(phrases.get(item.name, "")):
                phrases[item.name] = item.phrase
    return sorted(
        (Meaning(name, phrases[name], score) for name, score in totals.items()),
        key=lambda item: (-item.score, item.name),
    )

"""Names of people: titles, particles, initials, nicknames, diacritics.

Belongs here: taking a name apart, the table of nicknames, forms of address. Does not belong here: how much two names say about
two people being one (`models/matching`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib.resources import files

from models.normalise.text import CACHED, clean, fold

# Words before a family name that are no family name: Dutch, Flemish, German, Danish, French, Spanish, Italian.
_PARTICLE_WORDS = (
    "de den der des het 't t van 'd d ter ten te op aan in 'n n bij onder over uit uyt voor von zu zum zur vom af "
    "av du la le los del della di da dos e el al bin ibn vander vanden vande"
)
PARTICLES = frozenset(_PARTICLE_WORDS.split())
_NOT_GIVEN = PARTICLES | {"and", "en", "og"}
_TITLE_WORDS = (
    "dhr mevr mw heer mevrouw meneer mr mrs ms miss mister sir madam dr drs ir ing prof professor phd msc bsc llm "
    "jr sr hr fru frk herr frau familie fam rev cand med dipl dipl.-ing dr.-ing"
)
_TITLES = frozenset(_TITLE_WORDS.split())
# Words for men and women, and how they are addressed: English, Dutch, Danish, German, French. One letter is v in vrouw, k in
# kvinde, w in weiblich; K and W alone are nobody's initials where a gender is expected.
_GENDER_WORDS = {
    "m": "m male man men mannelijk mand maennlich mann homme masculin heer dhr meneer mr mister sir hr herr monsieur",
    "f": "f v w k female woman vrouw vrouwelijk kvinde weiblich frau femme feminin mevr mevrouw mw mrs ms miss madam madame "
    "fru frk froeken mme mlle",
}
GENDERS = {word: gender for gender, words in _GENDER_WORDS.items() for word in words.split()}
# Words that stand where a name was unknown or not given: they name nobody.
_FILLER_WORDS = (
    "unknown unnamed anonymous noname none null nobody someone test tester onbekend ukendt anonym navn naam name voornaam "
    "achternaam fornavn efternavn firstname lastname baby infant child son daughter boy girl man woman men women mom mum "
    "mother dad father parent parents grandma grandpa grandmother grandfather aunt uncle cousin sister brother niece nephew "
    "husband wife spouse partner guest customer klant kunde resident occupant person people human adult minor tenant roommate "
    "friend neighbor owner lady gentleman gent ref refused refuse declined na n/a xx xxx asdf qwerty bewoner beboer "
    "grandson granddaughter grandchild stepson stepdaughter stepchild inlaw respondent roomer boarder housemate informant inmate "
    "nn kid kids youngest oldest eldest younger older male female gentlemen ladies kleinzoon kleindochter barnebarn"
)
FILLERS = frozenset(_FILLER_WORDS.split())
_INITIALS = re.compile(r"^(?:[^\W\d_]\.?-?){1,5}$")
_DOTTED = re.compile(r"^(?:[^\W\d_]{1,2}\.-?)+$")
# Th. and Chr. are initials of more than one letter.
_DIGRAPH = re.compile(r"^(?:th|ch|chr|ph|ij)\.", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|'[^\W_]+")
# How Dutch lists shorten particles: v.d. Berg, v/d Berg, vd Berg, v. Dijk, Beek, J. o.d. Capitals are initials.
_SHORT_PARTICLES = tuple(
    (re.compile(rf"(?<![^\W_]){short}"), f"{whole} ")
    for short, whole in (
        (r"[vV](?:\.\s?|/|\s)?d(?:\.|(?![^\W_]))(?=\s*(?:[^\W\d_]|$))", "van der"),
        (r"[vV](?:\.\s?|/|\s)'?t\s(?=\s*[^\W\d_])", "van 't"),
        (r"[oO](?:\.\s?|/)d(?:\.|(?![^\W_]))(?=\s*(?:[^\W\d_]|$))", "op de"),
        (r"[aA]\.\s?d\.(?=\s*(?:[^\W\d_]|$))", "aan de"),
        (r"[iI]\.\s?d\.(?=\s*(?:[^\W\d_]|$))", "in de"),
        (r"v\.\s?(?=[^\W\d_]{2})", "van"),
    )
)
# J.W. without its dots; a word with a vowel may be a name (Bo, Al).
_BARE_INITIALS = re.compile(r"^[BCDFGHJKLMNPQRSTVWXZ]{2,4}$")


@dataclass(frozen=True)
class Name:
    """A person's name in parts, folded.

    `given`: first given name or ''; `middle`: initials of the others; `initial`: first letter of the first given name;
    `is_initial`: whether only that letter is known; `family`: family name without particles, '' when unknown;
    `particle`: its particles in order; `families`: the parts of a double name and of a married name.
    """

    given: str
    middle: str
    initial: str
    is_initial: bool
    family: str
    particle: str
    families: tuple[str, ...]


def written_out(value: str) -> str:
    """A cleaned name with its shortened particles in full: `J. v.d. Berg` → `J. van der Berg`."""
    text = clean(value).replace("’", "'").replace("`", "'")
    if text.isupper():
        # Capitals throughout tell nothing of initials; a dot before the particle does.
        text = re.sub(r"(?<![^\W_])(?<!\.)V(?:\.\s?|/)?D(?:\.|(?![^\W_]))(?=\s*[^\W\d_]{2})", "VAN DER ", text)
    for short, whole in _SHORT_PARTICLES:
        text = short.sub(whole, text)
    return " ".join(text.split())


def words(value: str) -> list[str]:
    """The words of a name as written, without titles; a dot after an initial stays with it."""
    text = written_out(value)
    text = re.sub(r"\([^)]*\)|\"[^\"]*\"", " ", text)
    text = re.sub(r"(?<=[^\W\d_]\.)(?=[^\W\d_]{2})", " ", text)
    return [word for word in re.split(r"[\s,;/]+", text) if word and fold(word).strip(".") not in _TITLES]


@functools.lru_cache(maxsize=CACHED)
def _given_parts(value: str) -> tuple[str, str, str, bool]:
    """First given name, middle initials, initial, and whether only an initial is known."""
    tokens: list[str] = []
    for word in words(value):
        if _DOTTED.match(word) or (
            len(word) <= 4 and word.isupper() and len(word) > 1 and _INITIALS.match(word) and "." in word
        ):
            tokens.extend(letter for letter in fold(word).replace("-", ".").split(".") if letter)
        elif _BARE_INITIALS.match(word):
            tokens.extend(fold(word))
        else:
            tokens.extend(part for part in re.split(r"[-.]", fold(word)) if part.strip("'"))
    tokens = [plain for token in tokens if (plain := "".join(c for c in token if c.isalnum()))]
    tokens = [token for token in tokens if token not in _NOT_GIVEN or len(token) == 1]
    # N.N., nomen nescio
    if not tokens or tokens[0] in FILLERS or tokens == ["n", "n"]:
        return "", "", "", False
    first = tokens[0]
    if _DIGRAPH.match(value.strip()):
        first = first[0]
    return first, "".join(token[0] for token in tokens[1:]), first[0], len(first) == 1


@functools.lru_cache(maxsize=CACHED)
def split_family(value: str) -> tuple[str, str, tuple[str, ...]]:
    """Family name without particles, the particles, the parts of a double name.

    `van der Berg` → (`berg`, `van der`, (`berg`,)); `Vries, de` → (`vries`, `de`, …); `Vries-Jansen` → (`vriesjansen`, '',
    (`vries`, `jansen`)). A name that is a particle and nothing else (`Le`, `Da`) is a family name.
    """
    tokens = [token for token in _WORD.findall(fold(written_out(value)).replace("-", " ")) if token.strip("'")]
    tokens = [token for token in tokens if token not in _TITLES or len(tokens) == 1]
    core = [token for token in tokens if token not in PARTICLES]
    # A letter alone is what remains of a name that somebody masked.
    if core and (all(token in FILLERS for token in core) or "".join(core) in FILLERS or len("".join(core)) == 1):
        return "", "", ()
    if not core:
        joined = "".join(tokens).replace("'", "")
        return joined, "", (joined,) if joined else ()
    core = [token.replace("'", "") for token in core]
    particle = " ".join(token.replace("'", "") for token in tokens if token in PARTICLES)
    return "".join(core), particle, tuple(core)


def split_full_name(value: str) -> tuple[str, str]:
    """Given and family part of a full name: `Anna de Vries`, `de Vries, Anna`, `Vries, A. de`, `dhr. A.B. van den Berg`.

    A comma puts the family name first. Otherwise the family name begins at the first particle behind the first word, else
    it is the last word. One word alone is a family name.
    """
    before, comma, after = clean(value).partition(",")
    if comma and words(before) and words(after):
        tail = words(after)
        particles = [word for word in tail if fold(word) in PARTICLES]
        given = [word for word in tail if fold(word) not in PARTICLES]
        return " ".join(given), " ".join([*particles, *words(before)])
    parts = words(value)
    if len(parts) < 2:
        return "", " ".join(parts)
    # The married name Jansen-de Wit has its particle inside.
    start = next(
        (i for i, word in enumerate(parts[1:-1], 1) if fold(word).rpartition("-")[2] in PARTICLES), len(parts) - 1
    )
    return " ".join(parts[:start]), " ".join(parts[start:])


def normalise_name(given: str | None, family: str | None, full: str | None = None) -> Name | None:
    """A name in parts, from given and family name or, where both are absent, from the full name; None without any letter.

    Of a record that has one of the two and a full name, the other is what the full name has besides.
    """
    if full and not (given and family):
        full_given, full_family = split_full_name(full)
        if not given and not family:
            given, family = full_given, full_family
        elif given and not family:
            rest = fold(full).removeprefix(fold(given)).strip()
            family = rest if rest and rest != fold(full) else full_family
        else:
            rest = fold(full).removesuffix(fold(family or "")).strip()
            given = rest if rest and rest != fold(full) else full_given
    first, middle, initial, is_initial = _given_parts(given or "")
    core, particle, families = split_family(family or "")
    if not first and not core:
        return None
    return Name(first, middle, initial, is_initial, core, particle, families)


def normalise_gender(value: str) -> str | None:
    """`m` or `f` of a word for it or of a form of address (`Mevr.`, `Herr Dr.`); None of any other."""
    found = {GENDERS[word] for part in fold(value).split() if (word := part.strip(".,")) in GENDERS}
    return found.pop() if len(found) == 1 else None


@functools.cache
def nickname_table() -> dict[str, tuple[int, ...]]:
    """Folded given name → numbers (from 1) of the lines of `nicknames.csv` that hold it, negative too where it begins one."""
    table: dict[str, set[int]] = {}
    lines = files("models.normalise").joinpath("nicknames.csv").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate((line for line in lines if line and not line.startswith("#")), 1):
        names = [fold(name) for name in line.split(",")]
        for name in names:
            table.setdefault(name, set()).add(number)
        table[names[0]].add(-number)
    return {name: tuple(sorted(numbers)) for name, numbers in table.items()}


def nickname_groups(given: str) -> tuple[int, ...]:
    """The lines of names that a folded given name stands in."""
    return tuple(number for number in nickname_table().get(given, ()) if number > 0)


def nickname_heads(given: str) -> tuple[int, ...]:
    """The lines that a folded given name begins: names in them are what its bearers are called."""
    return tuple(sorted(-number for number in nickname_table().get(given, ()) if number < 0))


def is_nickname(one: str, other: str) -> bool:
    """Whether one of two folded given names is what people of the other are called."""
    return bool(
        set(nickname_heads(one)) & set(nickname_groups(other)) or set(nickname_groups(one)) & set(nickname_heads(other))
    )

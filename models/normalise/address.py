"""Addresses: postal code, house number and street in one spelling, for NL, DK, DE, BE and everywhere else.

Does not belong here: whether an address exists, and who lives there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.normalise.text import clean, fold

_NOT_ALNUM = re.compile(r"[^0-9A-Z]")
# Digits of a postal code, where that is all it has. Leading zeros that a spreadsheet took come back.
_DIGITS = {"DE": 5, "FR": 5, "ES": 5, "IT": 5, "US": 5, "DK": 4, "BE": 4, "NO": 4, "LU": 4, "AT": 4, "CH": 4, "AU": 4}
_COUNTRY_WORDS = {
    "nederland": "NL", "netherlands": "NL", "the netherlands": "NL", "holland": "NL", "niederlande": "NL", "pays-bas": "NL",
    "danmark": "DK", "denmark": "DK", "denemarken": "DK", "daenemark": "DK",
    "deutschland": "DE", "germany": "DE", "duitsland": "DE", "tyskland": "DE",
    "belgie": "BE", "belgique": "BE", "belgium": "BE", "belgien": "BE", "united kingdom": "GB", "uk": "GB", "great britain": "GB",
    "united states": "US", "usa": "US", "nld": "NL", "dnk": "DK", "deu": "DE", "bel": "BE", "gbr": "GB", "nederlandene": "NL",
}  # fmt: skip
# What stands between number and addition: bus and bte in Belgium, floor and door in Denmark.
_ADDITION_WORDS = re.compile(r"^(?:bus|bte|boite|box|apt|app|unit|flat|nr|no|hs|hoog|toev)\b\.?\s*")
_NUMBER_WORDS = re.compile(r"^(?:nr|no|num|number|nummer|huisnummer|#)[.:]?\s*(?=\d)")
_HALVES = str.maketrans({"½": " 1/2", "¼": " 1/4", "¾": " 3/4"})
_HOUSE = re.compile(r"^(?P<number>\d{1,5})(?:\s*-\s*(?P<until>\d{1,5})(?!\d))?(?P<rest>.*)$")
_LAST_NUMBER = re.compile(r"^(?P<street>.*?[^\W\d].*?)[\s,]+(?P<house>\d{1,5}(?:\b|(?=[a-z]\b)).*)$", re.IGNORECASE)
_FIRST_NUMBER = re.compile(
    r"^(?P<house>\d{1,5}[a-z]?)[\s,]+(?P<street>(?:[^\W\d]|\d+(?:st|nd|rd|th)\b).*)$", re.IGNORECASE
)
# A year or a day belongs to the street's name: Plein 1944 12, Straße des 17. Juni 135, Rue du 11 novembre 5.
_MONTH_WORDS = (
    "januari februari maart april mei juni juli augustus september oktober november december januar februar maerz maj mai august "
    "dezember janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre january february march may june "
    "july october"
)
_MONTHS = frozenset(_MONTH_WORDS.split())
_YEAR_STREET = re.compile(r"^(?P<street>.*[^\W\d].*\s(?:1[5-9]|20)\d\d)\s+(?P<house>\d{1,4}\b.*)$")
_DAY_STREET = re.compile(r"^(?P<street>.*?\d{1,2}\.?\s+(?P<month>[^\W\d]+))(?P<rest>[\s,]+(?P<house>\d{1,5}\b.*))?$")
# The blank that is missing in Kerkstraat12; four letters at least, for C4 is a street of Mannheim.
_JOINED = re.compile(r"^(?P<street>[^\d]*[^\W\d]{4})(?P<house>\d{1,5}(?![\d.]).*)$")
# What stands before the street and is none of it: Flat 3, 12 High Street; c/o Jansen, Dorpsweg 3.
_BEFORE_STREET = re.compile(
    r"^(?:(?:flat|apartment|apt|unit|suite)\.?\s*\w{1,4}\s*[,/]\s*(?=\d+\w?[\s,]+[^\W\d])|(?:c/o|p/a)\b[^,]*,\s*(?=\S))",
    re.IGNORECASE,
)
_SPREADSHEET = re.compile(r"^(\d+)\.0$")
_DUTCH_WITH_TOWN = re.compile(r"^(?:NL[ -]*)?(\d{4}) ?([A-Z]{2})[ ,]+[A-Z]")
_STREET_ENDINGS = (
    (re.compile(r"str\.?$"), "straat"), (re.compile(r"strasse$"), "straat"), (re.compile(r"(?<=\w)ln\.?$"), "laan"),
    (re.compile(r"(?<=\w)wg\.?$"), "weg"), (re.compile(r"(?<=\w)pln\.?$"), "plein"), (re.compile(r"gd\.?$"), "gade"),
)  # fmt: skip
_STREET_WORDS = {
    "st": "street", "str": "straat", "rd": "road", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "ln": "lane",
    "dr": "drive", "ct": "court", "pl": "place", "sq": "square", "hwy": "highway", "cres": "crescent", "gl": "gammel",
    "ndr": "nordre", "sdr": "soendre", "vstr": "vestre", "oestr": "oestre", "n": "north", "s": "south", "e": "east", "w": "west",
}  # fmt: skip

# St. Jansstraat, Sankt-Johann-Straße, Rue Saint-Jean: in front it is no street.
_SAINTS = frozenset({"st", "sint", "sankt", "saint", "sct"})


@dataclass(frozen=True)
class HouseNumber:
    """A house number and what stands behind it (`a`, `bis`, `2tv`), folded without blanks; '' where there is nothing."""

    number: str
    addition: str


def normalise_country(value: str) -> str | None:
    """ISO 3166 two-letter code of a code or of the country's name (the countries of this module), else None."""
    text = clean(value)
    if re.fullmatch(r"[A-Za-z]{2}", text) and text.upper() not in ("UK",):
        return text.upper()
    return _COUNTRY_WORDS.get(fold(text))


def normalise_postal_code(value: str, country: str | None = None) -> str | None:
    """A postal code in capitals without blanks, dashes and country prefix; None when it has no digit.

    NL `1234 ab` → `1234AB`; DK `DK-8000` → `8000`; DE `1067` → `01067`; BE `B-1000` → `1000`; GB `sw1a 1aa` → `SW1A1AA`;
    US `00000-1234` → `00000`. A town behind the code goes (`8000 Aarhus C`), and so does a spreadsheet's `.0`. A code that does
    not fit its country's form keeps what was written.
    """
    written = _SPREADSHEET.sub(r"\1", fold(value).upper())
    text = _NOT_ALNUM.sub("", written)
    if not re.search(r"\d", text):
        return None
    digits = _DIGITS.get(country or "")
    if country == "NL" and (with_town := _DUTCH_WITH_TOWN.match(written)):
        return "".join(with_town.groups())
    if digits and (with_town := re.match(rf"(?:[A-Z]{{1,2}}[ -]*)?(\d{{{digits}}})[ ,]+[A-Z]", written)):
        return with_town.group(1)
    if digits is None:
        if country in (None, "NL") and (prefixed := re.fullmatch(r"NL(\d{4}[A-Z]{2})", text)):
            return prefixed.group(1)
        return text
    text = re.sub(r"^[A-Z]{1,2}(?=\d+$)", "", text)
    if country == "US" and re.fullmatch(r"\d{9}", text):
        return text[:5]
    return text.zfill(digits) if re.fullmatch(rf"\d{{{max(digits - 2, 3)},{digits}}}", text) else text


def split_house_number(value: str) -> HouseNumber | None:
    """Number and addition: `12-A`, `12 a`, `12bis`, `12 bus 3`, `12, 2. tv`, `0012`, `nr. 12`; None when no number comes first.

    A range (`12-14`) is its first number: a large house has one door that people name. A dash before digits of a
    smaller number is an addition (`124-2`, the second floor).
    """
    text = fold(_SPREADSHEET.sub(r"\1", clean(value)).translate(_HALVES))
    found = _HOUSE.match(_NUMBER_WORDS.sub("", text))
    if found is None:
        return None
    number, rest = found["number"].lstrip("0") or "0", found["rest"]
    if found["until"] and int(found["until"]) <= int(number):
        rest = found["until"] + rest
    rest = _ADDITION_WORDS.sub("", rest.strip(" ,.-/"))
    return HouseNumber(number, re.sub(r"[^0-9a-z]", "", rest))


def split_address_line(value: str) -> tuple[str, str | None]:
    """Street and house number of a line that holds both: `Kerkstraat 12-a`, `Nørregade 12, 2. th`, `12 High Street`.

    The house number is None where the line has none; a number that belongs to the street's name (`2e Dwarsstraat 4`,
    `145th St`, `Straße des 17. Juni 135`) stays there.
    """
    text = _BEFORE_STREET.sub("", clean(value))
    day = _DAY_STREET.match(text)
    if day and fold(day["month"]) in _MONTHS:
        return day["street"].strip(" ,"), day["house"].strip() if day["house"] else None
    last = _YEAR_STREET.match(text) or _LAST_NUMBER.match(text) or _JOINED.match(text)
    if last:
        return last["street"].strip(" ,"), last["house"].strip()
    first = _FIRST_NUMBER.match(text)
    if first:
        return first["street"].strip(" ,"), first["house"]
    return text, None


def normalise_street(value: str) -> str | None:
    """A street's name folded, abbreviations written out (`Hoofdstr.` → `hoofdstraat`, `Main St` → `main street`).

    German -straße and Dutch -straat come out alike. None when no letter or digit is left.
    """
    words = re.sub(r"[^0-9a-z' ]", " ", fold(value).replace("'", "").replace(".", ". ")).split()
    if not words:
        return None
    if len(words) > 1 and words[0] in _SAINTS:
        words[0] = "sint"
    if len(words) == 2 and words[1] in ("str", "strasse", "straat"):
        words = ["".join(words)]
    last = words[-1]
    if len(words) == 1 or last not in _STREET_WORDS:
        for pattern, ending in _STREET_ENDINGS:
            replaced = pattern.sub(ending, last)
            if replaced != last:
                last = replaced
                break
        words[-1] = last
    return " ".join(_STREET_WORDS.get(word, word) if len(words) > 1 else word for word in words)


def normalise_city(value: str) -> str | None:
    """A town's name folded, letters only: `'s-Hertogenbosch` → `shertogenbosch`, `Aarhus C` and `Århus C` alike."""
    return re.sub(r"[^a-z]", "", fold(value)) or None

"""Generated people whose records say who they are: the training data of the stored matching model, and of measurements
of size.

Belongs here: people in households in the Netherlands, Denmark and Britain, and how systems write them down: nicknames,
initials, diacritics, typing mistakes, moves, missing fields. Does not belong here: the demo company (`pipelines/demo`),
training (`identity_model.py`).

The shares of names follow the order of the published lists of common names by a power law, with a long tail of names
that no list has; the rates of mistakes are assumptions, stated in `RATES`. No address, name or number is anybody's but
by chance: postal codes begin with 0, mail domains are reserved.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from pathlib import Path
from typing import Any

import pyarrow as pa

from models.normalise.name import nickname_groups, nickname_heads, nickname_table
from models.normalise.text import fold

# How often a system's record of a person differs from another's. Assumptions, in the order of what published comparisons of
# registers report (a few mistakes in a hundred fields, a tenth of people moved).
RATES: dict[str, float] = {
    "given_missing": 0.03, "given_nickname": 0.06, "given_initial": 0.08, "given_typo": 0.02, "middle": 0.25,
    "family_typo": 0.02, "family_changed": 0.015, "plain_letters": 0.3, "swapped": 0.005,
    "birth_missing": 0.4, "birth_typo": 0.015, "birth_swapped": 0.005, "birth_wrong": 0.003,
    "address_missing": 0.2, "address_moved": 0.12, "street_typo": 0.04, "house_typo": 0.01, "postal_typo": 0.01,
    "email_missing": 0.3, "email_other": 0.25, "email_typo": 0.015,
    "phone_missing": 0.4, "phone_other": 0.2, "phone_typo": 0.01,
    "gender_missing": 0.6, "gender_wrong": 0.01, "number_missing": 0.85, "number_typo": 0.02,
}  # fmt: skip
_DIAL = {"NL": "+31600", "DK": "+4510", "GB": "+447700900"}
_STREETS = {
    "NL": ("straat", "laan", "weg", "plein", "dijk", "gracht", "hof", "pad"),
    "DK": ("vej", "gade", "allé", "stræde", "vænget", "parken"),
    "GB": (" Street", " Road", " Lane", " Avenue", " Close", " Drive"),
}
_ONSETS = "b br d dr f fr g gr h j k kl kr l m n p pr r s sch st t tr v w z".split()  # noqa: SIM905
_VOWELS = "a aa e ee i ie o oe oo u ui ij".split()  # noqa: SIM905
_CODAS = "k l m n ng r rd s st t rk ld nd lm".split()  # noqa: SIM905
_ENDINGS = {
    "NL": ("stra", "ma", "man", "sen", "meer", "huis", "veld"),
    "DK": ("sen", "gaard", "holm", "lund", "bæk"),
    "GB": ("ton", "ham", "ley", "worth", "field"),
}


_TEXTS = pa.list_(pa.string())
_PARTS = ("street", "house_number", "postal_code", "city", "country")
SCHEMA = pa.schema(
    [
        ("given_names", _TEXTS),
        ("family_names", _TEXTS),
        ("birth_dates", pa.list_(pa.date32())),
        ("addresses", pa.list_(pa.struct([(name, pa.string()) for name in _PARTS]))),
        ("emails", _TEXTS),
        ("phones", _TEXTS),
        ("genders", _TEXTS),
        ("numbers", _TEXTS),
    ]
)


class People:
    """A generated population: `make(count)` gives records and the person behind each."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.names = _read_names()
        self.tail = {country: [self._invented(country) for _ in range(3000)] for country in _STREETS}
        self.towns = {country: [self._invented(country) for _ in range(15)] for country in _STREETS}
        self.streets = {
            country: [self._syllables(2).title() + self.dice.choice(endings) for _ in range(400)]
            for country, endings in _STREETS.items()
        }
        self.nicknames: dict[int, list[str]] = {}
        for name in nickname_table():
            for group in nickname_groups(name):
                self.nicknames.setdefault(group, []).append(name)

    def _syllables(self, count: int) -> str:
        dice = self.dice
        return "".join(dice.choice(_ONSETS) + dice.choice(_VOWELS) + dice.choice(_CODAS) for _ in range(count))

    def _invented(self, country: str) -> str:
        return (self._syllables(1) + self.dice.choice(_ENDINGS[country])).title()

    def _ranked(self, names: list[str]) -> str:
        """A name by a power law of its rank (exponent 0.7), the shape of the published lists."""
        weights = self._weights.setdefault(len(names), [1 / (rank + 3) ** 0.7 for rank in range(len(names))])
        return self.dice.choices(names, weights)[0]

    _weights: dict[int, list[float]] = {}  # noqa: RUF012

    def _phone(self, country: str) -> str:
        return f"{_DIAL[country]}{self.dice.randrange(10**6):06d}"

    def _address(self, country: str) -> dict[str, str]:
        town = self.dice.randrange(15)
        area = self.dice.randrange(60)
        street = self.streets[country][(town * 60 + area * 7 + self.dice.randrange(7)) % 400]
        postal = {
            "NL": f"0{town:02d}{area % 10} {'ABDEGHJK'[area % 8]}{'LMNPRSTV'[area // 8 % 8]}",
            "DK": f"0{town:02d}{area % 10}",
            "GB": f"ZZ{town} {area % 10}{'ABDEFGHJ'[area // 8]}X",
        }[country]
        return {
            "street": street, "house_number": str(self.dice.randrange(1, 200)), "postal_code": postal,
            "city": self.towns[country][town], "country": country,
        }  # fmt: skip

    def households(self, count: int) -> list[dict[str, Any]]:
        """`count` people in households of one to five, who share address, family name (mostly) and telephone
        (sometimes).
        """
        dice, made = self.dice, []
        while len(made) < count:
            country = dice.choices(("NL", "DK", "GB"), (45, 35, 20))[0]
            listed = self.names[country, "family", ""]
            family = self._ranked(listed) if dice.random() < 0.45 else dice.choice(self.tail[country])
            address, size = self._address(country), dice.choices((1, 2, 3, 4, 5), (38, 33, 12, 12, 5))[0]
            base, house = dice.randrange(1935, 1985), len(made)
            for place in range(size):
                gender = dice.choice("mf")
                year = base + dice.randrange(-4, 5) if place < 2 else base + dice.randrange(22, 38)
                given = self._ranked(self.names[country, "given", gender])
                # Two of a household have one first name about once in a hundred families (a father and his son).
                if any(made[at]["given"] == given for at in range(house, len(made))) and dice.random() < 0.9:
                    given = self._ranked(self.names[country, "given", gender])
                made.append(
                    {
                        "household": house, "country": country, "gender": gender, "given": given,
                        "middle": self._ranked(self.names[country, "given", gender]) if dice.random() < 0.6 else "",
                        "family": family if dice.random() < 0.85 else self._ranked(listed),
                        "birth": dt.date(min(year, 2025), 1, 1) + dt.timedelta(days=dice.randrange(365)),
                        "address": address, "moved": self._address(country),
                        "phone": self._phone(country), "phone2": self._phone(country),
                        "number": f"{dice.randrange(10**8):08d}",
                    }
                )  # fmt: skip
        return made[:count]

    def _typo(self, text: str) -> str:
        if len(text) < 3:
            return text
        at = self.dice.randrange(1, len(text) - 1)
        kind = self.dice.randrange(4)
        letter = self.dice.choice("0123456789" if text[at].isdigit() else "aeinorst")
        return {
            0: text[:at] + letter + text[at + 1 :], 1: text[:at] + text[at + 1 :], 2: text[:at] + text[at] + text[at:],
            3: text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        }[kind]  # fmt: skip

    def record(self, person: dict[str, Any]) -> dict[str, Any]:
        """One system's record of a person, as `models.matching.record.prepare` takes it (without `cluster_id`)."""
        dice = self.dice

        def happens(name: str) -> bool:
            return dice.random() < RATES[name]

        given, family = person["given"], person["family"]
        if happens("family_changed"):
            family = self._ranked(self.names[person["country"], "family", ""])
        if happens("given_nickname") and (groups := nickname_heads(fold(given))):
            given = dice.choice(self.nicknames[dice.choice(groups)]).title()
        elif happens("given_initial"):
            given = given[0] + "."
        if happens("given_typo"):
            given = self._typo(given)
        if happens("family_typo"):
            family = self._typo(family)
        if happens("plain_letters"):
            given, family = fold(given).title(), fold(family).title()
        if person["middle"] and happens("middle"):
            given = f"{given} {person['middle'][0]}."
        if happens("swapped"):
            given, family = family, given
        birth = person["birth"]
        if happens("birth_typo"):
            birth = birth.replace(year=birth.year + dice.choice((-10, -1, 1, 10))) if birth.day < 29 else birth
        elif happens("birth_swapped") and birth.day <= 12:
            birth = birth.replace(month=birth.day, day=birth.month)
        elif happens("birth_wrong"):
            birth = dt.date(dice.randrange(1940, 2005), 1 + dice.randrange(12), 1 + dice.randrange(28))
        address = dict(person["moved"] if happens("address_moved") else person["address"])
        for field in ("street", "house", "postal"):
            name = {"street": "street", "house": "house_number", "postal": "postal_code"}[field]
            if happens(f"{field}_typo"):
                address[name] = self._typo(address[name])
        word = fold(person["given"]).replace(" ", "")
        mail = f"{word}.{fold(person['family']).replace(' ', '')}{int(person['number']) % 97}@example.org"
        if happens("email_other"):
            mail = f"{word[:3]}{person['number'][:5]}@example.com"
        if happens("email_typo"):
            mail = self._typo(mail)
        phone = person["phone2"] if happens("phone_other") else person["phone"]
        phone = self._typo(phone) if happens("phone_typo") else phone
        number = self._typo(person["number"]) if happens("number_typo") else person["number"]
        gender = person["gender"] if not happens("gender_wrong") else "mf"[person["gender"] == "m"]
        return {
            "given_names": None if happens("given_missing") else [given],
            "family_names": [family],
            "birth_dates": None if happens("birth_missing") else [birth],
            "addresses": None if happens("address_missing") else [address],
            "emails": None if happens("email_missing") else [mail],
            "phones": None if happens("phone_missing") else [phone],
            "genders": None if happens("gender_missing") else [gender],
            "numbers": None if happens("number_missing") else [number],
        }  # fmt: skip

    def make(self, count: int) -> tuple[pa.Table, list[int]]:
        """About `count` records of people with one to four each, in random order, and the number of the person behind
        each.
        """
        people = self.households(int(count / 1.75))
        rows, owners = [], []
        for number, person in enumerate(people):
            for _ in range(self.dice.choices((1, 2, 3, 4), (50, 30, 15, 5))[0]):
                rows.append(self.record(person))
                owners.append(number)
        order = list(range(len(rows)))
        self.dice.shuffle(order)
        table = pa.Table.from_pylist([rows[at] for at in order], SCHEMA)
        return table.append_column("cluster_id", pa.array(range(len(order)), pa.int64())), [owners[at] for at in order]


def _read_names() -> dict[tuple[str, str, str], list[str]]:
    with (Path(__file__).parent / "identity_names.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["country"], row["kind"], row["gender"]): row["names"].split("|" if row["kind"] == "family" else " ")
            for row in csv.DictReader(file)
        }

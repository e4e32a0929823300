"""Who there is: generated Dutch and Danish people, their households, mailboxes, devices and numbers.

What people do belongs to `behaviour`; how a system writes them down belongs to the writers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl

from pipelines.demo.chance import Bools, Ints, stream

_NAMES = json.loads(files("pipelines.demo").joinpath("names.json").read_text(encoding="utf-8"))
_FIRST_NL, _FIRST_DK = _NAMES["given_nl"], _NAMES["given_dk"]
# Dutch family names are pairs: particle ("van der") and name.
_LAST_NL, _LAST_DK = _NAMES["family_nl"], _NAMES["family_dk"]
_CITY_NL, _CITY_DK = _NAMES["city_nl"], _NAMES["city_dk"]
_STREET_NL, _STREET_DK = _NAMES["street_nl"], _NAMES["street_dk"]
_DOMAINS = _NAMES["domain"]

_FOLD = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "ë": "e", "é": "e", "ï": "i", "ú": "u", "â": "a", " ": None, "'": None, "-": None}
)
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_MOBILE_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {v}_{w} like Mac OS X) "
    f"{_WEBKIT} Version/{{v}}.{{w}} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 1{{x}}; K) {_BLINK} Chrome/1{{v}}.0.{{w}}.0 Mobile Safari/537.36",
)
_DESKTOP_AGENT = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Chrome/1{{v}}.0.{{w}}.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/{{v}}.{{x}} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:1{v}.{w}) Gecko/20100101 Firefox/1{v}.{w}",
)
HOUSEHOLD_EVERY = 33
MAILBOX_EVERY = 400
MAILBOX_SIZE = 4


def fold(text: str) -> str:
    """A name as people type it into an e-mail address: ASCII, lower case, no blanks."""
    return text.lower().translate(_FOLD)


def _agents(templates: tuple[str, ...]) -> list[str]:
    return [
        template.format(v=v, w=w, x=x)
        for template in templates
        for v, w, x in [(15 + i % 11, i % 7, 2 + i % 4) for i in range(22)]
    ]


MOBILE_AGENTS = sorted(set(_agents(_MOBILE_AGENT)))
DESKTOP_AGENTS = sorted(set(_agents(_DESKTOP_AGENT)))


@dataclass(frozen=True)
class People:
    """Customers (known to some system) come first, anonymous web visitors behind them.

    `frame` holds one row per customer: names, address, contact data, numbers in the systems. The arrays are flags
    per customer that behaviour needs; `household` and `mailbox` are -1 where there is none.
    """

    frame: pl.DataFrame
    customer_count: int
    count: int
    has_email: Bools
    has_web: Bools
    in_crm: Bools
    has_login: Bools
    has_second_email: Bools
    household: Ints
    mailbox: Ints
    mailbox_owner: Bools
    is_danish: Bools
    prefers_mobile: Bools


def _pick(values: list[str] | tuple[str, ...], index: Ints) -> pl.Series:
    return pl.Series(values, dtype=pl.String).gather(index)


def make_people(customers: int, anonymous: int, seed: int) -> People:
    """Invent `customers` people known to the company and `anonymous` visitors of its site."""
    rng = stream(seed, "people")
    n = customers
    index = np.arange(n)
    household = np.where(
        (index % HOUSEHOLD_EVERY < 2) & (index // HOUSEHOLD_EVERY * HOUSEHOLD_EVERY + 1 < n),
        index // HOUSEHOLD_EVERY,
        -1,
    )
    head = np.where(household >= 0, household * HOUSEHOLD_EVERY, index)
    in_box = (index % MAILBOX_EVERY >= 10) & (index % MAILBOX_EVERY < 10 + MAILBOX_SIZE) & (household < 0)
    mailbox = np.where(in_box, index // MAILBOX_EVERY, -1)
    mailbox_owner = in_box & (index % MAILBOX_EVERY == 10)

    danish = (rng.random(n) < 0.42)[head]
    first = rng.integers(0, 36, n)
    # Two people of one household never share the first name: they must stay two people.
    first = np.where(head != index, (first[head] + 1 + first % 30) % 36, first)
    last = rng.integers(0, 32, n)[head]
    city, street, number = rng.integers(0, 8, n)[head], rng.integers(0, 7, n)[head], rng.integers(1, 240, n)[head]
    domain = rng.integers(0, len(_DOMAINS), n)
    domain2 = (domain + 1 + rng.integers(0, 4, n)) % len(_DOMAINS)
    has_email = rng.random(n) >= 0.03
    has_second = (rng.random(n) < 0.15) & has_email & ~in_box
    particle_nl, last_nl = zip(*_LAST_NL, strict=True)
    last_dk = _LAST_DK

    d = pl.Series(danish)
    frame = (
        pl.DataFrame({"person": pl.Series(index, dtype=pl.Int32), "danish": d})
        .with_columns(
            given_name=pl.when(d).then(_pick(_FIRST_DK, first)).otherwise(_pick(_FIRST_NL, first)),
            particle=pl.when(d).then(pl.lit("")).otherwise(_pick(particle_nl, last)),
            last_name=pl.when(d).then(_pick(last_dk, last)).otherwise(_pick(last_nl, last)),
            first_ascii=pl.when(d)
            .then(_pick([fold(x) for x in _FIRST_DK], first))
            .otherwise(_pick([fold(x) for x in _FIRST_NL], first)),
            last_ascii=pl.when(d)
            .then(_pick([fold(x) for x in last_dk], last))
            .otherwise(_pick([fold(p + x) for p, x in _LAST_NL], last)),
            city=pl.when(d).then(_pick(_CITY_DK, city)).otherwise(_pick(_CITY_NL, city)),
            street=pl.when(d).then(_pick(_STREET_DK, street)).otherwise(_pick(_STREET_NL, street)),
            house_number=pl.Series(number).cast(pl.String),
            # Neither country issues postal codes that start with 0.
            postal_code=pl.when(d)
            .then(pl.format("0{}", pl.Series(100 + city * 7 + street).cast(pl.String)))
            .otherwise(
                pl.format(
                    "0{} {}",
                    pl.Series(100 + city * 9 + street).cast(pl.String),
                    _pick(("AB", "DK", "FP", "NL", "XZ", "WK", "HV"), street),
                )
            ),
            country=pl.when(d).then(pl.lit("DK")).otherwise(pl.lit("NL")),
            language=pl.when(d).then(pl.lit("da")).otherwise(pl.lit("nl")),
            local_number=pl.Series(index).cast(pl.String).str.zfill(6),
            household=pl.Series(household),
            mailbox=pl.Series(mailbox),
        )
        .with_columns(
            family_name=pl.when(pl.col("particle") == "")
            .then(pl.col("last_name"))
            .otherwise(pl.concat_str("particle", "last_name", separator=" ")),
            full_name=pl.when(pl.col("particle") == "")
            .then(pl.concat_str("given_name", "last_name", separator=" "))
            .otherwise(pl.concat_str("given_name", "particle", "last_name", separator=" ")),
            mobile=pl.when(d)
            .then(pl.format("+4510{}", "local_number"))
            .otherwise(pl.format("+31600{}", "local_number")),
            landline=pl.when(pl.col("household") < 0)
            .then(None)
            .when(d)
            .then(pl.format("+4511{}", pl.col("household").cast(pl.String).str.zfill(6)))
            .otherwise(pl.format("+31191{}", pl.col("household").cast(pl.String).str.zfill(6))),
        )
    )
    base = pl.concat_str("first_ascii", pl.lit("."), "last_ascii")
    frame = (
        frame.with_columns(_domain=_pick(_DOMAINS, domain), _domain2=_pick(_DOMAINS, domain2))
        .with_columns(
            _nth=pl.int_range(pl.len()).over("first_ascii", "last_ascii"),
        )
        .with_columns(
            _base=pl.when(pl.col("_nth") == 0)
            .then(base)
            .otherwise(pl.concat_str(base, pl.col("_nth").cast(pl.String))),
        )
        .with_columns(
            email=pl.when(pl.Series(~has_email))
            .then(None)
            .when(pl.col("mailbox") >= 0)
            .then(pl.format("info@fietsbedrijf{}.example", pl.col("mailbox").cast(pl.String)))
            .otherwise(pl.concat_str("_base", pl.lit("@"), "_domain")),
            # The other address of the same person: the local part is another word, so no rule can guess it.
            email2=pl.when(pl.Series(has_second))
            .then(pl.format("{}.{}@{}", pl.col("first_ascii"), "local_number", pl.col("_domain2")))
            .otherwise(None),
            customer_number=pl.Series(100_001 + index).cast(pl.String),
            login=pl.concat_str(pl.col("first_ascii").str.slice(0, 3), "local_number"),
            # Ids without capital letters: the three checksum letters of an 18-character id are then known.
            salesforce_contact=pl.concat_str(
                pl.lit("003370"), pl.Series(100_000_000 + index).cast(pl.String), pl.lit("AAA")
            ),
            salesforce_account=pl.concat_str(
                pl.lit("001370"), pl.Series(100_000_000 + head).cast(pl.String), pl.lit("AAA")
            ),
            salesforce_lead=pl.concat_str(
                pl.lit("00Q370"), pl.Series(100_000_000 + index).cast(pl.String), pl.lit("EAA")
            ),
            zendesk_user=pl.Series(360_000_000_000 + index * 7).cast(pl.String),
            square_customer=pl.format("SQC{}XF", pl.Series(10_000_000 + index * 3).cast(pl.String)),
        )
    )
    either = pl.col("email2").fill_null(pl.col("email"))
    frame = frame.with_columns(
        # The helpdesk knows people by their second address where there is one, the newsletter a quarter of them.
        contact_email=either,
        mail_email=pl.when(pl.col("person") % 4 == 0).then(either).otherwise("email"),
    ).drop("_domain", "_domain2", "_nth", "_base", "first_ascii", "last_ascii")
    emails = frame["mail_email"].to_list()
    md5 = [None if e is None else hashlib.md5(e.lower().encode(), usedforsecurity=False).hexdigest() for e in emails]
    frame = frame.with_columns(
        email_md5=pl.Series(md5, dtype=pl.String),
        unique_email_id=pl.Series([None if m is None else m[:5] + m[-5:] for m in md5], dtype=pl.String),
    )
    total = customers + anonymous
    # Shop accounts are copied to the CRM, most of the time.
    has_login = (rng.random(n) < 0.75) & has_email
    return People(
        frame=frame,
        customer_count=n,
        count=total,
        has_email=has_email,
        has_web=np.concatenate([has_email & (rng.random(n) < 0.96), np.ones(anonymous, dtype=np.bool_)]),
        in_crm=(rng.random(n) < 0.85) | (has_login & (rng.random(n) < 0.6)),
        has_login=has_login,
        has_second_email=has_second,
        household=household,
        mailbox=mailbox,
        mailbox_owner=mailbox_owner,
        is_danish=danish,
        prefers_mobile=rng.random(total) < 0.56,
    )


def make_visitors(people: People) -> pl.DataFrame:
    """One row per person and device slot (0 = at home, 1 = underway): `person`, `slot`, `is_mobile`, `ip`, `agent`.

    Row number = person * 2 + slot. A few hundred people have a documentation IPv4 address, the others an IPv6 one, so
    that an address with an agent means one person; people of one household share the address at home.
    """
    person = np.repeat(np.arange(people.count), 2)
    slot = np.tile(np.array([0, 1]), people.count)
    household = np.concatenate([people.household, np.full(people.count - people.customer_count, -1)])
    head = np.where(household >= 0, household * HOUSEHOLD_EVERY, np.arange(people.count))[person]
    mobile = np.where(slot == 0, people.prefers_mobile[person], ~people.prefers_mobile[person])
    # Even spread: IPv4 goes to every sixth person until the 720 addresses are used up.
    v4 = (slot == 0) & (head % 6 == 3) & (head // 6 < 720)
    v4_index = head // 6
    net = pl.Series(("192.0.2.", "198.51.100.", "203.0.113.")).gather(np.where(v4, v4_index % 3, 0))
    host = pl.Series(10 + np.where(v4, v4_index // 3, 0)).cast(pl.String)
    owner = np.where(slot == 0, head, person)
    words: dict[str, Any] = {
        "a": pl.Series(_hex((owner >> 12) + 0x1000 * (1 + slot))),
        "b": pl.Series(_hex((owner & 0xFFF) + 0x1000)),
    }
    agent_number = person * 5 + slot * 3 + (person // 97)
    return pl.DataFrame(
        {
            "person": pl.Series(person, dtype=pl.Int32),
            "slot": pl.Series(slot, dtype=pl.Int8),
            "is_mobile": mobile,
            **words,
        }
    ).select(
        "person",
        "slot",
        "is_mobile",
        ip=pl.when(pl.Series(v4))
        .then(pl.concat_str(net, host))
        .otherwise(pl.format("2001:db8:{}:{}::{}", "a", "b", pl.col("slot").cast(pl.String).str.replace("0", "5"))),
        agent=pl.when(pl.col("is_mobile"))
        .then(_pick(MOBILE_AGENTS, agent_number % len(MOBILE_AGENTS)))
        .otherwise(_pick(DESKTOP_AGENTS, agent_number % len(DESKTOP_AGENTS))),
    )


def visitor_cookies(count: int) -> pl.Series:
    """The first-party cookie of each row of `make_visitors`; "-" for the fifth of the devices whose owner wants none."""
    device = pl.int_range(count, eager=True, dtype=pl.Int64)
    # Odd multipliers: no two devices share a value.
    value = pl.select(
        pl.concat_str(
            (device * 2654435761 % 2**32).cast(pl.String).str.zfill(10),
            pl.lit("."),
            (device * 40503 % 2**32).cast(pl.String).str.zfill(10),
        )
    ).to_series()
    return pl.select(pl.when(device % 5 == 4).then(pl.lit("-")).otherwise(value)).to_series()


def _hex(values: Ints) -> list[str]:
    table = [f"{i:x}" for i in range(int(values.max()) + 1)] if len(values) else []
    return pl.Series(table, dtype=pl.String).gather(values).to_list()

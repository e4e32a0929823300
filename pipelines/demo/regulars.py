"""What customers do besides episodes: questions, leads and purchases at the till in the last days, returns after a service visit.

Streams of their own, rows appended: nothing else the company lives through moves. Buying episodes belong to `visits`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.chance import Ints, day_of, moment, office_moment, stream
from pipelines.demo.company import DAYS, END
from pipelines.demo.people import People

FIRST_LATE_DAY = DAYS - co.LAST_EPISODE_DAYS
# Accessories, by their place in `company.PRODUCTS`.
ACCESSORIES = (11, 16)


def later_forms(people: People, form: pl.DataFrame, known_at: Ints, seed: int) -> pl.DataFrame:
    """The forms, and those that known customers send when no episode begins any more, as many a day as before."""
    rng = stream(seed, "later form")
    n = people.customer_count
    able = np.flatnonzero(people.has_email & people.has_web[:n] & (people.mailbox < 0) & _known(known_at))
    who = _drawn(rng, able, len(form))
    days = rng.integers(FIRST_LATE_DAY, DAYS, len(who))
    later = pl.DataFrame(
        {
            "person": who.astype(np.int32),
            "at": moment(rng, days),
            "topic": rng.integers(0, 4, len(who)).astype(np.int8),
            "has_phone": rng.random(len(who)) < 0.75,
        }
    ).filter(pl.col("at") < END)
    return pl.concat([form, later]).sort("at", "person")


def later_leads(people: People, lead: pl.DataFrame, known_at: Ints, seed: int) -> pl.DataFrame:
    """The leads of the sales team, and those of the last days: known customers who were no lead before (a person is one once)."""
    rng = stream(seed, "later lead")
    able = _known(known_at)
    able[lead["person"].to_numpy()] = False
    who = _drawn(rng, np.flatnonzero(able), len(lead))
    days = rng.integers(FIRST_LATE_DAY, DAYS, len(who))
    later = pl.DataFrame({"person": who.astype(np.int32), "at": office_moment(rng, days)}).filter(pl.col("at") < END)
    return pl.concat([lead, later]).sort("at", "person")


def later_purchases(
    people: People, till: pl.DataFrame, meeting: pl.DataFrame, known_at: Ints, seed: int
) -> pl.DataFrame:
    """The purchases at the till with those of the last days and those a service visit brings; `cause` names the latter.

    The planted effect on coming back (`company.RETURN_EFFECT`): so many of the visited buy an accessory within RETURN_DAYS
    who would not have.
    """
    rng = stream(seed, "return")
    visit = meeting.filter(pl.col("kind") == 2)
    back = visit.filter(pl.Series(rng.random(len(visit)) < co.RETURN_EFFECT["service_visit"]))
    day = day_of(back["at"].to_numpy()) + 1 + rng.integers(0, co.RETURN_DAYS - 1, len(back))
    returned = _sales(rng, back["person"].to_numpy(), day).with_columns(cause=pl.lit("service_visit"))

    rng = stream(seed, "later purchase")
    who = _drawn(rng, np.flatnonzero(_known(known_at)), len(till))
    late = _sales(rng, who, rng.integers(FIRST_LATE_DAY, DAYS, len(who)))
    own = till.with_columns(cause=pl.lit(None, dtype=pl.String))
    return pl.concat([own, returned, late], how="diagonal").filter(pl.col("at") < END).sort("at", "person")


def _known(known_at: Ints) -> np.ndarray:
    """Who was met before the last days began."""
    return day_of(known_at) < FIRST_LATE_DAY


def _drawn(rng: np.random.Generator, able: Ints, usual: int) -> Ints:
    """As many people as the last days would have at the usual rate, drawn from those who can."""
    count = int(rng.poisson(usual * co.LAST_EPISODE_DAYS / FIRST_LATE_DAY))
    return rng.choice(able, size=min(count, len(able)), replace=False) if count and len(able) else able[:0]


def _sales(rng: np.random.Generator, person: Ints, day: Ints) -> pl.DataFrame:
    """Accessories sold at the till on such days. No episode stands behind them."""
    count = len(person)
    return pl.DataFrame(
        {
            "person": np.asarray(person, dtype=np.int32),
            "at": office_moment(rng, day),
            "product": rng.integers(*ACCESSORIES, count).astype(np.int16),
            "quantity": np.ones(count, dtype=np.int64),
            "is_named": rng.random(count) < 0.85,
        }
    )

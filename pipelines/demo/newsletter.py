"""Who gets the newsletter and what they do with it; clicks come back as visits of the site.

How the mail tool writes it down belongs to `write_mail`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.chance import Ints, moment, stream
from pipelines.demo.company import END
from pipelines.demo.kinds import MAIL_LANDING
from pipelines.demo.people import People


def make_mail(
    people: People, episode: pl.DataFrame, campaign_at: Ints, known_at: Ints, seed: int
) -> tuple[pl.DataFrame, ...]:
    """Newsletter: members, recipients, activity, and the visits that clicks make (as web requests)."""
    rng = stream(seed, "mail")
    n = people.customer_count
    by_mail = np.zeros(n, dtype=bool)
    mail_episode = episode.filter(pl.col("channel") == co.EMAIL)
    by_mail[mail_episode["person"].to_numpy()] = True
    may = people.has_email & ((people.mailbox < 0) | people.mailbox_owner)
    is_member = may & ((rng.random(n) < 0.58) | by_mail)
    person = np.flatnonzero(is_member)
    k = len(person)
    early = (rng.random(k) < 0.35) | by_mail[person]
    signup = np.where(early, moment(rng, -30.0 - 200 * rng.random(k)), known_at[person] + 900)
    gone = rng.random(k) < 0.07
    bounced = (rng.random(k) < 0.015) & ~by_mail[person]
    gone &= ~by_mail[person] & ~bounced
    c = len(campaign_at)
    gone_at_campaign = rng.integers(2, c, k)
    sent_person = np.repeat(np.arange(k), c)
    sent_campaign = np.tile(np.arange(c), k)
    first_campaign = np.searchsorted(campaign_at, signup)
    ok = (sent_campaign >= first_campaign[sent_person]) & ~(
        gone[sent_person] & (sent_campaign > gone_at_campaign[sent_person])
    )
    ok &= ~(bounced[sent_person] & (sent_campaign > first_campaign[sent_person]))
    sp, sc = sent_person[ok], sent_campaign[ok]
    # The export knows one sending time per campaign; the mail itself arrives some minutes later.
    sent_at = campaign_at[sc]
    bounce = bounced[sp]
    opened = (rng.random(len(sp)) < 0.38) & ~bounce
    open_at = sent_at + rng.integers(35, 900, len(sp)) + rng.exponential(9000, len(sp)).astype(np.int64)
    # The lot has a stream of its own: whoever gets which subject line, all other draws stay as they were.
    variant = stream(seed, "mail experiment").integers(0, len(co.EXPERIMENT_CLICK), k)
    clicked = opened & (rng.random(len(sp)) < np.array(list(co.EXPERIMENT_CLICK.values()))[variant[sp]])
    click_at = open_at + rng.integers(4, 90, len(sp))
    leaves = gone[sp] & (sc == gone_at_campaign[sp]) & ~bounce
    sent = pl.DataFrame(
        {
            "person": person[sp].astype(np.int32),
            "campaign": sc.astype(np.int8),
            "at": sent_at,
            "variant": variant[sp].astype(np.int8),
        }
    )

    # A visit of an e-mail episode starts with the opening and the click of the last campaign before it.
    e_at = mail_episode["start_at"].to_numpy()
    e_campaign = np.searchsorted(campaign_at + 1000, e_at) - 1
    parts = [
        (person[sp[opened]], sc[opened], open_at[opened], 0),
        (person[sp[clicked]], sc[clicked], click_at[clicked], 1),
        (person[sp[bounce]], sc[bounce], sent_at[bounce] + 20, 2),
        (mail_episode["person"].to_numpy(), e_campaign, e_at - 40, 0),
        (mail_episode["person"].to_numpy(), e_campaign, e_at - 2, 1),
    ]
    activity = pl.DataFrame(
        {
            "person": np.concatenate([p for p, _, _, _ in parts]).astype(np.int32),
            "campaign": np.concatenate([x for _, x, _, _ in parts]).astype(np.int8),
            "at": np.concatenate([a for _, _, a, _ in parts]),
            "action": np.concatenate([np.full(len(p), a) for p, _, _, a in parts]).astype(np.int8),
        }
    ).filter(pl.col("at") < END)
    unsubscribe_at = np.full(k, -1)
    unsubscribe_at[sp[leaves]] = np.minimum(open_at[leaves] + 60, END - 5)
    unsubscribe_campaign = np.where(unsubscribe_at > 0, gone_at_campaign, -1)
    member = pl.DataFrame(
        {
            "person": person.astype(np.int32),
            "signup_at": signup,
            "unsubscribe_at": unsubscribe_at,
            "unsubscribe_campaign": unsubscribe_campaign,
            "is_bounced": bounced,
        }
    ).filter(pl.col("signup_at") < END)
    visit = activity.filter(
        (pl.col("action") == 1)
        & pl.Series(np.concatenate([np.full(len(p), i < 4) for i, (p, _, _, _) in enumerate(parts)])).filter(
            pl.Series(np.concatenate([a for _, _, a, _ in parts])) < END
        )
    )
    clicks = pl.DataFrame(
        {
            "session": np.full(len(visit), -1, dtype=np.int32),
            "person": visit["person"],
            "slot": np.zeros(len(visit), dtype=np.int8),
            "at": visit["at"] + 2,
            "kind": np.full(len(visit), MAIL_LANDING, dtype=np.int8),
            "ref": visit["campaign"].cast(pl.Int32),
            "entry_channel": np.full(len(visit), co.EMAIL, dtype=np.int8),
            "campaign": np.zeros(len(visit), dtype=np.int8),
            "is_logged_in": np.zeros(len(visit), dtype=bool),
        }
    ).filter(pl.Series(people.has_web[visit["person"].to_numpy()]) & (pl.col("at") < END))
    return member, sent, activity, clicks

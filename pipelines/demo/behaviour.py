"""What people do: 26 weeks of visits, carts, orders, questions and answers, as tables of numbers.

One row per happening, times in UTC seconds, people as row numbers of `People`; no text of any system. How a system
writes a happening down belongs to the writers, which night it appears in to `nights`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.answers import make_surveys
from pipelines.demo.chance import Ints
from pipelines.demo.company import DAY, END, START
from pipelines.demo.kinds import API, COMMENT, CONFIRMED
from pipelines.demo.newsletter import make_mail
from pipelines.demo.people import People
from pipelines.demo.purchases import make_orders
from pipelines.demo.regulars import later_forms, later_leads, later_purchases
from pipelines.demo.service import make_forms, make_service
from pipelines.demo.visits import make_episodes, make_hits, make_sessions


@dataclass(frozen=True)
class Behaviour:
    """Everything that happened; one frame per kind of happening (columns in the functions that make them)."""

    episode: pl.DataFrame
    hit: pl.DataFrame
    order: pl.DataFrame
    till: pl.DataFrame
    member: pl.DataFrame
    mail_sent: pl.DataFrame
    mail_activity: pl.DataFrame
    ticket: pl.DataFrame
    call: pl.DataFrame
    task: pl.DataFrame
    meeting: pl.DataFrame
    case: pl.DataFrame
    form: pl.DataFrame
    comment: pl.DataFrame
    survey: pl.DataFrame
    lead: pl.DataFrame
    campaign_at: Ints


def simulate(people: People, seed: int) -> Behaviour:
    """Live 26 weeks. Memory: about 120 bytes per web request at the peak."""
    campaign_at = np.arange(START + 5 * DAY + 10 * 3600, END - DAY, 10 * DAY, dtype=np.int64)
    episode = make_episodes(people, seed)
    # No newsletter before the first campaign: such an episode starts directly.
    too_early = (pl.col("channel") == co.EMAIL) & (pl.col("day") < 6)
    no_mail = np.concatenate(
        [
            ~people.has_email | ((people.mailbox >= 0) & ~people.mailbox_owner),
            np.ones(people.count - people.customer_count, dtype=bool),
        ]
    )
    cannot = pl.Series(no_mail[episode["person"].to_numpy()])
    episode = episode.with_columns(
        channel=pl.when(too_early | ((pl.col("channel") == co.EMAIL) & cannot))
        .then(pl.lit(co.DIRECT, dtype=pl.Int8))
        .otherwise("channel")
    )
    session, episode = make_sessions(episode, people, campaign_at, seed)
    hit, episode = make_hits(session, episode, people, seed)
    session_count = len(session)
    del session
    n = people.customer_count
    known_at = np.full(n, END, dtype=np.int64)
    mine = episode.filter(~pl.col("is_anonymous") & (pl.col("no") == 0))
    known_at[mine["person"].to_numpy()] = mine["start_at"].to_numpy() + 700
    order, till = make_orders(people, episode, seed)
    hit = _with_order_number(hit, order)
    order = order.filter(pl.col("at") < END)
    member, mail_sent, mail_activity, clicks = make_mail(people, episode, campaign_at, known_at, seed)
    forms = make_forms(people, known_at, campaign_at, seed)
    forms["form"] = later_forms(people, forms["form"], known_at, seed)
    forms["lead"] = later_leads(people, forms["lead"], known_at, seed)
    service = make_service(people, order, known_at, seed)
    till = later_purchases(people, till, service["meeting"], known_at, seed)
    survey = make_surveys(people, order, service, seed)

    # Requests that a form, a comment or a first newsletter click leaves in the web log.
    extra = [hit, clicks.with_columns(session=pl.int_range(pl.len(), dtype=pl.Int32) + session_count)]
    for frame, kind in ((forms["form"], API), (forms["comment"], COMMENT)):
        extra.append(
            pl.DataFrame(
                {
                    "session": np.full(len(frame), -1, dtype=np.int32),
                    "person": frame["person"],
                    "slot": np.zeros(len(frame), dtype=np.int8),
                    "at": frame["at"],
                    "kind": np.full(len(frame), kind, dtype=np.int8),
                    "ref": np.zeros(len(frame), dtype=np.int32),
                    "entry_channel": np.full(len(frame), -1, dtype=np.int8),
                    "campaign": np.zeros(len(frame), dtype=np.int8),
                    "is_logged_in": np.zeros(len(frame), dtype=bool),
                }
            )
        )
    hit = pl.concat(extra).filter(pl.col("at") < END).sort("at", "person", "kind", maintain_order=True)
    return Behaviour(
        episode=episode,
        hit=hit,
        order=order,
        till=till,
        member=member,
        mail_sent=mail_sent.filter(pl.col("at") < END),
        mail_activity=mail_activity.sort("at", "person", "action"),
        survey=survey,
        campaign_at=campaign_at,
        **service,
        **forms,
    )


def _with_order_number(hit: pl.DataFrame, order: pl.DataFrame) -> pl.DataFrame:
    """Give each confirmation page (`ref`) the number of its order, which the ERP counts in the order of time."""
    # A web order is entered one second after its confirmation page; nobody buys twice in one second.
    number = order.filter(~pl.col("is_phone")).select(
        "person", at=pl.col("at") - 1, kind=pl.lit(CONFIRMED, dtype=pl.Int8), number=pl.col("number").cast(pl.Int32)
    )
    return (
        hit.join(number, on=["person", "at", "kind"], how="left", maintain_order="left")
        .with_columns(ref=pl.coalesce("number", "ref"))
        .drop("number")
    )

"""People talking to people: tickets, calls, sales work, service visits, complaints, forms and comments.

How a system writes them down belongs to the writers.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.chance import Ints, day_of, moment, office_moment, stream
from pipelines.demo.company import DAY, END
from pipelines.demo.people import People


def make_service(people: People, order: pl.DataFrame, known_at: Ints, seed: int) -> dict[str, pl.DataFrame]:
    """After the purchase: tickets, calls, service visits, complaints; and the sales work before it."""
    rng = stream(seed, "service")
    n = people.customer_count
    m = len(order)
    person = order["person"].to_numpy().astype(np.int64)
    late, failed = order["is_late"].to_numpy(), order["is_failed_first"].to_numpy()
    cancelled = order["cancel_at"].to_numpy() < END
    deliver = np.where(cancelled, order["cancel_at"].to_numpy(), order["deliver_at"].to_numpy())
    mail_ok = people.has_email & ((people.mailbox < 0) | people.mailbox_owner)

    # Tickets: about orders, and questions of people who own nothing yet.
    p_ticket = np.where(cancelled, 0.8, 0.24 + 0.35 * late + 0.5 * failed)
    has = (rng.random(m) < p_ticket) & mail_ok[person]
    t_order = np.flatnonzero(has)
    waiting = late[t_order] & ~cancelled[t_order]
    t_day = (
        day_of(deliver[t_order])
        - np.where(waiting, 2, 0)
        + np.where(waiting | cancelled[t_order], 0, rng.integers(0, 5, len(t_order)))
    )
    t_topic = np.where(cancelled[t_order], 3, np.where(waiting | failed[t_order], 0, rng.integers(1, 3, len(t_order))))
    ask = np.flatnonzero((rng.random(n) < 0.12) & mail_ok)
    t_person = np.concatenate([person[t_order], ask])
    t_day = np.concatenate([t_day, day_of(known_at[ask]) + rng.integers(0, 6, len(ask))])
    t_topic = np.concatenate([t_topic, np.full(len(ask), 4)])
    t_ref = np.concatenate([order["number"].to_numpy()[t_order], np.full(len(ask), -1)])
    opened = moment(rng, np.maximum(t_day, 0))
    k = len(opened)
    reply_minutes = 12 + rng.exponential(240, k).astype(np.int64)
    solve_minutes = reply_minutes + 20 + rng.exponential(1300, k).astype(np.int64)
    reopened = rng.random(k) < 0.24
    again_minutes = np.where(reopened, 600 + rng.exponential(2500, k).astype(np.int64), 0)
    final_minutes = (
        solve_minutes + again_minutes + np.where(reopened, 300 + rng.exponential(1500, k).astype(np.int64), 0)
    )
    rated = rng.random(k)
    good = rng.random(k) < np.where(reopened, 0.35, 0.86)
    ticket = (
        pl.DataFrame(
            {
                "person": t_person.astype(np.int32),
                "order": t_ref,
                "topic": t_topic.astype(np.int8),
                "at": opened,
                "via": rng.integers(0, 4, k).astype(np.int8),
                "priority": rng.integers(0, 3, k).astype(np.int8),
                "agent": rng.integers(0, co.AGENT_COUNT, k).astype(np.int16),
                "reply_at": opened + 60 * reply_minutes,
                "solved_at": opened + 60 * solve_minutes,
                "is_reopened": reopened,
                "reopen_at": opened + 60 * (solve_minutes + again_minutes),
                "final_at": opened + 60 * final_minutes,
                "is_offered": rated < 0.6,
                "is_rated": rated < 0.24,
                "is_good": good,
                "rated_at": opened + 60 * final_minutes + rng.integers(3600, 90_000, k),
            }
        )
        .filter(pl.col("at") < END)
        .sort("at", "person")
        .with_row_index("number", offset=1)
    )

    # Calls to the service line, of people with a telephone (everybody) after an order, more when it is late.
    p_call = np.where(cancelled, 0.3, 0.14 + 0.3 * late + 0.3 * ~people.has_email[person])
    c_order = np.flatnonzero(rng.random(m) < p_call)
    caller = np.concatenate([person[c_order], np.flatnonzero(rng.random(n) < 0.07)])
    c_day = np.concatenate(
        [
            day_of(deliver[c_order]) + rng.integers(-1, 6, len(c_order)),
            day_of(known_at[caller[len(c_order) :]]) + rng.integers(0, 4, len(caller) - len(c_order)),
        ]
    )
    c_at = office_moment(rng, np.maximum(c_day, 0))
    wait = rng.exponential(130, len(caller)).astype(np.int64)
    answered = rng.random(len(caller)) < np.where(wait > 300, 0.7, 0.96)
    call = (
        pl.DataFrame(
            {
                "person": caller.astype(np.int32),
                "at": c_at,
                "wait": wait,
                "is_answered": answered,
                "talk": np.where(answered, 60 + rng.exponential(260, len(caller)), 0).astype(np.int64),
                "order": np.concatenate([order["number"].to_numpy()[c_order], np.full(len(caller) - len(c_order), -1)]),
                "landline": (people.household[caller] >= 0) & (rng.random(len(caller)) < 0.4),
            }
        )
        .filter(pl.col("at") < END)
        .sort("at", "person")
    )

    # Sales: calls to prospects, test rides; field service after delivery.
    crm = np.flatnonzero(people.in_crm)
    prospect = crm[rng.random(len(crm)) < 0.30]
    x_at = office_moment(rng, day_of(known_at[prospect]) + 1 + rng.integers(0, 5, len(prospect)))
    task = (
        pl.DataFrame(
            {
                "person": prospect.astype(np.int32),
                "at": x_at,
                "is_inbound": rng.random(len(prospect)) < 0.25,
                "talk": (rng.exponential(240, len(prospect)) + 20).astype(np.int64),
                "is_reached": rng.random(len(prospect)) < 0.7,
                "agent": rng.integers(0, co.AGENT_COUNT, len(prospect)).astype(np.int16),
            }
        )
        .filter(pl.col("at") < END)
        .sort("at", "person")
    )
    rider = crm[rng.random(len(crm)) < 0.12]
    served = np.flatnonzero((rng.random(m) < 0.14) & ~cancelled & people.in_crm[person])
    v_at = office_moment(rng, day_of(deliver[served]) + 1 + rng.integers(0, 5, len(served)))
    meeting = (
        pl.DataFrame(
            {
                "person": np.concatenate([rider, person[served]]).astype(np.int32),
                "at": np.concatenate(
                    [office_moment(rng, day_of(known_at[rider]) + 2 + rng.integers(0, 9, len(rider))), v_at]
                ),
                "kind": np.concatenate([rng.integers(0, 2, len(rider)), np.full(len(served), 2)]).astype(np.int8),
                "order": np.concatenate([np.full(len(rider), -1), order["number"].to_numpy()[served]]),
                "agent": rng.integers(0, co.AGENT_COUNT, len(rider) + len(served)).astype(np.int16),
                "minutes": np.concatenate([np.full(len(rider), 45), np.full(len(served), 60)]),
            }
        )
        .filter(pl.col("at") < END - DAY)
        .sort("at", "person")
    )
    upset = np.flatnonzero((rng.random(m) < 0.02 + 0.16 * (late | failed)) & ~cancelled & people.in_crm[person])
    y_at = office_moment(rng, day_of(deliver[upset]) + 1 + rng.integers(0, 4, len(upset)))
    case = (
        pl.DataFrame(
            {
                "person": person[upset].astype(np.int32),
                "at": y_at,
                "order": order["number"].to_numpy()[upset],
                "origin": rng.integers(0, 3, len(upset)).astype(np.int8),
                "closed_at": y_at + rng.integers(4 * 3600, 6 * DAY, len(upset)),
                "is_late": late[upset],
            }
        )
        .filter(pl.col("at") < END)
        .sort("at", "person")
    )
    return {"ticket": ticket, "call": call, "task": task, "meeting": meeting, "case": case}


def make_forms(people: People, known_at: Ints, campaign_at: Ints, seed: int) -> dict[str, pl.DataFrame]:
    """Contact forms, comments under articles, and leads of the sales team."""
    rng = stream(seed, "form")
    n = people.customer_count
    writer = np.flatnonzero(
        (rng.random(n) < np.where(people.mailbox >= 0, 0.8, 0.18)) & people.has_email & people.has_web[:n]
    )
    form = pl.DataFrame(
        {
            "person": writer.astype(np.int32),
            "at": known_at[writer],
            "topic": rng.integers(0, 4, len(writer)).astype(np.int8),
            "has_phone": rng.random(len(writer)) < 0.75,
        }
    ).sort("at", "person")
    talker = np.flatnonzero((rng.random(n) < 0.05) & people.has_email & people.has_web[:n] & (people.mailbox < 0))
    comment = (
        pl.DataFrame(
            {
                "person": talker.astype(np.int32),
                "at": moment(rng, day_of(known_at[talker]) + rng.integers(0, 10, len(talker))),
                "article": rng.integers(0, len(co.BLOG), len(talker)).astype(np.int8),
                "text": rng.integers(0, 5, len(talker)).astype(np.int8),
            }
        )
        .filter(pl.col("at") < END)
        .sort("at", "person")
    )
    prospect = np.flatnonzero(rng.random(n) < 0.22)
    lead = (
        pl.DataFrame(
            {
                "person": prospect.astype(np.int32),
                "at": known_at[prospect] + 300 + rng.integers(0, 7200, len(prospect)),
            }
        )
        .filter(pl.col("at") < END)
        .sort("at", "person")
    )
    return {"form": form, "comment": comment, "lead": lead}

"""Answers to surveys, and the planted effects of experiences on them.

The layout of the survey tool belongs to `write_feedback`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.chance import day_of, moment, stream
from pipelines.demo.company import DAY, END
from pipelines.demo.people import People

# What lies longer before an answer than this is forgotten.
WINDOW_DAYS = 30
# Above every time, so that person and time make one number.
LATEST = 1 << 34


def make_surveys(people: People, order: pl.DataFrame, service: dict[str, pl.DataFrame], seed: int) -> pl.DataFrame:
    """Answers: NPS after a delivery, CES after a solved ticket, CSAT after a service visit.

    The recommendation score is the sum of a person's own level and the planted effects (`company.SATISFACTION_EFFECT`).
    """
    rng = stream(seed, "survey")
    n = people.customer_count
    level = rng.normal(0.0, 1.1, n)
    mail_ok = people.has_email & ((people.mailbox < 0) | people.mailbox_owner)
    done = order.filter(pl.col("deliver_at") < END - 15 * DAY)
    m = len(done)
    number = done["number"].to_numpy()
    person = done["person"].to_numpy().astype(np.int64)
    at = moment(rng, day_of(done["deliver_at"].to_numpy()) + 9 + rng.integers(0, 6, m))

    def touched(frame: pl.DataFrame, time: str) -> np.ndarray:
        """Which answers follow such a happening of the same person within the last WINDOW_DAYS days."""
        moments = np.sort(frame["person"].to_numpy().astype(np.int64) * LATEST + frame[time].to_numpy())
        if not len(moments):
            return np.zeros(m, dtype=bool)
        place = np.searchsorted(moments, person * LATEST + at) - 1
        return (place >= 0) & (moments[np.maximum(place, 0)] >= person * LATEST + at - WINDOW_DAYS * DAY)

    ticket, call = service["ticket"], service["call"]
    felt = {
        "ticket_reopened": touched(ticket.filter(pl.col("is_reopened")), "final_at"),
        "delivered_late": done["is_late"].to_numpy(),
        "payment_failed": done["is_declined"].to_numpy(),
        "long_call_wait": touched(call.filter(pl.col("wait") > 300), "at"),
        "service_visit": touched(service["meeting"].filter(pl.col("kind") == 2), "at"),
        "fast_resolution": touched(
            ticket.filter((pl.col("solved_at") - pl.col("at") < DAY // 4) & ~pl.col("is_reopened")), "solved_at"
        ),
    }
    score = co.SATISFACTION_BASE + level[person] + rng.normal(0.0, 0.8, m)
    for name, mask in felt.items():
        score = score + co.SATISFACTION_EFFECT[name] * mask
    # What the answer would have been without one of the experiences: for the truth, no export shows it.
    without = {
        f"score_without_{name}": np.clip(np.rint(score - co.SATISFACTION_EFFECT[name] * mask), 0, 10).astype(np.int64)
        for name, mask in felt.items()
    }
    score = np.clip(np.rint(score), 0, 10).astype(np.int64)
    answers = (rng.random(m) < 0.55) & mail_ok[person]
    nps = pl.DataFrame(
        {
            "person": person.astype(np.int32),
            "at": at,
            "kind": np.zeros(m, dtype=np.int8),
            "score": score,
            "order": number,
            **felt,
            **without,
        }
    ).filter(pl.Series(answers))

    solved = ticket.filter(pl.col("final_at") < END - 3 * DAY)
    t_person = solved["person"].to_numpy().astype(np.int64)
    slow = (solved["final_at"].to_numpy() - solved["at"].to_numpy()) / DAY
    ces = np.clip(
        np.rint(
            5.9
            + 0.4 * level[t_person]
            - 0.45 * slow
            - 1.0 * solved["is_reopened"].to_numpy()
            + rng.normal(0, 0.8, len(solved))
        ),
        1,
        7,
    ).astype(np.int64)
    ces_frame = pl.DataFrame(
        {
            "person": solved["person"],
            "at": moment(rng, day_of(solved["final_at"].to_numpy()) + 1),
            "kind": np.ones(len(solved), dtype=np.int8),
            "score": ces,
            "order": solved["order"],
        }
    ).filter(pl.Series(rng.random(len(solved)) < 0.35))
    visit = service["meeting"].filter((pl.col("kind") == 2) & (pl.col("at") < END - 3 * DAY))
    csat = np.clip(
        np.rint(4.3 + 0.3 * level[visit["person"].to_numpy()] + rng.normal(0, 0.6, len(visit))), 1, 5
    ).astype(np.int64)
    csat_frame = pl.DataFrame(
        {
            "person": visit["person"],
            "at": moment(rng, day_of(visit["at"].to_numpy()) + 1),
            "kind": np.full(len(visit), 2, dtype=np.int8),
            "score": csat,
            "order": visit["order"],
        }
    ).filter(pl.Series((rng.random(len(visit)) < 0.5) & mail_ok[visit["person"].to_numpy()]))
    frames = [nps, ces_frame, csat_frame]
    return (
        pl.concat(
            [f.with_columns(pl.col("score").cast(pl.Int64), pl.col("order").cast(pl.Int64)) for f in frames],
            how="diagonal",
        )
        .filter(pl.col("at") < END)
        .sort("at", "person", "kind")
        .with_row_index("number")
        .with_columns(pl.col(list(felt)).fill_null(False), seconds=40 + pl.col("number").cast(pl.Int64) * 37 % 200)
    )

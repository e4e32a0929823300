"""The tables of `truth/`: people, identifiers, households, planted causes and effects, and the books of the files.

`truth_readme.md` describes every table; it is written beside them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.company import DAY, END, START
from pipelines.demo.kinds import STAGES
from pipelines.demo.people import People
from pipelines.demo.referrals import visits
from pipelines.demo.sink import Sink
from pipelines.demo.truth import Truth, person_id, spec_name, write_table
from pipelines.demo.truth_identity import identifiers
from pipelines.demo.write_web import web_paths


def write_truth(
    folder: Path,
    people: People,
    visitors: pl.DataFrame,
    behaviour: Behaviour,
    sink: Sink,
    truth: Truth,
    contacts: pl.DataFrame,
    bots: pl.DataFrame,
) -> int:
    """Write every table of `truth/` and its README; returns the number of touchpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    touchpoint = truth.table()
    write_table(folder, "touchpoint", touchpoint)
    write_table(folder, "expected_count", truth.expected_count())
    count = len(touchpoint)
    del touchpoint
    truth.parts.clear()
    _write_people(folder, people, visitors, behaviour, contacts)
    _write_planted(folder, behaviour)
    write_table(folder, "bot", bots)
    write_table(folder, "web_path", web_paths())
    stamp = [pl.from_epoch(pl.col(name)).dt.cast_time_unit("us") for name in ("started_at", "ended_at")]
    found = visits(behaviour.hit).with_columns(stamp)
    write_table(folder, "visit", found.select(pl.col("person").alias("person_id") + 1, pl.exclude("person")))
    write_table(
        folder,
        "file",
        pl.DataFrame(
            [
                row | {"export": spec_name(str(row["export"])), "system": spec_name(str(row["export"])).split(".")[0]}
                for row in sink.file_rows
            ]
        ),
    )
    write_table(folder, "broken_row", pl.DataFrame(sink.broken_rows))
    readme = files("pipelines.demo").joinpath("truth_readme.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    return count


def _write_people(
    folder: Path, people: People, visitors: pl.DataFrame, behaviour: Behaviour, contacts: pl.DataFrame
) -> None:
    f = people.frame
    n = people.customer_count
    known = f.select(
        person_id=pl.col("person") + 1,
        is_anonymous=pl.lit(False),
        full_name="full_name",
        country="country",
        language="language",
        household_id=pl.when(pl.col("household") >= 0).then(pl.col("household") + 1),
        mailbox_id=pl.when(pl.col("mailbox") >= 0).then(pl.col("mailbox") + 1),
    )
    others = pl.DataFrame(
        {"person_id": person_id(np.arange(n, people.count)), "is_anonymous": np.ones(people.count - n, bool)}
    )
    write_table(folder, "person", pl.concat([known, others], how="diagonal"))
    write_table(
        folder,
        "household",
        f.filter(pl.col("household") >= 0).select(
            household_id=pl.col("household") + 1,
            person_id=pl.col("person") + 1,
            shared_phone="landline",
            address=pl.concat_str(
                "street", pl.lit(" "), "house_number", pl.lit(", "), "postal_code", pl.lit(" "), "city"
            ),
        ),
    )
    write_table(
        folder,
        "shared_mailbox",
        f.filter((pl.col("mailbox") >= 0) & pl.col("email").is_not_null()).select(
            mailbox_id=pl.col("mailbox") + 1, email="email", person_id=pl.col("person") + 1
        ),
    )
    usual = pl.concat_str(pl.lit("003370"), (pl.col("person") + 100_000_000).cast(pl.String), pl.lit("AAA"))
    write_table(
        folder,
        "duplicate_contact",
        contacts.filter(pl.col("salesforce_contact") != usual).select(
            person_id=pl.col("person") + 1, salesforce_contact=usual, duplicate_salesforce_contact="salesforce_contact"
        ),
    )
    seen = behaviour.hit.select(row=pl.col("person") * 2 + pl.col("slot")).unique().sort("row")["row"]
    write_table(
        folder,
        "web_visitor",
        visitors[seen.cast(pl.UInt32)].select(
            (pl.col("person") + 1).alias("person_id"), "slot", "is_mobile", "ip", "agent"
        ),
    )
    write_table(folder, "identifier", identifiers(people, behaviour, contacts))


def _write_planted(folder: Path, behaviour: Behaviour) -> None:
    e = behaviour.episode
    stamp = pl.from_epoch(pl.col("start_at")).dt.cast_time_unit("us")
    device = pl.when("is_mobile").then(pl.lit("mobile")).otherwise(pl.lit("desktop"))
    channel = pl.Series(co.CHANNELS).gather(e["channel"].cast(pl.UInt32))
    stage = pl.Series(STAGES).gather(e["stage"].cast(pl.UInt32))
    write_table(
        folder,
        "episode",
        e.select(
            person_id=pl.col("person") + 1,
            episode_number=pl.col("no") + 1,
            started_at=stamp,
            channel=channel,
            device=device,
            last_stage=stage,
            is_converted="is_order",
            drop_cause=pl.col("cause").replace("", None),
            bought_at=pl.when("is_order").then(pl.from_epoch("buy_at").dt.cast_time_unit("us")),
        ).sort("started_at", "person_id"),
    )
    share = (
        e.filter(~pl.col("is_anonymous"))
        .group_by(channel=pl.Series(co.CHANNELS).gather(e.filter(~pl.col("is_anonymous"))["channel"].cast(pl.UInt32)))
        .agg(episode_count=pl.len(), converted_count=pl.col("is_order").sum())
    )
    write_table(
        folder,
        "channel_effect",
        pl.DataFrame({"channel": co.CHANNELS, "log_odds": co.CHANNEL_EFFECT})
        .join(share, on="channel", how="left", maintain_order="left")
        .with_columns(converted_share=pl.col("converted_count") / pl.col("episode_count")),
    )
    write_table(folder, "drop_off", _drop_offs(behaviour))
    s = behaviour.survey
    nps = s.filter(pl.col("kind") == 0)
    types = {
        "ticket_reopened": "ticket_reopened",
        "delivered_late": "order_delivered",
        "payment_failed": "payment_failed",
        "long_call_wait": "call_inbound",
        "service_visit": "service_visit",
        "fast_resolution": "ticket_resolved",
    }
    rows = []
    for name, points in co.SATISFACTION_EFFECT.items():
        yes, no = nps.filter(pl.col(name)), nps.filter(~pl.col(name))
        rows.append(
            {
                "experience": name,
                "touchpoint_type": types[name],
                "planted_points": points,
                "answer_count": len(yes),
                "mean_score_with": yes["score"].mean(),
                "mean_score_without": no["score"].mean(),
                # What reaches the answer: scores end at 10 and are whole, so a part of what is planted cannot show.
                "felt_points": (yes["score"] - yes[f"score_without_{name}"]).mean(),
            }
        )
    write_table(
        folder,
        "touchpoint_effect",
        pl.DataFrame(
            rows,
            schema={
                "experience": pl.String,
                "touchpoint_type": pl.String,
                "planted_points": pl.Float64,
                "answer_count": pl.Int64,
                "mean_score_with": pl.Float64,
                "mean_score_without": pl.Float64,
                "felt_points": pl.Float64,
            },
        ),
    )
    write_table(folder, "experiment", _experiment(behaviour))
    write_table(
        folder,
        "survey_answer",
        s.select(
            (pl.col("person") + 1).alias("person_id"),
            pl.from_epoch("at").dt.cast_time_unit("us").alias("occurred_at"),
            pl.Series(("nps", "ces", "csat")).gather(s["kind"].cast(pl.UInt32)).alias("kind"),
            "score",
            *co.SATISFACTION_EFFECT,
        ),
    )


def _experiment(behaviour: Behaviour) -> pl.DataFrame:
    """Variants of the newsletter: who got which, and how many opened and clicked within thirty days after their first mail."""
    names = list(co.EXPERIMENT_CLICK)
    first = behaviour.mail_sent.group_by("person").agg(pl.col("at").min(), pl.col("variant").first())
    acted = (
        behaviour.mail_activity.filter(pl.col("action") < 2)
        .join(first.select("person", first_at="at"), on="person")
        .filter((pl.col("at") > pl.col("first_at")) & (pl.col("at") <= pl.col("first_at") + 30 * DAY))
        .group_by("person")
        .agg(opened=(pl.col("action") == 0).any(), clicked=(pl.col("action") == 1).any())
    )
    return (
        first.join(acted, on="person", how="left")
        .group_by("variant")
        .agg(
            person_count=pl.len(),
            opened_count=pl.col("opened").fill_null(False).sum(),
            clicked_count=pl.col("clicked").fill_null(False).sum(),
        )
        .sort("variant")
        .with_columns(
            variant=pl.col("variant").cast(pl.Int64).replace_strict(dict(enumerate(names)), return_dtype=pl.String)
        )
        .with_columns(
            experiment=pl.lit(co.EXPERIMENT),
            click_probability=pl.col("variant").replace_strict(co.EXPERIMENT_CLICK, return_dtype=pl.Float64),
        )
        .select("experiment", "variant", "click_probability", "person_count", "opened_count", "clicked_count")
    )


def _drop_offs(behaviour: Behaviour) -> pl.DataFrame:
    e = behaviour.episode.filter(~pl.col("is_anonymous"))
    rows = []

    def add(
        cause: str,
        stage: str,
        device: str | None,
        days: tuple[int, int] | None,
        exposed: pl.DataFrame,
        dropped: pl.Expr,
        baseline: pl.DataFrame,
        text: str,
    ) -> None:
        def share(frame: pl.DataFrame) -> float | None:
            return frame.select(dropped.mean()).item() if len(frame) else None

        first, last = days or (0, co.DAYS - 1)
        rows.append(
            {
                "cause": cause,
                "stage": stage,
                "device": device,
                "period_start": START + first * DAY,
                "period_end": START + (last + 1) * DAY,
                "exposed_count": len(exposed),
                "dropped_count": int(exposed.select(dropped.sum()).item() or 0),
                "drop_share": share(exposed),
                "baseline_drop_share": share(baseline),
                "description": text,
            }
        )

    checkout = e.filter("is_checkout")
    days = co.PAYMENT_ERROR_DAYS
    inside = pl.col("is_mobile") & (pl.col("day") >= days[0]) & (pl.col("day") <= days[1])
    add(
        "payment_error_mobile",
        "checkout_started",
        "mobile",
        days,
        checkout.filter(inside),
        ~pl.col("is_order"),
        checkout.filter(~inside),
        "POST /checkout/payment answers 500 on mobile devices; most of those hit give up.",
    )
    add(
        "payment_declined",
        "checkout_started",
        None,
        None,
        checkout.filter("is_declined"),
        ~pl.col("is_order"),
        checkout.filter(~pl.col("is_declined")),
        "The payment is declined (/checkout/payment-failed); a third does not try again.",
    )
    days = co.DEAD_LANDING_DAYS
    landed = e.filter((pl.col("channel") == co.PAID_SEARCH) & (pl.col("campaign") == 2))
    add(
        "dead_landing_page",
        "landing_page_view",
        None,
        days,
        landed.filter("is_dead"),
        pl.col("is_left"),
        landed.filter(~pl.col("is_dead")),
        "The landing page of the winter sale answers 404; most visitors leave at once.",
    )
    days = co.SUPPLIER_DELAY_DAYS
    cargo = behaviour.order.filter(pl.Series(np.isin(behaviour.order["product"].to_numpy(), co.CARGO)))
    cancelled = pl.col("cancel_at") < END
    add(
        "long_delivery_wait",
        "order_placed",
        None,
        days,
        cargo.filter("is_delayed"),
        cancelled,
        behaviour.order.filter(~pl.col("is_delayed")),
        "Cargo bikes wait 12 to 25 days for shipping; many orders are cancelled.",
    )
    return pl.DataFrame(rows).with_columns(
        pl.from_epoch("period_start").dt.cast_time_unit("us"), pl.from_epoch("period_end").dt.cast_time_unit("us")
    )

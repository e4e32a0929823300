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
from pipelines.demo.chance import logistic
from pipelines.demo.company import DAY, END, START
from pipelines.demo.kinds import STAGES
from pipelines.demo.people import People
from pipelines.demo.referrals import visits
from pipelines.demo.sink import Sink
from pipelines.demo.truth import Truth, person_id, spec_name, write_table
from pipelines.demo.truth_identity import identifiers
from pipelines.demo.write_web import web_paths

# A pause longer than this ends a journey, as the configuration says of purchases.
JOURNEY_GAP_DAYS = 30
# A delivery that takes longer is late, as the configuration says (`effect.waits`).
LONG_DELIVERY_HOURS = 132


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
        .with_columns(
            converted_share=pl.col("converted_count") / pl.col("episode_count"),
            journey_log_odds=pl.Series(_channel_effect_on_journeys(e)),
        ),
    )
    write_table(folder, "conversion_effect", _checkout_effects(e))
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
    waited = behaviour.order.select("number", is_long=pl.col("deliver_at") - pl.col("at") >= LONG_DELIVERY_HOURS * 3600)
    nps = nps.join(waited, left_on="order", right_on="number", how="left", maintain_order="left")
    rows = []
    for name, points in co.SATISFACTION_EFFECT.items():
        # What the exports show of a late delivery is that it took long, which one that failed at first does too.
        seen = nps.filter(pl.col("is_long") if name == "delivered_late" else pl.col(name))
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
                "seen_points": (seen["score"] - seen[f"score_without_{name}"]).mean(),
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
                "seen_points": pl.Float64,
            },
        ),
    )
    write_table(folder, "experiment", _experiment(behaviour))
    returned = behaviour.till.filter(pl.col("episode").is_null())
    write_table(
        folder,
        "return_purchase",
        returned.select(
            person_id=pl.col("person") + 1,
            occurred_at=pl.from_epoch("at").dt.cast_time_unit("us"),
            cause="cause",
            is_identified="is_named",
        ),
    )
    visit_count = behaviour.meeting.filter((pl.col("kind") == 2) & (pl.col("at") < END - co.RETURN_DAYS * DAY)).height
    write_table(
        folder,
        "return_effect",
        pl.DataFrame(
            {
                "experience": list(co.RETURN_EFFECT),
                "planted_share": list(co.RETURN_EFFECT.values()),
                "window_days": [co.RETURN_DAYS],
                "visit_count": [visit_count],
            }
        ),
    )
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


def _with_journey(episode: pl.DataFrame) -> pl.DataFrame:
    """Episodes of customers in the order of time, with `journey`: episodes go on with the one before, unless that ended with an
    order or lies more than thirty days back."""
    return (
        episode.filter(~pl.col("is_anonymous"))
        .sort("person", "start_at")
        .with_columns(
            is_new=(
                (pl.col("start_at").shift(1).is_null())
                | (pl.col("start_at") - pl.col("start_at").shift(1) > JOURNEY_GAP_DAYS * DAY)
                | pl.col("is_order").shift(1)
            ).over("person")
        )
        .with_columns(journey=pl.col("is_new").fill_null(True).cum_sum())
    )


def _channel_effect_on_journeys(episode: pl.DataFrame) -> list[float | None]:
    """What of each channel's planted log-odds reaches orders within thirty days of the first visit; None beside the web.

    A cart is not yet an order, and who does not buy may come back in that time, by whatever channel: both take from it.
    """
    mine = _with_journey(episode).with_columns(
        is_cart=pl.col("stage") > 0,
        is_soon=pl.col("is_order")
        & (pl.col("buy_at") - pl.col("start_at").first().over("journey") <= JOURNEY_GAP_DAYS * DAY),
    )
    online = mine.filter(pl.col("channel") <= co.DIRECT)
    kept = float(online["is_order"].sum()) / max(float(online["is_cart"].sum()), 1.0)
    journey = mine.group_by("journey", maintain_order=True).agg(
        pl.col("channel").first(),
        is_later=pl.col("no").first() > 0,
        first=pl.col("is_order").first(),
        later=pl.col("is_soon").slice(1).any(),
    )
    point, weight = np.polynomial.hermite_e.hermegauss(21)
    weight = weight / weight.sum()
    found: list[float | None] = []
    for number, size in enumerate(co.CHANNEL_EFFECT):
        part = journey.filter(pl.col("channel") == number)
        if number > co.DIRECT or not len(part):
            found.append(None)
            continue
        again = float(part["later"].sum()) / max(float((~part["first"]).sum()), 1.0)
        returning = float(part["is_later"].mean() or 0.0)  # type: ignore[arg-type]
        odds = []
        for planted in (size, 0.0):
            taste = co.CART_LOG_ODDS + planted + co.TASTE_DEVIATION * point
            cart = weight @ ((1 - returning) * logistic(taste) + returning * logistic(taste + co.RETURNING_LOG_ODDS))
            order = kept * float(cart)
            order += (1 - order) * again
            odds.append(order)
        known = all(0 < order < 1 for order in odds)
        found.append(float(np.subtract(*np.log(odds) - np.log1p(-np.array(odds)))) if known else None)
    return found


def _checkout_effects(episode: pl.DataFrame) -> pl.DataFrame:
    """How many of those who began to pay ordered, with an experience so far in their journey and with none: planted losses."""
    met = {"is_declined_so_far": pl.col("is_declined"), "is_error_so_far": pl.col("is_broken") | pl.col("is_dead")}
    checkout = (
        _with_journey(episode)
        .with_columns(condition.cum_max().over("journey").alias(name) for name, condition in met.items())
        .filter("is_checkout")
    )
    without = checkout.filter(~(pl.col("is_error_so_far") | pl.col("is_declined_so_far")))
    rows = []
    for experience, touchpoint_type, name in (
        ("payment_declined", "payment_failed", "is_declined_so_far"),
        ("error_before_or_at_payment", "error_page", "is_error_so_far"),
    ):
        part = checkout.filter(name)
        share = [
            None
            if not len(x) or x["is_order"].all() or not x["is_order"].any()
            else float(x["is_order"].sum()) / len(x)
            for x in (part, without)
        ]
        rows.append(
            {
                "experience": experience,
                "touchpoint_type": touchpoint_type,
                "checkout_count": len(part),
                "ordered_count": int(part["is_order"].sum()),
                "ordered_share_without": share[1],
                "log_odds": None
                if share[0] is None or share[1] is None
                else float(np.log(share[0] / (1 - share[0])) - np.log(share[1] / (1 - share[1]))),
            }
        )
    schema = {
        "experience": pl.String,
        "touchpoint_type": pl.String,
        "checkout_count": pl.Int64,
        "ordered_count": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema | {"ordered_share_without": pl.Float64, "log_odds": pl.Float64})


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

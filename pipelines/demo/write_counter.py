"""The counters: advertising cost (Google Ads), telephone (Twilio) and the tills of the two stores (Square)."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.chance import stream
from pipelines.demo.company import DAY, DAYS, END, START
from pipelines.demo.kinds import DEAD_LANDING, LANDING
from pipelines.demo.people import People
from pipelines.demo.sink import Sink, choose, in_window, local, repeated_count, utc
from pipelines.demo.truth import Truth

_SYNCED = "2026-04-01 03:00:00"


def write_counter(people: People, behaviour: Behaviour, sink: Sink, truth: Truth, seed: int) -> None:
    """Write google_ads/*, twilio/calls.csv and square/transactions.csv of every night."""
    _ads(behaviour, sink, seed)
    _calls(people, behaviour, sink, truth)
    _till(people, behaviour, sink, truth)


def _hash(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _ads(behaviour: Behaviour, sink: Sink, seed: int) -> None:
    """Cost per campaign, day and device. Conversions are counted again for 30 days: later nights correct them."""
    rng = stream(seed, "ads")
    clicks = (
        behaviour.hit.filter(
            pl.col("kind").is_in([LANDING, DEAD_LANDING]) & (pl.col("entry_channel") == co.PAID_SEARCH)
        )
        .with_columns(day=(pl.col("at") - START) // DAY)
        .group_by("campaign", "day")
        .len()
    )
    table = {(c, d): n for c, d, n in clicks.iter_rows()}
    google = [i for i, c in enumerate(co.CAMPAIGNS) if c.source == "google"]
    rows = []
    for day in range(DAYS):
        for campaign in google:
            real = table.get((campaign, day), 0)
            for device, share in (("MOBILE", 0.6), ("DESKTOP", 0.4)):
                count = round(real * share + rng.random())
                rows.append(
                    (
                        day,
                        campaign,
                        device,
                        count,
                        int(count * rng.integers(9, 16) + rng.integers(3, 40)),
                        int(count * rng.integers(380, 920)) * 1000,
                        int(rng.binomial(count, 0.06)),
                    )
                )
    stats = pl.DataFrame(
        rows, schema=["day", "campaign", "device", "clicks", "impressions", "cost", "conversions"], orient="row"
    )
    stats = stats.with_columns(
        date=pl.from_epoch(START + pl.col("day") * DAY + DAY // 2).dt.strftime("%Y-%m-%d"),
        id=choose([c.ads_id for c in co.CAMPAIGNS], "campaign"),
        at=START + pl.col("day") * DAY,
    )
    keys = [_hash("/".join(r)) for r in stats.select("id", "date", "device").iter_rows()]
    stats = stats.with_columns(key=pl.Series(keys))
    for night, cut in enumerate(sink.nights.cuts):
        since = sink.nights.since(night)
        seen = in_window(stats, "at", sink.nights.window(night, overlap_days=30))
        # Half of the conversions of the last seven days are known only a week later.
        fresh = pl.col("at") >= cut - 7 * DAY
        sink.csv(
            "google_ads/campaign_stats",
            night,
            seen.select(
                _fivetran_id="key",
                customer_id=pl.lit(co.ADS_ACCOUNT),
                date="date",
                _fivetran_synced=pl.lit(_SYNCED),
                active_view_impressions=pl.lit("0"),
                ad_network_type=pl.lit("SEARCH"),
                base_campaign=pl.concat_str(pl.lit(f"customers/{co.ADS_ACCOUNT}/campaigns/"), "id"),
                clicks=pl.col("clicks").cast(pl.String),
                conversions=pl.when(fresh).then(pl.col("conversions") // 2).otherwise("conversions").cast(pl.String),
                conversions_value=pl.lit("0"),
                cost_micros=pl.col("cost").cast(pl.String),
                device="device",
                id="id",
                impressions=pl.col("impressions").cast(pl.String),
                interaction_event_types=pl.lit("[CLICK]"),
                interactions=pl.col("clicks").cast(pl.String),
                view_through_conversions=pl.lit("0"),
            ),
            repeated=repeated_count(seen["at"], since),
            note="thirty days overlap, conversions counted again",
        )
        history = pl.DataFrame(
            [
                {
                    "id": co.CAMPAIGNS[c].ads_id,
                    "updated_at": "2025-09-01T09:00:00.000",
                    "name": co.CAMPAIGNS[c].name,
                    "customer_id": co.ADS_ACCOUNT,
                    "advertising_channel_type": "SEARCH",
                    "advertising_channel_subtype": "UNSPECIFIED",
                    "start_date": "2025-09-01",
                    "end_date": "2037-12-30",
                    "serving_status": "SERVING",
                    "status": "ENABLED",
                }
                for c in google
            ]
        )
        sink.csv(
            "google_ads/campaign_history", night, history, repeated=len(history) if night else 0, note="full table"
        )
        account = pl.DataFrame(
            [
                {
                    "id": co.ADS_ACCOUNT,
                    "updated_at": "2025-09-01 9:00:00",
                    "_fivetran_synced": _SYNCED,
                    "auto_tagging_enabled": "TRUE",
                    "currency_code": "EUR",
                    "descriptive_name": co.COMPANY,
                    "hidden": "FALSE",
                    "manager": "FALSE",
                    "test_account": "FALSE",
                    "time_zone": co.TIME_ZONE,
                }
            ]
        )
        sink.csv(
            "google_ads/account_history", night, account, line_end="\r\n", repeated=1 if night else 0, note="full table"
        )


def _calls(people: People, behaviour: Behaviour, sink: Sink, truth: Truth) -> None:
    f = people.frame
    call = behaviour.call.with_row_index("n")
    person = call["person"].cast(pl.UInt32)
    call = call.with_columns(
        number=pl.when(pl.col("landline")).then(f["landline"].gather(person)).otherwise(f["mobile"].gather(person)),
        end=pl.col("at") + pl.col("wait") + pl.col("talk"),
    )
    style = "%Y-%m-%d %H:%M:%S.000000 UTC"
    for night in range(sink.nights.count):
        rows = in_window(call, "end", sink.nights.window(night, overlap_days=1))
        sink.csv(
            "twilio/calls",
            night,
            rows.select(
                id=pl.concat_str(pl.lit("CA360"), pl.col("n").cast(pl.String).str.zfill(29)),
                _fivetran_synced=pl.lit("2026-04-01 03:00:00.000000 UTC"),
                account_id=pl.lit("ACdemo360"),
                created_at=utc("at", style),
                direction=pl.lit("inbound"),
                duration=pl.col("talk").cast(pl.String),
                end_time=utc("end", style),
                **{"from": pl.col("number"), "to": pl.lit(co.COMPANY_PHONE)},
                from_formatted="number",
                to_formatted=pl.lit(co.COMPANY_PHONE),
                price_unit=pl.lit("USD"),
                # Milliseconds in the queue.
                queue_time=(pl.col("wait") * 1000).cast(pl.String),
                start_time=utc("at", style),
                status=pl.when("is_answered").then(pl.lit("completed")).otherwise(pl.lit("canceled")),
                updated_at=utc("end", style),
            ),
            repeated=repeated_count(rows["end"], sink.nights.since(night)),
            note="new rows, one day overlap",
        )
    truth.touchpoint(call.filter(pl.col("end") < END), "call_inbound", "twilio/calls")


def _euro(amount: pl.Expr) -> pl.Expr:
    """`€1.899,00`, minus sign in front."""
    cents = (amount.abs() * 100).round(0).cast(pl.Int64)
    whole = cents // 100
    thousand = (
        pl.when(whole >= 1000)
        .then(pl.concat_str((whole // 1000).cast(pl.String), pl.lit("."), (whole % 1000).cast(pl.String).str.zfill(3)))
        .otherwise(whole.cast(pl.String))
    )
    sign = pl.when(amount < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, pl.lit("€"), thousand, pl.lit(","), (cents % 100).cast(pl.String).str.zfill(2))


def _till(people: People, behaviour: Behaviour, sink: Sink, truth: Truth) -> None:
    till = behaviour.till.with_row_index("n")
    f = people.frame[till["person"].cast(pl.UInt32)]
    prices = np.array([p.price for p in co.PRODUCTS])
    rows = (
        till.with_columns(
            f.select("country", "square_customer", "full_name", "customer_number"),
            gross=pl.Series(prices[till["product"].to_numpy()] * till["quantity"].to_numpy()),
            card=pl.col("n") % 6 != 0,
        )
        .with_columns(discount=pl.when(pl.col("n") % 9 == 0).then((pl.col("gross") * 0.05).round(2)).otherwise(0.0))
        .with_columns(net=pl.col("gross") - pl.col("discount"))
    )
    zero = pl.lit("€0,00")
    net = pl.col("net")
    danish = pl.col("country") == "DK"
    for night in range(sink.nights.count):
        part = in_window(rows, "at", sink.nights.window(night, overlap_days=1))
        named = pl.col("is_named")
        out = part.select(
            pl.when(named).then("square_customer").alias("Customer ID"),
            pl.when(named).then("full_name").alias("Customer Name"),
            pl.when(named).then("customer_number").alias("Customer Reference ID"),
            local("at", "%Y-%m-%d").alias("Date"),
            local("at", "%H:%M:%S").alias("Time"),
            pl.when(danish).then(pl.lit("Copenhagen")).otherwise(pl.lit("Amsterdam")).alias("Time Zone"),
            _euro(pl.col("gross")).alias("Gross Sales"),
            _euro(-pl.col("discount")).alias("Discounts"),
            _euro(net).alias("Net Sales"),
            zero.alias("Gift Card Sales"),
            _euro((net * 21 / 121).round(2)).alias("Tax"),
            zero.alias("Tip"),
            zero.alias("Partial Refunds"),
            _euro(net).alias("Total Collected"),
            pl.lit("Point of Sale").alias("Source"),
            pl.when("card").then(_euro(net)).otherwise(zero).alias("Card"),
            pl.when("card").then(pl.lit("Tapped")).otherwise(pl.lit("N/A")).alias("Card Entry Methods"),
            pl.when("card").then(zero).otherwise(_euro(net)).alias("Cash"),
            zero.alias("Square Gift Card"),
            zero.alias("Other Tender"),
            _euro(-(net * 0.0175).round(2)).alias("Fees"),
            _euro(net - (net * 0.0175).round(2)).alias("Net Total"),
            pl.concat_str(pl.lit("SQT360"), pl.col("n").cast(pl.String).str.zfill(9)).alias("Transaction ID"),
            pl.concat_str(pl.lit("SQP360"), pl.col("n").cast(pl.String).str.zfill(9)).alias("Payment ID"),
            pl.when("card").then(pl.lit("MasterCard")).alias("Card Brand"),
            pl.when("card").then(pl.lit("0000")).alias("PAN Suffix"),
            pl.lit("Till 1").alias("Device Name"),
            choose(co.STAFF, pl.col("n") % len(co.STAFF)).alias("Staff Name"),
            choose([p.name for p in co.PRODUCTS], "product").alias("Description"),
            pl.lit("Payment").alias("Event Type"),
            pl.when(danish)
            .then(pl.lit("Fjord & Polder Aarhus"))
            .otherwise(pl.lit("Fjord & Polder Utrecht"))
            .alias("Location"),
        )
        sink.csv(
            "square/transactions",
            night,
            out,
            repeated=repeated_count(part["at"], sink.nights.since(night)),
            note="new rows, one day overlap",
        )
    truth.touchpoint(rows, "pos_purchase", "square/transactions", identified=pl.col("is_named"))

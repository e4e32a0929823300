"""Newsletter: campaigns, members, recipients and what they did, as Mailchimp tables. Times are UTC without zone.

A member's id is the MD5 of the lower-case e-mail address.
"""

from __future__ import annotations

import polars as pl

from pipelines.demo import company as co
from pipelines.demo.behaviour import Behaviour
from pipelines.demo.company import END
from pipelines.demo.people import People
from pipelines.demo.sink import Broken, Sink, choose, in_window, repeated_count, utc
from pipelines.demo.truth import Truth

_SYNCED = "2026-04-01 01:20:00.000"
_SUBJECTS = (
    "Lente op twee wielen",
    "Efterår på elcykel",
    "Service before the winter",
    "Cargo weekend",
    "Nieuw: Fjord Trail 2",
)


def campaign_id(index: int) -> str:
    """Mailchimp id of the newsletter with this number."""
    return f"c{index:02d}fd360a1"


def write_mail(people: People, behaviour: Behaviour, sink: Sink, truth: Truth) -> None:
    """Write campaign, member, campaign_recipient, campaign_recipient_activity and unsubscribe of every night."""
    f = people.frame
    ids = [campaign_id(i) for i in range(len(behaviour.campaign_at))]
    md5 = f["email_md5"]
    campaigns = pl.DataFrame({"n": range(len(ids)), "at": behaviour.campaign_at}).with_columns(
        id=pl.Series(ids), subject=choose(_SUBJECTS, pl.col("n") % len(_SUBJECTS))
    )
    mine = f[behaviour.member["person"].cast(pl.UInt32)]
    member = behaviour.member.with_columns(
        mine.select("mail_email", "email_md5", "unique_email_id", "given_name", "family_name", "country", "language")
    )
    bounce_at = (
        behaviour.mail_activity.filter(pl.col("action") == 2).group_by("person").agg(bounce_at=pl.col("at").min())
    )
    member = member.join(bounce_at, on="person", how="left", maintain_order="left")
    for night, cut in enumerate(sink.nights.cuts):
        since = sink.nights.since(night)
        window = sink.nights.window(night)
        sent = campaigns.filter(pl.col("at") < cut)
        sink.csv(
            "mailchimp/campaign",
            night,
            sent.select(
                id="id",
                _fivetran_deleted=pl.lit("false"),
                _fivetran_synced=pl.lit(_SYNCED),
                authenticate=pl.lit("true"),
                content_type=pl.lit("template"),
                create_time=utc(pl.col("at") - 7200),
                from_name=pl.lit(co.COMPANY),
                list_id=pl.lit(co.MAIL_LIST),
                reply_to=pl.lit("news@fjordpolder.example"),
                send_time=utc("at"),
                status=pl.lit("sent"),
                subject_line="subject",
                title=pl.format("Newsletter {}", pl.col("n") + 1),
                to_name=pl.lit("*|FNAME|*"),
                track_opens=pl.lit("true"),
                type=pl.lit("regular"),
            ),
            repeated=repeated_count(sent["at"], since),
            note="full table",
        )

        out = (pl.col("unsubscribe_at") > 0) & (pl.col("unsubscribe_at") < cut)
        cleaned = pl.col("bounce_at") < cut
        rows = member.filter(pl.col("signup_at") < cut).with_columns(
            changed=pl.when(out).then("unsubscribe_at").when(cleaned).then("bounce_at").otherwise("signup_at")
        )
        # Subscribed, then left: the same member comes again with another status.
        sink.csv(
            "mailchimp/member",
            night,
            rows.select(
                id="email_md5",
                list_id=pl.lit(co.MAIL_LIST),
                _fivetran_synced=pl.lit(_SYNCED),
                country_code="country",
                email_address="mail_email",
                email_type=pl.lit("html"),
                language="language",
                last_changed=utc("changed"),
                member_rating=pl.lit("2"),
                merge_fname="given_name",
                merge_lname="family_name",
                status=pl.when(out)
                .then(pl.lit("unsubscribed"))
                .when(cleaned)
                .then(pl.lit("cleaned"))
                .otherwise(pl.lit("subscribed")),
                timestamp_opt=utc(pl.col("signup_at") + 180),
                timestamp_signup=utc("signup_at"),
                timezone=pl.lit(co.TIME_ZONE),
                unique_email_id="unique_email_id",
                vip=pl.lit("false"),
            ),
            repeated=repeated_count(rows["changed"], since),
            note="full table",
        )

        got = in_window(behaviour.mail_sent, "at", window)
        sink.csv(
            "mailchimp/campaign_recipient",
            night,
            (
                part.select(
                    campaign_id=choose(ids, "campaign"),
                    member_id=md5.gather(part["person"].cast(pl.UInt32)),
                    _fivetran_synced=pl.lit(_SYNCED),
                    combination_id=choose(tuple(co.EXPERIMENT_CLICK), "variant"),
                    list_id=pl.lit(co.MAIL_LIST),
                )
                for part in got.iter_slices(400_000)
            ),
            note="new rows",
        )

        acted = in_window(behaviour.mail_activity, "at", sink.nights.window(night, overlap_days=2))
        sink.csv(
            "mailchimp/campaign_recipient_activity",
            night,
            (
                part.select(
                    action=choose(("open", "click", "bounce"), "action"),
                    campaign_id=choose(ids, "campaign"),
                    member_id=md5.gather(part["person"].cast(pl.UInt32)),
                    timestamp=utc("at"),
                    _fivetran_synced=pl.lit(_SYNCED),
                    bounce_type=pl.when(pl.col("action") == 2).then(pl.lit("hard")),
                    ip=pl.lit("192.0.2.250"),
                    list_id=pl.lit(co.MAIL_LIST),
                    url=pl.when(pl.col("action") == 1).then(
                        pl.format("{}/lp/newsletter-{}", pl.lit(co.SITE), pl.col("campaign") + 1)
                    ),
                )
                for part in acted.iter_slices(400_000)
            ),
            repeated=repeated_count(acted["at"], since),
            broken=[
                Broken(
                    f"open,{ids[0]},{'0' * 31}f,2025-10-32 09:00:00,{_SYNCED},,,,{co.MAIL_LIST},".encode(),
                    "invalid_date",
                    "timestamp",
                    "2025-10-32 09:00:00",
                )
            ]
            if night == 0
            else (),
            note="new rows, two days overlap",
        )

        left = member.filter(out).sort("unsubscribe_at", "person")
        sink.csv(
            "mailchimp/unsubscribe",
            night,
            left.select(
                campaign_id=choose(ids, "unsubscribe_campaign"),
                member_id="email_md5",
                _fivetran_synced=pl.lit(_SYNCED),
                list_id=pl.lit(co.MAIL_LIST),
                reason=pl.when(pl.col("person") % 3 == 0).then(pl.lit("NORMAL")),
                timestamp=utc("unsubscribe_at"),
            ),
            repeated=repeated_count(left["unsubscribe_at"], since),
            note="full table",
        )

    truth.touchpoint(behaviour.mail_sent, "email_sent", "mailchimp/campaign_recipient")
    for action, name in enumerate(("email_opened", "email_clicked", "email_bounced")):
        truth.touchpoint(
            behaviour.mail_activity.filter(pl.col("action") == action), name, "mailchimp/campaign_recipient_activity"
        )
    gone = behaviour.member.filter((pl.col("unsubscribe_at") > 0) & (pl.col("unsubscribe_at") < END))
    truth.touchpoint(gone, "email_unsubscribed", "mailchimp/unsubscribe", "unsubscribe_at")

"""Where visits come from: the referrers behind each channel of a visit, and the visits as the truth knows them.

Which referrer a visit has follows from its number alone, so that no other random number moves. Does not belong here: which
channel a visit has (`visits`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo import kinds
from pipelines.demo.chance import Ints


class Origin(NamedTuple):
    """A referrer, and what a faithful reader makes of a visit with it: source, medium and channel group."""

    referrer: str
    source: str
    medium: str
    group: str


# The owner of the site behind the shop's: a referrer that is none, once the company says that the domain is its own.
OWN_PAGE = "https://service.fjordpolder.example/portal"
PAYMENT_PAGE = "https://www.mollie.com/checkout/select-method"
SLOTS = 20


def _share(*parts: tuple[int, Origin]) -> tuple[Origin, ...]:
    listed = tuple(origin for count, origin in parts for _ in range(count))
    assert len(listed) == SLOTS
    return listed


ORIGINS: dict[int, tuple[Origin, ...]] = {
    co.PAID_SEARCH: _share((20, Origin("https://www.google.com/", "google", "cpc", "Paid Search"))),
    co.PAID_SOCIAL: _share((20, Origin("https://www.facebook.com/", "facebook", "paid_social", "Paid Social"))),
    co.ORGANIC: _share(
        (9, Origin("https://www.google.com/", "google", "organic", "Organic Search")),
        (4, Origin("https://www.google.nl/", "google", "organic", "Organic Search")),
        (2, Origin("https://www.bing.com/", "bing", "organic", "Organic Search")),
        (2, Origin("https://duckduckgo.com/", "duckduckgo", "organic", "Organic Search")),
        (1, Origin("https://www.ecosia.org/", "ecosia", "organic", "Organic Search")),
        (2, Origin("android-app://com.google.android.googlequicksearchbox/", "google", "organic", "Organic Search")),
    ),
    co.SOCIAL: _share(
        (10, Origin("https://www.instagram.com/", "instagram", "referral", "Organic Social")),
        (6, Origin("https://l.facebook.com/", "facebook", "referral", "Organic Social")),
        (3, Origin("https://www.linkedin.com/feed/", "linkedin", "referral", "Organic Social")),
        (1, Origin("https://www.youtube.com/watch", "youtube", "referral", "Organic Video")),
    ),
    co.EMAIL: _share((20, Origin("-", "mailchimp", "email", "Email"))),
    co.REFERRAL: _share(
        (12, Origin("https://cycling-blog.example/best-e-bikes", "cycling-blog.example", "referral", "Referral")),
        (5, Origin("https://chatgpt.com/", "chatgpt", "referral", "AI Assistants")),
        (2, Origin("https://www.perplexity.ai/", "perplexity", "referral", "AI Assistants")),
        (1, Origin("https://claude.ai/", "claude", "referral", "AI Assistants")),
    ),
    co.DIRECT: _share(
        (18, Origin("-", "(direct)", "(none)", "Direct")),
        (2, Origin(OWN_PAGE, "(direct)", "(none)", "Direct")),
    ),
}
_CHANNELS = max(ORIGINS) + 1
# Positions in `referrers` behind those of the channels.
SITE, NOTHING, PAYMENT = (_CHANNELS * SLOTS + n for n in range(3))


def referrers() -> pl.Series:
    """Texts of all referrers; entries of channel c stand at c * SLOTS + slot."""
    entries = [origin.referrer for channel in range(_CHANNELS) for origin in ORIGINS[channel]]
    return pl.Series([*entries, co.SITE + "/", "-", PAYMENT_PAGE])


def slot_of(session: Ints) -> Ints:
    """Which of a channel's origins a visit has."""
    return (np.asarray(session, dtype=np.int64) * 7919 + 3) % SLOTS


def referrer_index(entry: Ints, session: Ints, kind: Ints, human: np.ndarray) -> Ints:
    """Position in `referrers` of each request: of an entry its channel's, of people's other requests the site itself."""
    inside = np.where(kind == kinds.CONFIRMED, PAYMENT, SITE)
    return np.where(entry >= 0, entry * SLOTS + slot_of(session), np.where(human, inside, NOTHING))


def visits(hit: pl.DataFrame, gap_seconds: int = 1800) -> pl.DataFrame:
    """Visits as a faithful reader finds them in the log: a device's requests with pauses of at most `gap_seconds`.

    Only requests that are touchpoints on the site, the shop or the portal count (a failed payment is one of the payment
    channel). Columns: person, slot, started_at, ended_at (UTC seconds), touchpoint_count, channel_group, traffic_source,
    traffic_medium.
    """
    counted = [kind for kind, name in enumerate(kinds.WEB_TYPE) if name is not None and name != "payment_failed"]
    pages = (
        hit.filter(pl.col("kind").is_in(counted))
        .sort("person", "slot", "at", maintain_order=True)
        .with_columns(pause=(pl.col("at") - pl.col("at").shift(1)).over("person", "slot"))
        .with_columns(visit=((pl.col("pause").is_null()) | (pl.col("pause") > gap_seconds)).cum_sum())
    )
    entry = pages["entry_channel"].to_numpy().astype(np.int64)
    names = [origin for channel in range(_CHANNELS) for origin in ORIGINS[channel]]
    # A visit that begins in the middle (after a long look at one page) has the site itself as referrer: direct.
    names.append(Origin(co.SITE, "(direct)", "(none)", "Direct"))
    place = np.where(entry >= 0, entry * SLOTS + slot_of(pages["session"].to_numpy()), len(names) - 1)
    told = pages.with_columns(
        channel_group=pl.Series([origin.group for origin in names]).gather(place),
        traffic_source=pl.Series([origin.source for origin in names]).gather(place),
        traffic_medium=pl.Series([origin.medium for origin in names]).gather(place),
    )
    return (
        told.group_by("visit", maintain_order=True)
        .agg(
            pl.col("person").first(),
            pl.col("slot").first(),
            started_at=pl.col("at").first(),
            ended_at=pl.col("at").last(),
            touchpoint_count=pl.len().cast(pl.Int64),
            channel_group=pl.col("channel_group").first(),
            traffic_source=pl.col("traffic_source").first(),
            traffic_medium=pl.col("traffic_medium").first(),
        )
        .drop("visit")
        .sort("started_at", "person", "slot")
    )

"""What people do on the site: buying episodes, their visits, and the requests of each visit.

One row per episode, visit or request, as numbers; how a request looks in the log belongs to `write_web`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.chance import Ints, logistic, moment, ragged, running, stream
from pipelines.demo.company import DAYS
from pipelines.demo.kinds import (
    ACCOUNT,
    ARTICLE,
    CART,
    CATEGORY,
    CHECKOUT,
    CONFIRMED,
    CONTACT,
    DEAD_LANDING,
    DOWNLOAD,
    HOME,
    LANDING,
    LOGIN,
    MAIL_LANDING,
    PAY,
    PAY_ERROR,
    PAY_FAILED,
    PRODUCT,
    SEARCH,
)
from pipelines.demo.people import People


def make_episodes(people: People, seed: int) -> pl.DataFrame:
    """One row per buying episode: `person`, `no`, `day`, `channel`, device, `product`, stages reached, cause."""
    rng = stream(seed, "episode")
    n, total = people.customer_count, people.count
    counts = np.ones(total, dtype=np.int64)
    counts[:n] += np.minimum(rng.poisson(0.9, n), 3)
    person, no = ragged(counts)
    m = len(person)
    step = np.where(no == 0, rng.integers(0, DAYS - 10, m), 18 + rng.exponential(26.0, m).astype(np.int64))
    day = running(person, step, counts)
    keep = (day < DAYS - 9) & ((person >= n) | people.has_web[person] | (no < 2))
    person, no, day = person[keep], no[keep], day[keep]
    m = len(person)

    first_table = np.cumsum([0.22, 0.13, 0.24, 0.07, 0.05, 0.07, 0.12, 0.07, 0.03])
    later_table = np.cumsum([0.08, 0.04, 0.15, 0.03, 0.24, 0.04, 0.28, 0.10, 0.04])
    draw = rng.random(m)
    channel = np.where(
        no == 0,
        np.searchsorted(first_table, draw * first_table[-1]),
        np.searchsorted(later_table, draw * later_table[-1]),
    )
    anonymous = person >= n
    channel = np.where(anonymous & (channel >= co.EMAIL) & (channel != co.REFERRAL), co.DIRECT, channel)
    offline_only = ~people.has_web[person]
    channel = np.where(offline_only, np.where(rng.random(m) < 0.6, co.STORE, co.PHONE), channel)

    slot = (rng.random(m) < 0.25).astype(np.int64)
    is_mobile = np.where(slot == 0, people.prefers_mobile[person], ~people.prefers_mobile[person])
    weights = np.array(co.PRODUCT_WEIGHTS, dtype=float)
    later = weights * np.array([0.3 if p.category.endswith("bikes") else 2.0 for p in co.PRODUCTS])
    product = np.where(
        no == 0,
        np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(m)),
        np.searchsorted(np.cumsum(later) / later.sum(), rng.random(m)),
    )
    campaign = np.where(
        channel == co.PAID_SOCIAL, 3, np.where(np.isin(product, co.CARGO), 1, 2 * (rng.random(m) < 0.4))
    )

    # Stages. Offline episodes buy at the till or by telephone and never see the cart.
    taste = np.concatenate([rng.normal(0.0, co.TASTE_DEVIATION, n), np.full(total - n, -2.6)])[person]
    p_cart = logistic(
        co.CART_LOG_ODDS + np.array(co.CHANNEL_EFFECT)[channel] + taste + co.RETURNING_LOG_ODDS * (no > 0)
    )
    cart = rng.random(m) < p_cart
    checkout = cart & (rng.random(m) < 0.74)
    attempt = checkout & (rng.random(m) < np.where(anonymous, 0.25, 0.86)) & ~anonymous
    online = channel < co.STORE

    first_day, last_day = co.PAYMENT_ERROR_DAYS
    in_error = is_mobile & (day >= first_day) & (day <= last_day)
    broken = attempt & online & in_error & (rng.random(m) < 0.55)
    gives_up = broken & (rng.random(m) < 0.80)
    declined = attempt & online & ~broken & (rng.random(m) < 0.07)
    gives_up |= declined & (rng.random(m) < 0.35)
    order = attempt & ~gives_up

    dead_from, dead_to = co.DEAD_LANDING_DAYS
    dead = online & (channel == co.PAID_SEARCH) & (campaign == 2) & (day >= dead_from) & (day <= dead_to)
    leaves = dead & (rng.random(m) < 0.85)
    cart, checkout, attempt, order = (flag & ~leaves for flag in (cart, checkout, attempt, order))
    broken, declined = broken & ~leaves, declined & ~leaves

    stage = np.where(order, 3, np.where(checkout, 2, np.where(cart, 1, 0)))
    cause = np.where(
        order,
        "",
        np.where(
            leaves,
            "dead_landing_page",
            np.where(broken, "payment_error_mobile", np.where(declined, "payment_declined", "own_choice")),
        ),
    )
    return pl.DataFrame(
        {
            "person": person.astype(np.int32),
            "no": no.astype(np.int16),
            "day": day,
            "channel": channel.astype(np.int8),
            "slot": slot.astype(np.int8),
            "is_mobile": is_mobile,
            "product": product.astype(np.int16),
            "campaign": campaign.astype(np.int8),
            "online": online,
            "is_cart": cart & online,
            "is_checkout": checkout & online,
            "is_broken": broken,
            "is_declined": declined,
            "is_dead": dead,
            "is_left": leaves,
            "is_order": order,
            "stage": stage.astype(np.int8),
            "cause": cause,
            "is_anonymous": anonymous,
        }
    )


def make_sessions(
    episode: pl.DataFrame, people: People, campaign_at: Ints, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Visits of the web episodes: (session frame, episode frame with `start_at`, `buy_at`)."""
    rng = stream(seed, "session")
    online = episode["online"].to_numpy()
    left = episode["is_left"].to_numpy()
    m = len(episode)
    counts = np.where(online, 1 + rng.poisson(1.1, m), 0)
    counts = np.where(episode["is_anonymous"].to_numpy(), np.minimum(counts, 2), counts)
    counts = np.where(left, 1, counts)
    ep, no = ragged(counts)
    gap = np.where(no == 0, 0, 1 + rng.exponential(2.2, len(ep)).astype(np.int64))
    day = running(ep, gap, counts) + episode["day"].to_numpy()[ep]
    day = np.minimum(day, DAYS - 2)
    at = moment(rng, day)
    channel = episode["channel"].to_numpy()[ep].astype(np.int64)
    later = np.searchsorted(np.cumsum([0.5, 0.3, 0.2]), rng.random(len(ep)))
    channel = np.where(
        no == 0,
        channel,
        np.choose(np.minimum(later, 2), [np.full(len(ep), co.DIRECT), np.full(len(ep), co.ORGANIC), channel]),
    )
    channel = np.where((channel == co.EMAIL) & (no > 0), co.DIRECT, channel)
    last = no == counts[ep] - 1
    session = pl.DataFrame({"episode": ep, "no": no, "at": at, "channel": channel, "is_last": last}).with_columns(
        at=pl.col("at").sort().over("episode"),
    )
    starts = session.filter(pl.col("no") == 0).select("episode", "at")
    start_at = np.where(online, 0, moment(rng, episode["day"].to_numpy()))
    start_at[starts["episode"].to_numpy()] = starts["at"].to_numpy()
    return session, episode.with_columns(start_at=pl.Series(start_at))


def make_hits(
    session: pl.DataFrame, episode: pl.DataFrame, people: People, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Web requests of people, and the episodes with `buy_at` (the confirmation, or the last step reached)."""
    rng = stream(seed, "hit")
    s_ep = session["episode"].to_numpy()
    person = episode["person"].to_numpy()[s_ep]
    channel = session["channel"].to_numpy()
    first_of_episode = session["no"].to_numpy() == 0
    dead = episode["is_dead"].to_numpy()[s_ep] & first_of_episode
    left = episode["is_left"].to_numpy()[s_ep]
    anonymous = episode["is_anonymous"].to_numpy()[s_ep]
    m = len(session)
    pages = np.where(left, 1, 1 + rng.poisson(np.where(anonymous, 2.0, 4.0), m))
    g, i = ragged(pages)
    gap = np.where(i == 0, 0, 4 + rng.exponential(48.0, len(g)).astype(np.int64))
    at = running(g, gap, pages) + session["at"].to_numpy()[g]

    paid = (channel == co.PAID_SEARCH) | (channel == co.PAID_SOCIAL)
    entry_table = np.array([HOME, PRODUCT, CATEGORY, ARTICLE])
    entry = entry_table[np.searchsorted(np.cumsum([0.4, 0.25, 0.2, 0.15]), rng.random(m))]
    entry = np.where(paid, LANDING, entry)
    entry = np.where(channel == co.EMAIL, MAIL_LANDING, entry)
    entry = np.where(dead, DEAD_LANDING, entry)
    body_table = np.array([PRODUCT, CATEGORY, ARTICLE, SEARCH, DOWNLOAD, HOME, CONTACT])
    body = body_table[np.searchsorted(np.cumsum([0.5, 0.2, 0.1, 0.08, 0.03, 0.07, 0.02]), rng.random(len(g)))]
    kind = np.where(i == 0, entry[g], body)
    product = episode["product"].to_numpy()[s_ep][g].astype(np.int64)
    ref = np.where((kind == PRODUCT) & (rng.random(len(g)) < 0.45), product, rng.integers(0, 16, len(g)))
    browse_end = np.zeros(m, dtype=np.int64)
    np.maximum.at(browse_end, g, at)

    # The steps of the cart happen in the last visit of an episode, after the browsing.
    last = session["is_last"].to_numpy()
    flag = {
        name: episode[name].to_numpy()[s_ep] & last
        for name in ("is_cart", "is_checkout", "is_broken", "is_declined", "is_order")
    }
    has_login = np.concatenate([people.has_login, np.zeros(people.count - people.customer_count, bool)])
    # Who has an account is often still logged in from the visit before; the others log in at the checkout.
    returning = (session["no"].to_numpy() > 0) | (episode["no"].to_numpy()[s_ep] > 0)
    remembered = has_login[person] & returning & ~left & (rng.random(m) < 0.65)
    login = flag["is_checkout"] & has_login[person] & ~remembered
    tries = flag["is_broken"] | flag["is_declined"] | flag["is_order"]
    steps = [
        (CART, flag["is_cart"]),
        (LOGIN, login),
        (CHECKOUT, flag["is_checkout"]),
        (PAY_ERROR, flag["is_broken"]),
        (PAY_ERROR, flag["is_broken"] & (rng.random(m) < 0.4)),
        (PAY_FAILED, flag["is_declined"]),
        (PAY, tries & flag["is_order"]),
        (CONFIRMED, flag["is_order"]),
    ]
    order_no = np.cumsum(flag["is_order"])
    clock = browse_end.copy()
    f_g, f_at, f_kind, f_ref = [], [], [], []
    buy_at = np.zeros(len(episode), dtype=np.int64)
    for step, mask in steps:
        which = np.flatnonzero(mask)
        wait = 2 + rng.exponential(3.0 if step in (CONFIRMED, PAY_ERROR) else 55.0, len(which)).astype(np.int64)
        clock[which] += wait
        f_g.append(which)
        f_at.append(clock[which].copy())
        f_kind.append(np.full(len(which), step))
        f_ref.append(
            order_no[which] if step == CONFIRMED else episode["product"].to_numpy()[s_ep][which].astype(np.int64)
        )
        buy_at[s_ep[which]] = clock[which]
    # Customers who log in without buying: owners look at their account.
    owner = np.flatnonzero(
        has_login[person] & last & ~flag["is_checkout"] & ~left & ~remembered & (rng.random(m) < 0.1)
    )
    f_g += [owner, owner]
    f_at += [clock[owner] + 20, clock[owner] + 26]
    f_kind += [np.full(len(owner), LOGIN), np.full(len(owner), ACCOUNT)]
    f_ref += [np.zeros(len(owner), np.int64)] * 2

    all_g = np.concatenate([g, *f_g])
    all_kind = np.concatenate([kind, *f_kind])
    all_at = np.concatenate([at, *f_at])
    all_ref = np.concatenate([ref, *f_ref])
    channel_at_entry = np.where(np.concatenate([i, np.ones(len(all_g) - len(g), np.int64)]) == 0, channel[all_g], -1)
    frame = pl.DataFrame(
        {
            "session": all_g.astype(np.int32),
            "person": person[all_g],
            "slot": episode["slot"].to_numpy()[s_ep][all_g],
            "at": all_at,
            "kind": all_kind.astype(np.int8),
            "ref": all_ref.astype(np.int32),
            "entry_channel": channel_at_entry.astype(np.int8),
            "campaign": episode["campaign"].to_numpy()[s_ep][all_g],
            # After logging in, every request of the visit carries the login; the login request itself does not yet.
            "is_logged_in": remembered[all_g]
            | (login[all_g] & np.isin(all_kind, [CHECKOUT, PAY, PAY_ERROR, PAY_FAILED, CONFIRMED]))
            | (all_kind == ACCOUNT),
        }
    )
    return frame, episode.with_columns(buy_at=pl.Series(np.where(buy_at > 0, buy_at, episode["start_at"].to_numpy())))

"""What people do: 26 weeks of visits, carts, orders, questions and answers, as tables of numbers.

One row per happening, times in UTC seconds, people as row numbers of `People`; no text of any system. How a system
writes a happening down belongs to the writers, which night it appears in to `nights`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.company import DAY, DAYS, END, START
from pipelines.demo.people import People
from pipelines.demo.random import Ints, day_of, logistic, moment, office_moment, ragged, running, stream

# Kinds of a web request; PATH_TYPE says which touchpoint a request of the kind is (None: not a touchpoint).
(HOME, CATEGORY, PRODUCT, ARTICLE, SEARCH, LANDING, DOWNLOAD, CART, CHECKOUT, PAY, PAY_ERROR, PAY_FAILED, CONFIRMED, LOGIN,
 ACCOUNT, DEAD_LANDING, CONTACT, API, COMMENT, ASSET, MAIL_LANDING) = range(21)
WEB_TYPE: tuple[str | None, ...] = (
    "page_view", "page_view", "page_view", "page_view", "site_search", "landing_page_view", "content_download",
    "cart_updated", "checkout_started", None, "error_page", "payment_failed", "page_view", "login",
    "page_view", "error_page", "page_view", None, None, None, "landing_page_view",
)
STAGES = ("visit", "cart_updated", "checkout_started", "order_placed")


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


def _episodes(people: People, seed: int) -> pl.DataFrame:
    """One row per buying episode: `person`, `no`, `day`, `channel`, `slot`, `is_mobile`, `product`, stages, cause of drop."""
    rng = stream(seed, "episode")
    n, total = people.customer_count, people.count
    counts = np.ones(total, dtype=np.int64)
    counts[:n] += np.minimum(rng.poisson(0.9, n), 3)
    person, no = ragged(counts)
    m = len(person)
    step = np.where(no == 0, rng.integers(0, 150, m), 22 + rng.exponential(28.0, m).astype(np.int64))
    day = running(person, step, counts)
    keep = (day < DAYS - 9) & ((person >= n) | people.has_web[person] | (no < 2))
    person, no, day = person[keep], no[keep], day[keep]
    m = len(person)

    first_table = np.cumsum([0.22, 0.13, 0.24, 0.07, 0.05, 0.07, 0.12, 0.07, 0.03])
    later_table = np.cumsum([0.08, 0.04, 0.15, 0.03, 0.24, 0.04, 0.28, 0.10, 0.04])
    draw = rng.random(m)
    channel = np.where(no == 0, np.searchsorted(first_table, draw * first_table[-1]),
                       np.searchsorted(later_table, draw * later_table[-1]))
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
    campaign = np.where(channel == co.PAID_SOCIAL, 3, np.where(np.isin(product, co.CARGO), 1, 2 * (rng.random(m) < 0.4)))

    # Stages. Offline episodes buy at the till or by telephone and never see the cart.
    taste = np.concatenate([rng.normal(0.0, 0.6, n), np.full(total - n, -2.6)])[person]
    p_cart = logistic(-0.1 + np.array(co.CHANNEL_EFFECT)[channel] + taste + 0.25 * (no > 0))
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
    cause = np.where(order, "", np.where(leaves, "dead_landing_page", np.where(
        broken, "payment_error_mobile", np.where(declined, "payment_declined", "own_choice"))))
    return pl.DataFrame({
        "person": person.astype(np.int32), "no": no.astype(np.int16), "day": day, "channel": channel.astype(np.int8),
        "slot": slot.astype(np.int8), "is_mobile": is_mobile, "product": product.astype(np.int16),
        "campaign": campaign.astype(np.int8), "online": online, "is_cart": cart & online, "is_checkout": checkout & online,
        "is_broken": broken, "is_declined": declined, "is_dead": dead, "is_left": leaves, "is_order": order,
        "stage": stage.astype(np.int8), "cause": cause, "is_anonymous": anonymous,
    })


def _sessions(episode: pl.DataFrame, people: People, campaign_at: Ints, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
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
    channel = np.where(no == 0, channel, np.choose(np.minimum(later, 2), [
        np.full(len(ep), co.DIRECT), np.full(len(ep), co.ORGANIC), channel]))
    channel = np.where((channel == co.EMAIL) & (no > 0), co.DIRECT, channel)
    last = no == counts[ep] - 1
    session = pl.DataFrame({"episode": ep, "no": no, "at": at, "channel": channel, "is_last": last}).with_columns(
        at=pl.col("at").sort().over("episode"),
    )
    starts = session.filter(pl.col("no") == 0).select("episode", "at")
    start_at = np.where(online, 0, moment(rng, episode["day"].to_numpy()))
    start_at[starts["episode"].to_numpy()] = starts["at"].to_numpy()
    return session, episode.with_columns(start_at=pl.Series(start_at))


def _hits(session: pl.DataFrame, episode: pl.DataFrame, people: People, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
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
    pages = np.where(left, 1, 1 + rng.poisson(np.where(anonymous, 1.8, 3.4), m))
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
    flag = {name: episode[name].to_numpy()[s_ep] & last for name in
            ("is_cart", "is_checkout", "is_broken", "is_declined", "is_order")}
    login = flag["is_checkout"] & np.concatenate([people.has_login, np.zeros(people.count - people.customer_count, bool)])[person]
    tries = flag["is_broken"] | flag["is_declined"] | flag["is_order"]
    steps = [
        (CART, flag["is_cart"]), (LOGIN, login), (CHECKOUT, flag["is_checkout"]), (PAY_ERROR, flag["is_broken"]),
        (PAY_ERROR, flag["is_broken"] & (rng.random(m) < 0.4)), (PAY_FAILED, flag["is_declined"]),
        (PAY, tries & flag["is_order"]), (CONFIRMED, flag["is_order"]),
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
        f_ref.append(order_no[which] if step == CONFIRMED else episode["product"].to_numpy()[s_ep][which].astype(np.int64))
        buy_at[s_ep[which]] = clock[which]
    # Customers who log in without buying: owners look at their account.
    owner = np.flatnonzero(~anonymous & last & ~flag["is_checkout"] & ~left & (rng.random(m) < 0.06))
    has_login = np.concatenate([people.has_login, np.zeros(people.count - people.customer_count, bool)])
    owner = owner[has_login[person[owner]]]
    f_g += [owner, owner]
    f_at += [clock[owner] + 20, clock[owner] + 26]
    f_kind += [np.full(len(owner), LOGIN), np.full(len(owner), ACCOUNT)]
    f_ref += [np.zeros(len(owner), np.int64)] * 2

    all_g = np.concatenate([g, *f_g])
    all_kind = np.concatenate([kind, *f_kind])
    all_at = np.concatenate([at, *f_at])
    all_ref = np.concatenate([ref, *f_ref])
    channel_at_entry = np.where(np.concatenate([i, np.ones(len(all_g) - len(g), np.int64)]) == 0, channel[all_g], -1)
    frame = pl.DataFrame({
        "session": all_g.astype(np.int32),
        "person": person[all_g],
        "slot": episode["slot"].to_numpy()[s_ep][all_g],
        "at": all_at,
        "kind": all_kind.astype(np.int8),
        "ref": all_ref.astype(np.int32),
        "entry_channel": channel_at_entry.astype(np.int8),
        "campaign": episode["campaign"].to_numpy()[s_ep][all_g],
        "is_logged_in": (has_login[person] & (login | np.isin(np.arange(m), owner)))[all_g] & (all_kind >= CHECKOUT)
        & (all_kind != LOGIN) & (all_kind != DEAD_LANDING) & (all_kind != CONTACT) & (all_kind != MAIL_LANDING),
    })
    return frame, episode.with_columns(buy_at=pl.Series(np.where(buy_at > 0, buy_at, episode["start_at"].to_numpy())))


def _mail(people: People, episode: pl.DataFrame, campaign_at: Ints, known_at: Ints, seed: int) -> tuple[pl.DataFrame, ...]:
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
    ok = (sent_campaign >= first_campaign[sent_person]) & ~(gone[sent_person] & (sent_campaign > gone_at_campaign[sent_person]))
    ok &= ~(bounced[sent_person] & (sent_campaign > first_campaign[sent_person]))
    sp, sc = sent_person[ok], sent_campaign[ok]
    # The export knows one sending time per campaign; the mail itself arrives some minutes later.
    sent_at = campaign_at[sc]
    bounce = bounced[sp]
    opened = (rng.random(len(sp)) < 0.38) & ~bounce
    open_at = sent_at + rng.integers(35, 900, len(sp)) + rng.exponential(9000, len(sp)).astype(np.int64)
    clicked = opened & (rng.random(len(sp)) < 0.12)
    click_at = open_at + rng.integers(4, 90, len(sp))
    leaves = gone[sp] & (sc == gone_at_campaign[sp]) & ~bounce
    sent = pl.DataFrame({"person": person[sp].astype(np.int32), "campaign": sc.astype(np.int8), "at": sent_at})

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
    activity = pl.DataFrame({
        "person": np.concatenate([p for p, _, _, _ in parts]).astype(np.int32),
        "campaign": np.concatenate([x for _, x, _, _ in parts]).astype(np.int8),
        "at": np.concatenate([a for _, _, a, _ in parts]),
        "action": np.concatenate([np.full(len(p), a) for p, _, _, a in parts]).astype(np.int8),
    }).filter(pl.col("at") < END)
    unsubscribe_at = np.full(k, -1)
    unsubscribe_at[sp[leaves]] = np.minimum(open_at[leaves] + 60, END - 5)
    unsubscribe_campaign = np.where(unsubscribe_at > 0, gone_at_campaign, -1)
    member = pl.DataFrame({
        "person": person.astype(np.int32), "signup_at": signup, "unsubscribe_at": unsubscribe_at,
        "unsubscribe_campaign": unsubscribe_campaign, "is_bounced": bounced,
    }).filter(pl.col("signup_at") < END)
    visit = activity.filter(
        (pl.col("action") == 1) & pl.Series(np.concatenate([np.full(len(p), i < 4) for i, (p, _, _, _) in enumerate(parts)]))
        .filter(pl.Series(np.concatenate([a for _, _, a, _ in parts])) < END)
    )
    clicks = pl.DataFrame({
        "session": np.full(len(visit), -1, dtype=np.int32), "person": visit["person"],
        "slot": np.zeros(len(visit), dtype=np.int8), "at": visit["at"] + 2,
        "kind": np.full(len(visit), MAIL_LANDING, dtype=np.int8), "ref": visit["campaign"].cast(pl.Int32),
        "entry_channel": np.full(len(visit), co.EMAIL, dtype=np.int8),
        "campaign": np.zeros(len(visit), dtype=np.int8), "is_logged_in": np.zeros(len(visit), dtype=bool),
    }).filter(pl.Series(people.has_web[visit["person"].to_numpy()]) & (pl.col("at") < END))
    return member, sent, activity, clicks


def _orders(people: People, episode: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Orders in the ERP (web and telephone) and purchases at the till."""
    rng = stream(seed, "order")
    bought = episode.with_row_index("episode").filter(pl.col("is_order"))
    store = bought.filter(pl.col("channel") == co.STORE)
    bought = bought.filter(pl.col("channel") != co.STORE).sort("buy_at", "episode")
    m = len(bought)
    at = bought["buy_at"].to_numpy() + 1
    phone = bought["channel"].to_numpy() == co.PHONE
    at = np.where(phone, office_moment(rng, bought["day"].to_numpy()), at)
    order = np.argsort(at, kind="stable")
    bought, at, phone = bought[order], at[order], phone[order]
    product = bought["product"].to_numpy()
    price = np.array([p.price for p in co.PRODUCTS])[product]
    second = rng.random(m) < 0.15
    second_price = np.array([p.price for p in co.PRODUCTS])[11]
    day = day_of(at)
    delayed = np.isin(product, co.CARGO) & (day >= co.SUPPLIER_DELAY_DAYS[0]) & (day <= co.SUPPLIER_DELAY_DAYS[1])
    ship_days = np.where(delayed, 12 + rng.integers(0, 14, m), 1 + rng.integers(0, 3, m))
    cancelled = np.where(delayed, rng.random(m) < 0.40, rng.random(m) < 0.015)
    ship = office_moment(rng, day + ship_days)
    transit = 1 + rng.integers(0, 2, m)
    slow = rng.random(m) < 0.07
    failed_first = (rng.random(m) < 0.03) & ~cancelled
    deliver = office_moment(rng, day + ship_days + transit + np.where(slow, 4 + rng.integers(0, 4, m), 0) + 2 * failed_first)
    late = ~cancelled & (delayed | slow)
    invoice = ship + 3600
    on_account = phone | (rng.random(m) < 0.2)
    slow_payer = on_account & (rng.random(m) < 0.15)
    paid_day = np.where(on_account, day_of(invoice) + np.where(slow_payer, 24 + rng.integers(0, 25, m), 4 + rng.integers(0, 9, m)),
                        day_of(invoice) + 1)
    returned = ~cancelled & (rng.random(m) < 0.05)
    return_at = office_moment(rng, day_of(deliver) + 4 + rng.integers(0, 10, m))
    credit_at = office_moment(rng, day_of(return_at) + 2 + rng.integers(0, 4, m))
    cancel_at = office_moment(rng, day + np.where(delayed, 6 + rng.integers(0, 5, m), 1))
    never = np.full(m, np.iinfo(np.int64).max)
    frame = pl.DataFrame({
        "number": np.arange(m), "episode": bought["episode"].to_numpy(), "person": bought["person"].to_numpy(), "at": at,
        "is_phone": phone, "product": product, "has_second": second,
        "amount": np.round(price + second * second_price, 2), "price": price, "second_price": np.full(m, second_price),
        "is_delayed": delayed, "is_late": late, "is_failed_first": failed_first & ~cancelled,
        "is_declined": bought["is_declined"].to_numpy() | bought["is_broken"].to_numpy(),
        "ship_at": np.where(cancelled, never, ship), "deliver_at": np.where(cancelled, never, deliver),
        "invoice_at": np.where(cancelled, never, invoice),
        "paid_at": np.where(cancelled, never, START + paid_day * DAY + 43_200),
        "return_at": np.where(returned, return_at, never), "credit_at": np.where(returned, credit_at, never),
        "cancel_at": np.where(cancelled, cancel_at, never),
    }).with_columns(pl.col("person").cast(pl.Int32))
    s_at = office_moment(rng, store["day"].to_numpy() + rng.integers(0, 3, len(store)))
    till = pl.DataFrame({
        "person": store["person"], "episode": store["episode"], "at": s_at, "product": store["product"],
        "quantity": 1 + (rng.random(len(store)) < 0.15),
        "is_named": rng.random(len(store)) < 0.85,
    }).filter(pl.col("at") < END).sort("at", "person")
    return frame, till


def _service(people: People, order: pl.DataFrame, known_at: Ints, seed: int) -> dict[str, pl.DataFrame]:
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
    p_ticket = np.where(cancelled, 0.8, 0.16 + 0.35 * late + 0.5 * failed)
    has = (rng.random(m) < p_ticket) & mail_ok[person]
    t_order = np.flatnonzero(has)
    waiting = late[t_order] & ~cancelled[t_order]
    t_day = day_of(deliver[t_order]) - np.where(waiting, 2, 0) + np.where(waiting | cancelled[t_order], 0, rng.integers(0, 15, len(t_order)))
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
    reopened = rng.random(k) < 0.14
    again_minutes = np.where(reopened, 600 + rng.exponential(2500, k).astype(np.int64), 0)
    final_minutes = solve_minutes + again_minutes + np.where(reopened, 300 + rng.exponential(1500, k).astype(np.int64), 0)
    rated = rng.random(k)
    good = rng.random(k) < np.where(reopened, 0.35, 0.86)
    ticket = pl.DataFrame({
        "person": t_person.astype(np.int32), "order": t_ref, "topic": t_topic.astype(np.int8), "at": opened,
        "via": rng.integers(0, 4, k).astype(np.int8), "priority": rng.integers(0, 3, k).astype(np.int8),
        "agent": rng.integers(0, co.AGENT_COUNT, k).astype(np.int16), "reply_at": opened + 60 * reply_minutes,
        "solved_at": opened + 60 * solve_minutes, "is_reopened": reopened,
        "reopen_at": opened + 60 * (solve_minutes + again_minutes), "final_at": opened + 60 * final_minutes,
        "is_offered": rated < 0.6, "is_rated": rated < 0.24, "is_good": good,
        "rated_at": opened + 60 * final_minutes + rng.integers(3600, 90_000, k),
    }).filter(pl.col("at") < END).sort("at", "person").with_row_index("number", offset=1)

    # Calls to the service line, of people with a telephone (everybody) after an order, more when it is late.
    p_call = np.where(cancelled, 0.3, 0.14 + 0.3 * late + 0.3 * ~people.has_email[person])
    c_order = np.flatnonzero(rng.random(m) < p_call)
    caller = np.concatenate([person[c_order], np.flatnonzero(rng.random(n) < 0.07)])
    c_day = np.concatenate([day_of(deliver[c_order]) + rng.integers(-1, 6, len(c_order)),
                            day_of(known_at[caller[len(c_order):]]) + rng.integers(0, 4, len(caller) - len(c_order))])
    c_at = office_moment(rng, np.maximum(c_day, 0))
    wait = rng.exponential(130, len(caller)).astype(np.int64)
    answered = rng.random(len(caller)) < np.where(wait > 300, 0.7, 0.96)
    call = pl.DataFrame({
        "person": caller.astype(np.int32), "at": c_at, "wait": wait, "is_answered": answered,
        "talk": np.where(answered, 60 + rng.exponential(260, len(caller)), 0).astype(np.int64),
        "order": np.concatenate([order["number"].to_numpy()[c_order], np.full(len(caller) - len(c_order), -1)]),
        "landline": (people.household[caller] >= 0) & (rng.random(len(caller)) < 0.4),
    }).filter(pl.col("at") < END).sort("at", "person")

    # Sales: calls to prospects, test rides; field service after delivery.
    crm = np.flatnonzero(people.in_crm)
    prospect = crm[rng.random(len(crm)) < 0.30]
    x_at = office_moment(rng, day_of(known_at[prospect]) + 1 + rng.integers(0, 5, len(prospect)))
    task = pl.DataFrame({
        "person": prospect.astype(np.int32), "at": x_at, "is_inbound": rng.random(len(prospect)) < 0.25,
        "talk": (rng.exponential(240, len(prospect)) + 20).astype(np.int64), "is_reached": rng.random(len(prospect)) < 0.7,
        "agent": rng.integers(0, co.AGENT_COUNT, len(prospect)).astype(np.int16),
    }).filter(pl.col("at") < END).sort("at", "person")
    rider = crm[rng.random(len(crm)) < 0.12]
    served = np.flatnonzero((rng.random(m) < 0.14) & ~cancelled & people.in_crm[person])
    v_at = office_moment(rng, day_of(deliver[served]) + 1 + rng.integers(0, 5, len(served)))
    meeting = pl.DataFrame({
        "person": np.concatenate([rider, person[served]]).astype(np.int32),
        "at": np.concatenate([office_moment(rng, day_of(known_at[rider]) + 2 + rng.integers(0, 9, len(rider))), v_at]),
        "kind": np.concatenate([rng.integers(0, 2, len(rider)), np.full(len(served), 2)]).astype(np.int8),
        "order": np.concatenate([np.full(len(rider), -1), order["number"].to_numpy()[served]]),
        "agent": rng.integers(0, co.AGENT_COUNT, len(rider) + len(served)).astype(np.int16),
        "minutes": np.concatenate([np.full(len(rider), 45), np.full(len(served), 60)]),
    }).filter(pl.col("at") < END - DAY).sort("at", "person")
    upset = np.flatnonzero((rng.random(m) < 0.02 + 0.16 * (late | failed)) & ~cancelled & people.in_crm[person])
    y_at = office_moment(rng, day_of(deliver[upset]) + 1 + rng.integers(0, 4, len(upset)))
    case = pl.DataFrame({
        "person": person[upset].astype(np.int32), "at": y_at, "order": order["number"].to_numpy()[upset],
        "origin": rng.integers(0, 3, len(upset)).astype(np.int8),
        "closed_at": y_at + rng.integers(4 * 3600, 6 * DAY, len(upset)), "is_late": late[upset],
    }).filter(pl.col("at") < END).sort("at", "person")
    return {"ticket": ticket, "call": call, "task": task, "meeting": meeting, "case": case}


def _forms(people: People, known_at: Ints, campaign_at: Ints, seed: int) -> dict[str, pl.DataFrame]:
    """Contact forms, comments under articles, and leads of the sales team."""
    rng = stream(seed, "form")
    n = people.customer_count
    writer = np.flatnonzero((rng.random(n) < np.where(people.mailbox >= 0, 0.8, 0.18)) & people.has_email & people.has_web[:n])
    form = pl.DataFrame({
        "person": writer.astype(np.int32), "at": known_at[writer], "topic": rng.integers(0, 4, len(writer)).astype(np.int8),
        "has_phone": rng.random(len(writer)) < 0.75,
    }).sort("at", "person")
    talker = np.flatnonzero((rng.random(n) < 0.05) & people.has_email & people.has_web[:n] & (people.mailbox < 0))
    comment = pl.DataFrame({
        "person": talker.astype(np.int32), "at": moment(rng, day_of(known_at[talker]) + rng.integers(0, 10, len(talker))),
        "article": rng.integers(0, len(co.BLOG), len(talker)).astype(np.int8),
        "text": rng.integers(0, 5, len(talker)).astype(np.int8),
    }).filter(pl.col("at") < END).sort("at", "person")
    prospect = np.flatnonzero(rng.random(n) < 0.22)
    lead = pl.DataFrame({
        "person": prospect.astype(np.int32), "at": known_at[prospect] + 300 + rng.integers(0, 7200, len(prospect)),
    }).filter(pl.col("at") < END).sort("at", "person")
    return {"form": form, "comment": comment, "lead": lead}


def _surveys(people: People, order: pl.DataFrame, service: dict[str, pl.DataFrame], seed: int) -> pl.DataFrame:
    """Answers: NPS after a delivery, CES after a solved ticket, CSAT after a service visit.

    The recommendation score is the sum of a person's own level and the planted effects (`company.SATISFACTION_EFFECT`).
    """
    rng = stream(seed, "survey")
    n = people.customer_count
    level = rng.normal(0.0, 1.1, n)
    mail_ok = people.has_email & ((people.mailbox < 0) | people.mailbox_owner)
    done = order.filter(pl.col("deliver_at") < END - 12 * DAY)
    m = len(done)
    number = done["number"].to_numpy()
    person = done["person"].to_numpy().astype(np.int64)
    size = int(order["number"].max() or 0) + 1 if len(order) else 1  # type: ignore[arg-type]
    at = moment(rng, day_of(done["deliver_at"].to_numpy()) + 5 + rng.integers(0, 6, m))
    deadline = np.full(size, -1)
    deadline[number] = at

    def touched(frame: pl.DataFrame, time: str) -> np.ndarray:
        hit = np.zeros(size, dtype=bool)
        rows = frame.filter(pl.col("order") >= 0)
        ref = rows["order"].to_numpy()
        hit[ref[rows[time].to_numpy() < deadline[ref]]] = True
        return hit[number]

    ticket, call = service["ticket"], service["call"]
    felt = {
        "ticket_reopened": touched(ticket.filter(pl.col("is_reopened")), "reopen_at"),
        "delivered_late": done["is_late"].to_numpy(),
        "payment_failed": done["is_declined"].to_numpy(),
        "long_call_wait": touched(call.filter(pl.col("wait") > 300), "at"),
        "service_visit": touched(service["meeting"].filter(pl.col("kind") == 2), "at"),
        "fast_resolution": touched(
            ticket.filter((pl.col("solved_at") - pl.col("at") < DAY // 4) & ~pl.col("is_reopened")), "solved_at"),
    }
    score = co.SATISFACTION_BASE + level[person] + rng.normal(0.0, 0.8, m)
    for name, mask in felt.items():
        score = score + co.SATISFACTION_EFFECT[name] * mask
    score = np.clip(np.rint(score), 0, 10).astype(np.int64)
    answers = (rng.random(m) < 0.42) & mail_ok[person]
    nps = pl.DataFrame({
        "person": person.astype(np.int32), "at": at, "kind": np.zeros(m, dtype=np.int8), "score": score,
        "order": number, **felt,
    }).filter(pl.Series(answers))

    solved = ticket.filter(pl.col("final_at") < END - 3 * DAY)
    t_person = solved["person"].to_numpy().astype(np.int64)
    slow = (solved["final_at"].to_numpy() - solved["at"].to_numpy()) / DAY
    ces = np.clip(np.rint(5.9 + 0.4 * level[t_person] - 0.45 * slow - 1.0 * solved["is_reopened"].to_numpy()
                          + rng.normal(0, 0.8, len(solved))), 1, 7).astype(np.int64)
    ces_frame = pl.DataFrame({
        "person": solved["person"], "at": moment(rng, day_of(solved["final_at"].to_numpy()) + 1),
        "kind": np.ones(len(solved), dtype=np.int8), "score": ces, "order": solved["order"],
    }).filter(pl.Series(rng.random(len(solved)) < 0.35))
    visit = service["meeting"].filter((pl.col("kind") == 2) & (pl.col("at") < END - 3 * DAY))
    csat = np.clip(np.rint(4.3 + 0.3 * level[visit["person"].to_numpy()] + rng.normal(0, 0.6, len(visit))), 1, 5).astype(np.int64)
    csat_frame = pl.DataFrame({
        "person": visit["person"], "at": moment(rng, day_of(visit["at"].to_numpy()) + 1),
        "kind": np.full(len(visit), 2, dtype=np.int8), "score": csat, "order": visit["order"],
    }).filter(pl.Series((rng.random(len(visit)) < 0.5) & mail_ok[visit["person"].to_numpy()]))
    frames = [nps, ces_frame, csat_frame]
    return (
        pl.concat([f.with_columns(pl.col("score").cast(pl.Int64), pl.col("order").cast(pl.Int64)) for f in frames],
                  how="diagonal")
        .filter(pl.col("at") < END).sort("at", "person", "kind").with_row_index("number")
        .with_columns(pl.col(list(felt)).fill_null(False), seconds=40 + pl.col("number").cast(pl.Int64) * 37 % 200)
    )


def simulate(people: People, seed: int) -> Behaviour:
    """Live 26 weeks. Memory: about 120 bytes per web request at the peak."""
    campaign_at = np.arange(START + 5 * DAY + 10 * 3600, END - DAY, 14 * DAY, dtype=np.int64)
    episode = _episodes(people, seed)
    # No newsletter before the first campaign: such an episode starts directly.
    too_early = (pl.col("channel") == co.EMAIL) & (pl.col("day") < 6)
    no_mail = np.concatenate([~people.has_email | ((people.mailbox >= 0) & ~people.mailbox_owner),
                              np.ones(people.count - people.customer_count, dtype=bool)])
    cannot = pl.Series(no_mail[episode["person"].to_numpy()])
    episode = episode.with_columns(
        channel=pl.when(too_early | ((pl.col("channel") == co.EMAIL) & cannot)).then(pl.lit(co.DIRECT, dtype=pl.Int8))
        .otherwise("channel"))
    session, episode = _sessions(episode, people, campaign_at, seed)
    hit, episode = _hits(session, episode, people, seed)
    session_count = len(session)
    del session
    n = people.customer_count
    known_at = np.full(n, END, dtype=np.int64)
    mine = episode.filter(~pl.col("is_anonymous") & (pl.col("no") == 0))
    known_at[mine["person"].to_numpy()] = mine["start_at"].to_numpy() + 700
    order, till = _orders(people, episode, seed)
    order = order.filter(pl.col("at") < END)
    member, mail_sent, mail_activity, clicks = _mail(people, episode, campaign_at, known_at, seed)
    forms = _forms(people, known_at, campaign_at, seed)
    service = _service(people, order, known_at, seed)
    survey = _surveys(people, order, service, seed)

    # Requests that a form, a comment or a first newsletter click leaves in the web log.
    extra = [hit, clicks.with_columns(session=pl.int_range(pl.len(), dtype=pl.Int32) + session_count)]
    for frame, kind in ((forms["form"], API), (forms["comment"], COMMENT)):
        extra.append(pl.DataFrame({
            "session": np.full(len(frame), -1, dtype=np.int32), "person": frame["person"],
            "slot": np.zeros(len(frame), dtype=np.int8), "at": frame["at"],
            "kind": np.full(len(frame), kind, dtype=np.int8), "ref": np.zeros(len(frame), dtype=np.int32),
            "entry_channel": np.full(len(frame), -1, dtype=np.int8), "campaign": np.zeros(len(frame), dtype=np.int8),
            "is_logged_in": np.zeros(len(frame), dtype=bool),
        }))
    hit = pl.concat(extra).filter(pl.col("at") < END).sort("at", "person", "kind", maintain_order=True)
    return Behaviour(
        episode=episode, hit=hit, order=order, till=till, member=member, mail_sent=mail_sent.filter(pl.col("at") < END),
        mail_activity=mail_activity.sort("at", "person", "action"), survey=survey, campaign_at=campaign_at, **service, **forms,
    )

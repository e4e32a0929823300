"""What becomes of a decision to buy: orders with their delivery and payment, and purchases at the till.

Documents and numbers of the ERP belong to `write_sap`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import company as co
from pipelines.demo.chance import day_of, office_moment, stream
from pipelines.demo.company import DAY, END, START
from pipelines.demo.people import People


def make_orders(people: People, episode: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
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
    deliver = office_moment(
        rng, day + ship_days + transit + np.where(slow, 4 + rng.integers(0, 4, m), 0) + 2 * failed_first
    )
    late = ~cancelled & (delayed | slow)
    invoice = ship + 3600
    on_account = phone | (rng.random(m) < 0.2)
    slow_payer = on_account & (rng.random(m) < 0.15)
    paid_day = np.where(
        on_account,
        day_of(invoice) + np.where(slow_payer, 24 + rng.integers(0, 25, m), 4 + rng.integers(0, 9, m)),
        day_of(invoice) + 1,
    )
    returned = ~cancelled & (rng.random(m) < 0.05)
    return_at = office_moment(rng, day_of(deliver) + 4 + rng.integers(0, 10, m))
    credit_at = office_moment(rng, day_of(return_at) + 2 + rng.integers(0, 4, m))
    cancel_at = office_moment(rng, day + np.where(delayed, 6 + rng.integers(0, 5, m), 1))
    never = np.full(m, np.iinfo(np.int64).max)
    frame = pl.DataFrame(
        {
            "number": np.arange(m),
            "episode": bought["episode"].to_numpy(),
            "person": bought["person"].to_numpy(),
            "at": at,
            "is_phone": phone,
            "product": product,
            "has_second": second,
            "amount": np.round(price + second * second_price, 2),
            "price": price,
            "second_price": np.full(m, second_price),
            "is_delayed": delayed,
            "is_late": late,
            "is_failed_first": failed_first & ~cancelled,
            "is_declined": bought["is_declined"].to_numpy() | bought["is_broken"].to_numpy(),
            "ship_at": np.where(cancelled, never, ship),
            "deliver_at": np.where(cancelled, never, deliver),
            "invoice_at": np.where(cancelled, never, invoice),
            "paid_at": np.where(cancelled, never, START + paid_day * DAY + 43_200),
            "return_at": np.where(returned, return_at, never),
            "credit_at": np.where(returned, credit_at, never),
            "cancel_at": np.where(cancelled, cancel_at, never),
        }
    ).with_columns(pl.col("person").cast(pl.Int32))
    s_at = office_moment(rng, store["day"].to_numpy() + rng.integers(0, 3, len(store)))
    till = (
        pl.DataFrame(
            {
                "person": store["person"],
                "episode": store["episode"],
                "at": s_at,
                "product": store["product"],
                "quantity": 1 + (rng.random(len(store)) < 0.15),
                "is_named": rng.random(len(store)) < 0.85,
            }
        )
        .filter(pl.col("at") < END)
        .sort("at", "person")
    )
    return frame, till

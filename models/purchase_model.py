"""How often a customer will buy again, for how much, and how likely within a horizon; how long a contract lasts.

BG/NBD (Fader, Hardie and Lee 2005, "Counting your customers the easy way") for when, Gamma-Gamma (Fader and Hardie 2013) for
how much, fitted by maximum likelihood with scipy; contracts by Kaplan-Meier (1958) where enough are watched and a constant
discrete hazard beyond. Pure functions on arrays and the `finish` functions of the SQL models that use them. Not here: what
counts as a purchase or a contract (SQL).

The probability to buy within the horizon is the chance that a customer is still one AND buys in that time. One minus the
chance of still being one is not published: called churn, it is read as that probability, which it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy import optimize, special

from models.statistics import MINIMUM_COUNT, wilson
from models.survival import survival_curve
from models.threads import single_threaded

Floats = npt.NDArray[np.float64]

# Fewer customers who came back than this say nothing about four parameters.
MINIMUM_REPEATERS = 50
# The time hold-out is at most this part of the history: two thirds are left to fit on.
HOLD_OUT_PART = 3
# The likelihood of more customers costs more and says the same.
LARGEST_SAMPLE = 50_000
# Parameters beyond these are a likelihood without a summit.
LOG_LIMIT = 12.0
# On the mean log-likelihood of a customer, per squared logarithm: far below what any observation weighs.
WEAK_PENALTY = 1e-5
BINS = 10


@dataclass(frozen=True)
class BgNbd:
    """Parameters of BG/NBD: buying rates are Gamma(r, alpha), the chance to leave after a purchase Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class GammaGamma:
    """Parameters of Gamma-Gamma: a customer's purchases are Gamma(p, nu), nu over customers Gamma(q, v)."""

    p: float
    q: float
    v: float


def bg_nbd_log_likelihood(model: BgNbd, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    """Log-likelihood per customer: `repeats` after the first purchase, the last at `recency`, watched until `age`."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x = repeats
    common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    common = common + special.gammaln(a + b) + special.gammaln(b + x) - special.gammaln(b) - special.gammaln(a + b + x)
    alive = -(r + x) * np.log(alpha + age)
    gone = np.log(a) - np.log(np.maximum(b + x - 1, 1e-300)) - (r + x) * np.log(alpha + recency)
    return np.asarray(common + np.where(x > 0, np.logaddexp(alive, gone), alive), dtype=np.float64)


def fit_bg_nbd(repeats: Floats, recency: Floats, age: Floats, weight: Floats | None = None) -> BgNbd | None:
    """Maximum likelihood; None with fewer than MINIMUM_REPEATERS repeat customers.

    Where the likelihood has no summit (all buy at one rate, or nobody leaves: parameters grow without end and the predictions
    stay the same), a weak penalty on their logarithms chooses among equals.
    """
    counts = np.ones(len(repeats)) if weight is None else weight
    if counts[repeats > 0].sum() < MINIMUM_REPEATERS:
        return None
    scale = 10.0 / float(age.max())

    def loss(logs: Floats, penalty: float) -> float:
        model = BgNbd(*np.exp(np.clip(logs, -LOG_LIMIT, LOG_LIMIT)))
        each = bg_nbd_log_likelihood(model, repeats, recency * scale, age * scale)
        return float(-(counts @ each) / counts.sum() + penalty * (logs @ logs))

    for penalty in (0.0, WEAK_PENALTY):
        best = optimize.minimize(
            loss,
            np.array([-0.5, 0.5, 0.0, 1.0]),
            args=(penalty,),
            method="Nelder-Mead",
            options={"maxiter": 2000, "fatol": 1e-10, "xatol": 1e-7},
        )
        best = optimize.minimize(
            loss, best.x, args=(penalty,), method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9}
        )
        if np.all(np.abs(best.x) < LOG_LIMIT):
            r, alpha, a, b = np.exp(best.x)
            return BgNbd(float(r), float(alpha / scale), float(a), float(b))
    return None


def still_customer(model: BgNbd, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    """Chance that the customer has not left yet. Who never came back cannot have left: leaving comes after a repeat."""
    ratio = (model.r + repeats) * np.log((model.alpha + age) / (model.alpha + recency))
    odds = model.a / np.maximum(model.b + repeats - 1, 1e-12) * np.exp(np.minimum(ratio, 700))
    return np.asarray(np.where(repeats > 0, 1 / (1 + odds), 1.0), dtype=np.float64)


def purchase_probability(model: BgNbd, repeats: Floats, recency: Floats, age: Floats, horizon: float) -> Floats:
    """Chance of at least one purchase in the `horizon` after `age`.

    Still a customer, the rate is Gamma(r + x, alpha + T), and nobody leaves before the next purchase.
    """
    silent = np.exp((model.r + repeats) * np.log((model.alpha + age) / (model.alpha + age + horizon)))
    return np.asarray(still_customer(model, repeats, recency, age) * (1 - silent), dtype=np.float64)


def expected_purchases(model: BgNbd, repeats: Floats, recency: Floats, age: Floats, horizon: float) -> Floats:
    """Expected number of purchases in the `horizon` after `age` (equation 10 of Fader, Hardie and Lee 2005)."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    share = horizon / (alpha + age + horizon)
    # Near a = 1 the formula is 0/0; a hair beside it is the limit.
    a = a + 1e-7 if abs(a - 1) < 1e-7 else a
    series = special.hyp2f1(r + repeats, b + repeats, a + b + repeats - 1, share)
    decline = np.exp((r + repeats) * np.log((alpha + age) / (alpha + age + horizon)))
    count = (a + b + repeats - 1) / (a - 1) * (1 - decline * series)
    return np.asarray(np.maximum(count * still_customer(model, repeats, recency, age), 0), dtype=np.float64)


def fit_gamma_gamma(repeats: Floats, mean_amount: Floats, weight: Floats | None = None) -> GammaGamma | None:
    """Maximum likelihood on customers with repeats and a positive mean; None where they are too few or have no summit."""
    use = (repeats > 0) & (mean_amount > 0)
    if use.sum() < MINIMUM_REPEATERS:
        return None
    x = repeats[use]
    scale = float(np.median(mean_amount[use]))
    m = mean_amount[use] / scale
    counts = np.ones(len(x)) if weight is None else weight[use]

    def loss(logs: Floats) -> float:
        p, q, v = np.exp(np.clip(logs, -LOG_LIMIT, LOG_LIMIT))
        each = special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q) + q * np.log(v)
        each = each + (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(x * m + v)
        return float(-(counts @ each) / counts.sum())

    best = optimize.minimize(
        loss, np.array([1.0, 1.0, 1.0]), method="Nelder-Mead", options={"maxiter": 3000, "fatol": 1e-10, "xatol": 1e-7}
    )
    best = optimize.minimize(loss, best.x, method="L-BFGS-B", options={"ftol": 1e-14})
    if not np.all(np.abs(best.x) < LOG_LIMIT) or np.exp(best.x[1]) <= 1:
        return None
    p, q, v = np.exp(best.x)
    return GammaGamma(float(p), float(q), float(v * scale))


def expected_amount(model: GammaGamma, repeats: Floats, mean_amount: Floats) -> Floats:
    """Expected mean amount of a customer's future purchases; the population's where nothing is known of the customer."""
    x = np.where((repeats > 0) & (mean_amount > 0), repeats, 0.0)
    m = np.where(x > 0, mean_amount, 0.0)
    return np.asarray(model.p * (model.v + x * m) / (model.p * x + model.q - 1), dtype=np.float64)


@dataclass(frozen=True)
class History:
    """What the model knows of customers up to a day, in days: one entry per customer with a purchase until then."""

    customer_id: npt.NDArray[np.int64]
    repeats: Floats
    recency: Floats
    age: Floats
    mean_amount: Floats


def history(days: pl.DataFrame, until: int) -> History:
    """The history up to and including day `until` of `days`: `customer_id`, `day` (a number), `amount`, one row per both.

    Several purchases of one day are one, as in the paper. The mean amount is that of the repeat purchases.
    """
    known = (
        days.filter(pl.col("day") <= until)
        .sort("customer_id", "day")
        .group_by("customer_id", maintain_order=True)
        .agg(
            first=pl.col("day").first(),
            last=pl.col("day").last(),
            count=pl.len(),
            amount=pl.col("amount").slice(1).mean(),
        )
    )
    number = {
        name: known[name].cast(pl.Float64).fill_null(0).to_numpy() for name in ("first", "last", "count", "amount")
    }
    return History(
        known["customer_id"].to_numpy(),
        number["count"] - 1,
        number["last"] - number["first"],
        until - number["first"],
        number["amount"],
    )


def sampled(past: History) -> History:
    """At most LARGEST_SAMPLE customers, every so-many-th by id, to fit on."""
    step = max(1, -(-len(past.customer_id) // LARGEST_SAMPLE))
    return History(
        *(getattr(past, name)[::step] for name in ("customer_id", "repeats", "recency", "age", "mean_amount"))
    )


def fitted(past: History) -> tuple[BgNbd | None, GammaGamma | None]:
    """Both models on a history."""
    part = sampled(past)
    watched = part.age > 0
    if not watched.any():
        return None, None
    # Whole days make most customers alike: the likelihood is that of the distinct ones, weighed by how many they are.
    alike = np.column_stack([part.repeats[watched], part.recency[watched], part.age[watched]])
    distinct, count = np.unique(alike, axis=0, return_counts=True)
    repeats, recency, age = distinct.T
    buying = fit_bg_nbd(repeats, recency, age, count.astype(np.float64))
    return buying, fit_gamma_gamma(part.repeats, part.mean_amount)


PREDICTION = pa.schema(
    [
        ("customer_id", pa.int64()), ("expected_purchase_count", pa.float64()), ("purchase_probability", pa.float64()),
        ("expected_order_amount_base", pa.float64()), ("expected_value_amount_base", pa.float64()),
    ]
)  # fmt: skip


@single_threaded
def purchase_prediction(table: pa.Table) -> pa.Table:
    """Finish of `purchase_prediction`: expected purchases and value within the horizon, and the chance to buy at all.

    Reads one row per customer and day with a purchase: `customer_id`, `day`, `amount_base`, `today`, `horizon_days`.
    Days are numbers since 1970.
    NULLs where too few came back to fit a model.
    """
    days, today, horizon = _days(table)
    if days is None:
        return PREDICTION.empty_table()
    past = history(days, today)
    buying, spending = fitted(past)
    nothing = np.full(len(past.customer_id), np.nan)
    count = probability = amount = nothing
    if buying is not None:
        alike = np.column_stack([past.repeats, past.recency, past.age])
        distinct, place = np.unique(alike, axis=0, return_inverse=True)
        repeats, recency, age = distinct.T
        count = expected_purchases(buying, repeats, recency, age, horizon)[place.ravel()]
        probability = purchase_probability(buying, past.repeats, past.recency, past.age, horizon)
    if spending is not None:
        amount = expected_amount(spending, past.repeats, past.mean_amount)
    columns = [
        pa.array(past.customer_id),
        *(pa.array(v, mask=~np.isfinite(v)) for v in (count, probability, amount, count * amount)),
    ]
    return pa.Table.from_arrays(columns, schema=PREDICTION)


RELIABILITY = pa.schema(
    [
        ("probability_bin", pa.int32()), ("customer_count", pa.int64()), ("mean_probability", pa.float64()),
        ("bought_share", pa.float64()), ("bought_share_low", pa.float64()), ("bought_share_high", pa.float64()),
        ("expected_purchase_count", pa.float64()), ("purchase_count", pa.int64()), ("brier_score", pa.float64()),
        ("base_brier_score", pa.float64()), ("model_r", pa.float64()), ("model_alpha_days", pa.float64()),
        ("model_a", pa.float64()), ("model_b", pa.float64()), ("fitted_until_date", pa.date32()),
    ]
)  # fmt: skip


@single_threaded
def purchase_reliability(table: pa.Table) -> pa.Table:
    """Finish of `purchase_reliability`: what was predicted a horizon ago, against what customers did since.

    Fitted on purchases up to a horizon before the data date only; of a history shorter than three horizons up to its last third,
    or too little would be left to fit on. One row per tenth of customers by predicted probability
    (`probability_bin` 1 to 10; equal predictions are in one bin, so a bin may be larger and another not there) and one for
    all (0); `brier_score` is the mean squared error of the probability,
    `base_brier_score` that of the same share for everybody.
    """
    days, today, horizon = _days(table)
    if days is None:
        return RELIABILITY.empty_table()
    first = days.select(pl.col("day").min()).item()
    return reliability(days, today - min(int(horizon), (today - first) // HOLD_OUT_PART), today)


def reliability(days: pl.DataFrame, cut: int, today: int) -> pa.Table:
    """The table of `purchase_reliability` for a model fitted up to day `cut` and tested on the days after it up to `today`."""
    past = history(days, cut)
    buying, _ = fitted(past)
    if buying is None:
        return RELIABILITY.empty_table()
    horizon = float(today - cut)
    probability = purchase_probability(buying, past.repeats, past.recency, past.age, horizon)
    expected = expected_purchases(buying, past.repeats, past.recency, past.age, horizon)
    later = days.filter((pl.col("day") > cut) & (pl.col("day") <= today)).group_by("customer_id").agg(n=pl.len())
    found = pl.DataFrame({"customer_id": past.customer_id}).join(
        later, on="customer_id", how="left", maintain_order="left"
    )
    bought = found["n"].fill_null(0).to_numpy().astype(np.float64)
    # Customers with one history have one prediction, and stay together: their tenth is that of the middle of them.
    _, group, count = np.unique(np.round(probability, 12), return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count + 1) / 2
    place = (middle * BINS // len(probability)).astype(np.int64)[group] + 1
    rows = []
    for number in range(BINS + 1):
        inside = place == number if number else np.ones(len(place), dtype=bool)
        size = int(inside.sum())
        if not size:
            continue
        did = bought[inside] > 0
        low, high = wilson(did.sum(), size)
        rows.append(
            {
                "probability_bin": number,
                "customer_count": size,
                "mean_probability": float(probability[inside].mean()),
                "bought_share": float(did.mean()),
                "bought_share_low": float(low),
                "bought_share_high": float(high),
                "expected_purchase_count": float(expected[inside].sum()),
                "purchase_count": int(bought[inside].sum()),
                "brier_score": float(((probability[inside] - did) ** 2).mean()),
                "base_brier_score": float((((bought > 0).mean() - did) ** 2).mean()),
                "model_r": buying.r,
                "model_alpha_days": buying.alpha,
                "model_a": buying.a,
                "model_b": buying.b,
                "fitted_until_date": cut,
            }
        )
    frame = pa.Table.from_pylist([{**row, "fitted_until_date": None} for row in rows], schema=RELIABILITY)
    dates = pa.array([row["fitted_until_date"] for row in rows], pa.int32()).cast(pa.date32())
    return frame.set_column(
        frame.schema.get_field_index("fitted_until_date"), RELIABILITY.field("fitted_until_date"), dates
    )


def _days(table: pa.Table) -> tuple[pl.DataFrame | None, int, float]:
    """Purchases by day (numbers since 1970), today and the horizon in days; None for no purchases at all."""
    if not len(table):
        return None, 0, 0.0
    frame: pl.DataFrame = pl.DataFrame(table)
    days = frame.select("customer_id", pl.col("day").cast(pl.Int64), amount=pl.col("amount_base"))
    return days, int(frame["today"][0]), float(frame["horizon_days"][0])


CONTRACT = pa.schema([("customer_id", pa.int64()), ("contract_end_probability", pa.float64())])


def contract_prediction(table: pa.Table) -> pa.Table:
    """Finish of `contract_prediction`: the chance that a running contract ends within the horizon.

    Reads one row per contract: `customer_id`, `age_days` (until its end or the data date), `is_ended`, `horizon_days`.
    By Kaplan-Meier, 1 - S(age + horizon) / S(age), as long as MINIMUM_COUNT contracts are watched that long; beyond it
    by the discrete hazard: ends per day watched. NULL where no contract has ended yet.
    """
    frame: pl.DataFrame = pl.DataFrame(table).sort("customer_id")
    running = frame.filter(~pl.col("is_ended"))
    if not len(running) or not frame["is_ended"].any():
        return pa.table(
            {
                "customer_id": running["customer_id"].to_arrow(),
                "contract_end_probability": pa.nulls(len(running), pa.float64()),
            }
        ).cast(CONTRACT)
    age, ended = frame["age_days"].to_numpy().astype(np.float64), frame["is_ended"].to_numpy().astype(np.float64)
    horizon = float(frame["horizon_days"][0])
    curve = survival_curve(age, [ended], 1 - ended)
    hazard = ended.sum() / max(age.sum(), 1.0)
    last = float(curve.time[curve.at_risk >= MINIMUM_COUNT].max()) if (curve.at_risk >= MINIMUM_COUNT).any() else -1.0

    def survival(moment: Floats) -> Floats:
        """Kaplan-Meier up to `last`, then the constant hazard."""
        place = np.searchsorted(curve.time, np.minimum(moment, last), side="right")
        watched = np.where(place > 0, curve.survival[np.maximum(place - 1, 0)], 1.0)
        beyond = np.maximum(moment - max(last, 0.0), 0)
        return np.asarray(watched * (1 - hazard) ** beyond, dtype=np.float64)

    now = running["age_days"].to_numpy().astype(np.float64)
    before = survival(now)
    chance = np.where(before > 0, 1 - survival(now + horizon) / np.where(before > 0, before, 1), np.nan)
    return pa.table(
        {
            "customer_id": running["customer_id"].to_arrow(),
            "contract_end_probability": pa.array(chance, mask=np.isnan(chance)),
        }
    ).cast(CONTRACT)

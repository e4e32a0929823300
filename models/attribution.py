"""Attribution: how the conversions at the end of paths are shared out over the channels touched on the way.

Every model is a pure function of paths; each gives out exactly the conversions and the value there are. Sources: Shapley
in the form of Zhao, Mahboobi and Bagheri (2018, equal split over the different channels of a path); the removal effect
of a Markov chain after Anderl, Becker, von Wangenheim and Schumann (2016), here in closed form instead of by simulation;
Poisson bootstrap after Hanley and MacGibbon (2006). Not here: what a touch is, which journeys count (SQL), costs.

None of these models shows what would have happened without a channel: they divide what did happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy import sparse, stats

from models.threads import single_threaded

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

MARKOV = {"markov_1": 1, "markov_2": 2, "markov_3": 3}
MODELS = (
    "first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay", "shapley", *MARKOV,
)  # fmt: skip
DIRECT = "direct"
# The usual shares of a position-based model: 40 % to the first touch, 40 % to the last, 20 % to those between.
END_SHARE = 0.4
REPLICATES = 200
SEED = 360
# Multiplications the intervals of one Markov model may cost; a chain with hundreds of states gets fewer replicates.
REPLICATE_BUDGET = 1e10
MINIMUM_REPLICATES = 20
# Beyond so many states a chain is mostly zeros, and its inverse is not: then the same equations are solved by iteration.
DENSE_STATES = 400
# Iteration stops when a round changes no probability by more than this.
PRECISION = 1e-14
MAXIMUM_ROUNDS = 100_000
# A removal effect above this is measured, below it is rounding.
TINY = 1e-15


class AttributionError(ValueError):
    """Paths that cannot be attributed; the text says which and what to change."""


@dataclass(frozen=True)
class Paths:
    """Paths of touches. Path `i` is `code[offset[i]:offset[i + 1]]`, never empty; `channels[code]` names a touch.

    `conversions`, `value` and `nulls` (walks that ended without conversion) are per path, at least 0. `decay` is the weight of
    each touch by its age (1 at the conversion); None: by its place from the end, each step back counting half.
    """

    channels: tuple[str, ...]
    code: Ints
    offset: Ints
    conversions: Floats
    value: Floats
    nulls: Floats
    decay: Floats | None = None

    @cached_property
    def length(self) -> Ints:
        """Touches per path."""
        return np.diff(self.offset)

    @cached_property
    def path(self) -> Ints:
        """Number of the path of each touch."""
        return np.repeat(np.arange(len(self.length)), self.length)

    @cached_property
    def place(self) -> Ints:
        """Place of each touch in its path, from 0."""
        return np.arange(len(self.code)) - np.repeat(self.offset[:-1], self.length)


@dataclass(frozen=True)
class Credit:
    """What a model gives each channel, in the order of `Paths.channels`; `removal_effect` for Markov models only."""

    conversions: Floats
    value: Floats
    removal_effect: Floats | None = None


def read_paths(path: pa.ChunkedArray, conversions: Floats, value: Floats, nulls: Floats, separator: str = ">") -> Paths:
    """Paths written as text (`a > b > a`), equal texts added up; blanks around a channel mean nothing.

    Raises AttributionError for a path without any channel, and for a number below 0 or none.
    """
    for name, numbers in (("conversions", conversions), ("value", value), ("nulls", nulls)):
        wrong = np.flatnonzero(~((numbers >= 0) & np.isfinite(numbers)))
        if len(wrong):
            raise AttributionError(f"row {wrong[0] + 1}: {name} is {numbers[wrong[0]]:g}; it must be 0 or more")
    frame = (
        pl.DataFrame(
            {"path": pl.Series(path, dtype=pl.String), "conversions": conversions, "value": value, "nulls": nulls}
        )
        .with_row_index("row")
        .group_by("path")
        .agg(pl.col("row").min(), pl.col("conversions", "value", "nulls").sum())
        .sort("row")
        .with_columns(touch=pl.col("path").str.split(separator))
    )
    touches = frame.select("row", "touch").explode("touch").with_columns(pl.col("touch").str.strip_chars())
    touches = touches.filter(pl.col("touch").fill_null("") != "")
    counted = frame.select("row").join(
        touches.group_by("row").agg(n=pl.len()), on="row", how="left", maintain_order="left"
    )
    length = counted["n"].fill_null(0).to_numpy().astype(np.int64)
    if (length == 0).any():
        row = int(counted["row"].to_numpy()[length == 0].min())
        raise AttributionError(f"row {row + 1}: the path names no channel; leave the row out or name the channel")
    names = touches["touch"].unique().sort()
    code = touches["touch"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    offset = np.concatenate([[0], np.cumsum(length)])
    won, worth, lost = (frame[name].to_numpy().astype(np.float64) for name in ("conversions", "value", "nulls"))
    return Paths(tuple(names), code, offset, won, worth, lost)


def _summed(index: Ints, weight: Floats, size: int) -> Floats:
    """Sum of the weights of each index below `size`."""
    total: Floats = np.bincount(index, weights=weight, minlength=size).astype(np.float64)
    return total


def touch_share(paths: Paths, model: str) -> Floats:
    """Share of its path's conversions that each touch gets under a model that looks at one path at a time.

    The shares of a path add up to 1. Raises KeyError for another model.
    """
    first, last = paths.offset[:-1], paths.offset[1:] - 1
    share = np.zeros(len(paths.code))
    if not len(first):
        return share
    length = np.repeat(paths.length, paths.length)
    if model == "first_touch":
        share[first] = 1
    elif model == "last_touch":
        share[last] = 1
    elif model == "last_non_direct":
        direct = paths.channels.index(DIRECT) if DIRECT in paths.channels else -1
        other = np.maximum.reduceat(np.where(paths.code == direct, -1, np.arange(len(share))), first)
        share[np.where(other < 0, last, other)] = 1
    elif model == "linear":
        share = 1 / length
    elif model == "position_based":
        between = np.divide(1 - 2 * END_SHARE, length - 2, out=np.zeros(len(share)), where=length > 2)
        share = np.where(length == 1, 1, np.where(length == 2, 0.5, between))
        long = paths.length > 2
        share[first[long]] = share[last[long]] = END_SHARE
    elif model == "time_decay":
        decay = paths.decay if paths.decay is not None else 0.5 ** (length - 1.0 - paths.place)
        share = decay / np.repeat(np.add.reduceat(decay, first), paths.length)
    elif model == "shapley":
        _, once = np.unique(paths.path * len(paths.channels) + paths.code, return_index=True)
        share[once] = 1 / np.bincount(paths.path[once], minlength=len(first))[paths.path[once]]
    else:
        raise KeyError(model)
    return share


@dataclass(frozen=True)
class Chain:
    """The transitions of paths between states, a state being the last `order` channels.

    `source` and `target` are state numbers of each kind of transition; -1 as source is the start. `step` counts: a row per
    kind of transition, a column per path. `final` says in which state each path ends, `newest` which channel each state
    was last in.
    """

    source: Ints
    target: Ints
    step: sparse.csr_matrix
    final: Ints
    newest: Ints


def chain(paths: Paths, order: int) -> Chain:
    """The Markov chain of `order` 1 or more that the paths walk. States are numbered by their channels."""
    base = len(paths.channels) + 1
    key = np.zeros(len(paths.code), dtype=np.int64)
    for back in range(order):
        earlier = np.zeros_like(key)
        # 0 stands for "before the first touch", so that the beginning of a path has states of its own.
        earlier[back:] = paths.code[: len(key) - back] + 1
        key += np.where(paths.place >= back, earlier, 0) * base**back
    states, state = np.unique(key, return_inverse=True)
    before = np.full(len(state), -1, dtype=np.int64)
    before[1:] = state[:-1]
    before[paths.place == 0] = -1
    pairs, pair = np.unique((before + 1) * len(states) + state, return_inverse=True)
    step = sparse.coo_matrix(
        (np.ones(len(pair)), (pair, paths.path)), shape=(len(pairs), len(paths.length))
    ).tocsr()  # fmt: skip
    return Chain(
        source=pairs // max(len(states), 1) - 1,
        target=pairs % max(len(states), 1),
        step=step,
        final=state[paths.offset[1:] - 1],
        newest=states % base - 1,
    )


def removal_effects(
    links: Chain, channel_count: int, step: Floats, converting: Floats, ending: Floats
) -> tuple[Floats, Floats]:
    """Removal effect per channel, and the probability of conversion, of one or many weightings of a chain at once.

    `step` (transitions, replicates), `converting` and `ending` (states, replicates) are weights: how often each transition
    is made, and how often walks end in a state with a conversion, and at all. Result: (channels, replicates), (replicates,).

    With N = (I - Q)^-1, h = N r and K the states whose newest channel is k, a walk first enters K in its states with the
    probabilities F = (s N)_K (N_KK)^-1. Sending all flow into k to null loses exactly F h_K of the conversion probability
    P = s h, so the removal effect 1 - P_without / P is F h_K / P: one inverse serves all channels.
    """
    states, replicates = converting.shape
    if states > DENSE_STATES:
        columns = range(replicates)
        found = [_by_iteration(links, channel_count, step[:, i], converting[:, i], ending[:, i]) for i in columns]
        return np.stack([effect for effect, _ in found], axis=1), np.array([chance for _, chance in found])
    inner = links.source >= 0
    leaving = ending.copy()
    np.add.at(leaving, links.source[inner], step[inner])
    # States nobody is in (in this replicate) keep a row of zeros.
    scale = np.divide(1.0, leaving, out=np.zeros_like(leaving), where=leaving > 0)
    matrix = np.zeros((replicates, states, states))
    matrix[:, links.source[inner], links.target[inner]] = -(step[inner] * scale[links.source[inner]]).T
    matrix[:, np.arange(states), np.arange(states)] += 1
    start = np.zeros((states, replicates))
    start[links.target[~inner]] = step[~inner]
    total = start.sum(axis=0)
    start = np.divide(start, total, out=np.zeros_like(start), where=total > 0)
    visits = np.linalg.inv(matrix)
    reach = np.einsum("bij,jb->bi", visits, converting * scale)
    passing = np.einsum("ib,bij->bj", start, visits)
    probability = np.einsum("ib,bi->b", start, reach)
    effect = np.zeros((channel_count, replicates))
    for number in range(channel_count):
        inside = np.flatnonzero(links.newest == number)
        if not len(inside):
            continue
        block = visits[:, inside[:, None], inside[None, :]]
        entering = np.linalg.solve(block.transpose(0, 2, 1), passing[:, inside, None])[..., 0]
        lost = np.einsum("bi,bi->b", entering, reach[:, inside])
        effect[number] = np.divide(lost, probability, out=np.zeros(replicates), where=probability > 0)
    return _bounded(effect), probability


def _by_iteration(
    links: Chain, channel_count: int, step: Floats, converting: Floats, ending: Floats
) -> tuple[Floats, float]:
    """`removal_effects` of one weighting, without an inverse: h = r + Q h, with every channel taken out at once."""
    states = len(ending)
    inner = links.source >= 0
    leaving = ending + _summed(links.source[inner], step[inner], states)
    scale = np.divide(1.0, leaving, out=np.zeros(states), where=leaving > 0)
    weight = step[inner] * scale[links.source[inner]]
    moving = sparse.csr_matrix((weight, (links.source[inner], links.target[inner])), shape=(states, states))
    start = _summed(links.target[~inner], step[~inner], states)
    start = start / max(start.sum(), TINY)
    # One column per channel taken out, where its states convert nobody; the last column is the chain as it is.
    kept = np.ones((states, channel_count + 1))
    kept[np.arange(states), links.newest] = 0
    ends = (converting * scale)[:, None] * kept
    reach = ends
    for _ in range(MAXIMUM_ROUNDS):
        following = ends + (moving @ reach) * kept
        change = np.abs(following - reach).max()
        reach = following
        if change < PRECISION:
            break
    chance = start @ reach
    if not chance[-1] > 0:
        return np.zeros(channel_count), 0.0
    return _bounded(1 - chance[:-1] / chance[-1]), float(chance[-1])


def _bounded(effect: Floats) -> Floats:
    """Without what is only rounding: an effect is a share."""
    bounded: Floats = np.where(effect > TINY, np.minimum(effect, 1.0), 0.0)
    return bounded


def attribute(paths: Paths, model: str) -> Credit:
    """Conversions and value that `model` gives each channel. Raises KeyError for a model that is not in MODELS."""
    n = len(paths.channels)
    if model not in MARKOV:
        share = touch_share(paths, model)
        return Credit(
            _summed(paths.code, share * paths.conversions[paths.path], n),
            _summed(paths.code, share * paths.value[paths.path], n),
        )
    if not paths.conversions.sum() > 0:
        return Credit(np.zeros(n), np.zeros(n), np.zeros(n))
    links = chain(paths, MARKOV[model])
    ending = paths.conversions + paths.nulls
    states = len(links.newest)
    effect, _ = removal_effects(
        links,
        n,
        (links.step @ ending)[:, None],
        _summed(links.final, paths.conversions, states)[:, None],
        _summed(links.final, ending, states)[:, None],
    )
    share = effect[:, 0] / effect[:, 0].sum()
    return Credit(share * paths.conversions.sum(), share * paths.value.sum(), effect[:, 0])


def scrambled(number: Words) -> Words:
    """SplitMix64 (Steele, Lea and Flood 2014): well mixed 64 bits of each number, the same on every machine."""
    mixed = number + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Words = mixed ^ (mixed >> np.uint64(31))
    return result


@dataclass(frozen=True)
class Draws:
    """Whom a bootstrap draws: `group[i]` is who walked path `i`; `weights` (groups, replicates): how often they are drawn.

    Of a group of several customers on average, so that weights have the mean 1.
    """

    group: Ints
    weights: Floats


def draw_customers(paths: Paths, customer_id: Ints, replicates: int = REPLICATES, seed: int = SEED) -> Draws:
    """Poisson bootstrap of whole customers: each is drawn Poisson(1) times with all their paths.

    Customers without a conversion who walked the same paths make one group of size n, drawn Poisson(n) times: the same
    law, and most of a large company's customers are a few thousand such groups. A draw follows from the name of the group
    alone, so another customer more does not move the draws of the others.
    """
    customers, member = np.unique(customer_id, return_inverse=True)
    touch = scrambled(paths.code.astype(np.uint64) * np.uint64(0x2545F4914F6CDD1D) + paths.place.astype(np.uint64))
    # (reduceat wants at least one path)
    walked = scrambled(np.add.reduceat(touch, paths.offset[:-1])) if len(member) else touch
    signature = np.zeros(len(customers), dtype=np.uint64)
    np.add.at(signature, member, walked)
    won = np.zeros(len(customers), dtype=bool)
    won[member[paths.conversions > 0]] = True
    name = np.where(won, scrambled(customers.astype(np.uint64)), signature)
    names, group, size = np.unique(name, return_inverse=True, return_counts=True)
    drawn = bootstrap_weights(names, size.astype(np.float64), replicates, seed)
    return Draws(group[member].astype(np.int64), drawn / size[:, None])


def bootstrap_weights(names: Words, size: Floats, replicates: int = REPLICATES, seed: int = SEED) -> Floats:
    """Poisson numbers of mean `size`, one row per name and one column per replicate, each from its name alone."""
    salt = scrambled(np.uint64(seed) + np.arange(replicates, dtype=np.uint64))
    uniform = (scrambled(names[:, None] ^ salt[None, :]) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    limits = np.cumsum(np.exp(-1.0) / np.cumprod([1.0, *range(1, 12)]))
    weights = np.searchsorted(limits, uniform, side="right").astype(np.float64)
    several = size > 1
    weights[several] = stats.poisson.ppf(uniform[several], size[several, None])
    return weights


def replicate_credit(paths: Paths, model: str, draws: Draws) -> tuple[Floats, Floats]:
    """Conversions and value per channel and replicate, each (channels, replicates)."""
    group, weights = draws.group, draws.weights
    n, (size, replicates) = len(paths.channels), weights.shape
    if not len(group):
        return np.zeros((n, replicates)), np.zeros((n, replicates))
    conversions = _summed(group, paths.conversions, size) @ weights
    value = _summed(group, paths.value, size) @ weights
    if model not in MARKOV:
        share = touch_share(paths, model)
        cell = paths.code * size + group[paths.path]
        parts = [
            _summed(cell, share * amount[paths.path], n * size).reshape(n, size) @ weights
            for amount in (paths.conversions, paths.value)
        ]
        return parts[0], parts[1]
    links = chain(paths, MARKOV[model])
    states = len(links.newest)
    ending = paths.conversions + paths.nulls
    member = sparse.coo_matrix((ending, (np.arange(len(group)), group)), shape=(len(group), size)).tocsr()
    step = (links.step @ member).tocsr()
    ends = sparse.coo_matrix((ending, (links.final, group)), shape=(states, size)).tocsr()
    wins = sparse.coo_matrix((paths.conversions, (links.final, group)), shape=(states, size)).tocsr()
    wanted = min(replicates, max(MINIMUM_REPLICATES, int(REPLICATE_BUDGET / (2.0 * max(states, 1) ** 3))))
    effects = []
    for low in range(0, wanted, batch := max(1, int(4e6 / max(states, 1) ** 2))):
        part = weights[:, low : min(low + batch, wanted)]
        effects.append(removal_effects(links, n, step @ part, wins @ part, ends @ part)[0])
    effect = np.concatenate(effects, axis=1)
    total = effect.sum(axis=0)
    share = np.divide(effect, total, out=np.zeros_like(effect), where=total > 0)
    return share * conversions[:wanted], share * value[:wanted]


def interval(replicates: Floats) -> tuple[Floats, Floats]:
    """Ends of the 95 % percentile interval over the last axis."""
    low, high = np.quantile(replicates, [0.025, 0.975], axis=-1)
    return low, high


SCHEMA = pa.schema(
    [
        ("journey_definition", pa.string()), ("attribution_model", pa.string()), ("attribution_channel", pa.string()),
        ("journey_count", pa.int64()), ("conversion_credit", pa.float64()), ("conversion_credit_low", pa.float64()),
        ("conversion_credit_high", pa.float64()), ("conversion_credit_share", pa.float64()),
        ("value_amount_base", pa.float64()), ("value_amount_base_low", pa.float64()),
        ("value_amount_base_high", pa.float64()), ("removal_effect", pa.float64()),
    ]
)  # fmt: skip


@single_threaded
def attribution_credit(table: pa.Table) -> pa.Table:
    """Finish of `attribution_credit`: every model on the touches of each journey definition, with intervals.

    Reads one row per touch of a decided journey: `journey_definition`, `journey_id`, `customer_id`, `touch_number`,
    `attribution_channel`, `decay_weight`, `is_converted`, `value_amount_base` (of the journey).
    """
    # The order of rows means nothing here; sums of floats must not depend on how threads delivered them.
    frame: pl.DataFrame = pl.DataFrame(table).sort("journey_definition", "customer_id", "journey_id", "touch_number")
    rows = [row for part in frame.partition_by("journey_definition", maintain_order=True) for row in _credit_rows(part)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def journey_paths(frame: pl.DataFrame) -> Paths:
    """Paths of the journeys of one definition, from rows sorted by journey and touch; one path per journey."""
    start = np.flatnonzero(np.diff(frame["journey_id"].to_numpy(), prepend=np.int64(-1)))
    names = frame["attribution_channel"].unique().sort()
    won = frame["is_converted"].to_numpy()[start].astype(np.float64)
    return Paths(
        channels=tuple(names),
        code=frame["attribution_channel"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64),
        offset=np.append(start, len(frame)),
        conversions=won,
        value=np.nan_to_num(frame["value_amount_base"].fill_null(0).to_numpy()[start]) * won,
        nulls=1 - won,
        decay=frame["decay_weight"].to_numpy().astype(np.float64),
    )


def _credit_rows(frame: pl.DataFrame) -> Iterator[dict[str, object]]:
    paths = journey_paths(frame)
    draws = draw_customers(paths, frame["customer_id"].to_numpy()[paths.offset[:-1]])
    total = paths.conversions.sum()
    touched = np.unique(paths.path * len(paths.channels) + paths.code)
    met = np.bincount(
        touched % len(paths.channels),
        paths.conversions[touched // len(paths.channels)],
        minlength=len(paths.channels),
    )
    for model in MODELS:
        credit = attribute(paths, model)
        conversions, value = replicate_credit(paths, model, draws)
        (low, high), (value_low, value_high) = interval(conversions), interval(value)
        for number, channel in enumerate(paths.channels):
            yield {
                "journey_definition": frame["journey_definition"][0],
                "attribution_model": model,
                "attribution_channel": channel,
                "journey_count": int(met[number]),
                "conversion_credit": float(credit.conversions[number]),
                "conversion_credit_low": float(low[number]),
                "conversion_credit_high": float(high[number]),
                "conversion_credit_share": float(credit.conversions[number] / total) if total else None,
                "value_amount_base": float(credit.value[number]),
                "value_amount_base_low": float(value_low[number]),
                "value_amount_base_high": float(value_high[number]),
                "removal_effect": None if credit.removal_effect is None else float(credit.removal_effect[number]),
            }

"""Attribution: hand-checked paths, laws that hold for any paths, and ChannelAttribution's public sample of 10,000 paths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import attribution
from models.attribution import MARKOV, MODELS, AttributionError, Paths, attribute, draw_customers, read_paths
from tests.models.oracles import from_package


def paths_of(rows: list[tuple[str, float, float, float]]) -> Paths:
    """Paths from (text, conversions, value, nulls)."""
    path, *numbers = zip(*rows, strict=True)
    return read_paths(pa.chunked_array([list(path)], pa.string()), *(np.array(n, dtype=float) for n in numbers))


def credit(paths: Paths, model: str) -> dict[str, float]:
    return dict(zip(paths.channels, attribute(paths, model).conversions.tolist(), strict=True))


def test_places_in_a_path() -> None:
    paths = paths_of([("a > b > c > b > direct", 10, 100, 0)])
    expected = {
        "first_touch": {"a": 10},
        "last_touch": {"direct": 10},
        "last_non_direct": {"b": 10},
        "linear": {"a": 2, "b": 4, "c": 2, "direct": 2},
        "position_based": {"a": 4, "b": 4 / 3, "c": 2 / 3, "direct": 4},
        # Without times each step back counts half: 1, 2, 4, 8, 16 of 31.
        "time_decay": {"a": 10 / 31, "b": 100 / 31, "c": 40 / 31, "direct": 160 / 31},
        "shapley": {"a": 2.5, "b": 2.5, "c": 2.5, "direct": 2.5},
    }
    for model, shares in expected.items():
        found = credit(paths, model)
        assert found == pytest.approx(dict.fromkeys(paths.channels, 0.0) | shares), model
        assert attribute(paths, model).value == pytest.approx(attribute(paths, model).conversions * 10)


def test_short_paths() -> None:
    assert credit(paths_of([("a > b", 1, 0, 0)]), "position_based") == {"a": 0.5, "b": 0.5}
    assert credit(paths_of([("a", 1, 0, 0)]), "position_based") == {"a": 1}
    assert credit(paths_of([("direct > direct", 1, 0, 0)]), "last_non_direct") == {"direct": 1}


def test_age_of_a_touch_decides_in_time_decay() -> None:
    paths = paths_of([("a > b", 3, 0, 0)])
    aged = Paths(
        paths.channels, paths.code, paths.offset, paths.conversions, paths.value, paths.nulls, np.array([0.5, 1])
    )
    assert credit(aged, "time_decay") == pytest.approx({"a": 1, "b": 2})


def test_markov_by_hand() -> None:
    """a > b converts once, a alone is lost once: P = 1/2; without a or b nothing converts."""
    paths = paths_of([("a > b", 1, 8, 0), ("a", 0, 0, 1)])
    result = attribute(paths, "markov_1")
    assert result.removal_effect == pytest.approx([1, 1])
    assert result.conversions == pytest.approx([0.5, 0.5])
    assert result.value == pytest.approx([4, 4])


def test_higher_order_knows_what_came_before() -> None:
    """b converts after a and never after c: a chain of order 1 cannot know, one of order 2 can."""
    paths = paths_of([("a > b", 10, 0, 0), ("c > b", 0, 0, 10)])
    first = dict(zip(paths.channels, attribute(paths, "markov_1").removal_effect, strict=True))
    second = dict(zip(paths.channels, attribute(paths, "markov_2").removal_effect, strict=True))
    assert first == pytest.approx({"a": 0.5, "b": 1, "c": 0.5})
    assert second == pytest.approx({"a": 1, "b": 1, "c": 0})


words = st.lists(st.sampled_from(["a", "b", "c", "direct", "e"]), min_size=1, max_size=6)
amounts = st.integers(0, 5)
companies = st.lists(st.tuples(words, amounts, amounts, amounts), min_size=1, max_size=12)


def company(rows: list[tuple[list[str], int, int, int]]) -> Paths:
    return paths_of([(" > ".join(touches), won, won * worth, lost) for touches, won, worth, lost in rows])


@settings(max_examples=60, deadline=None)
@given(companies)
def test_every_model_gives_out_what_there_is(rows: list[tuple[list[str], int, int, int]]) -> None:
    paths = company(rows)
    for model in MODELS:
        result = attribute(paths, model)
        assert result.conversions.sum() == pytest.approx(paths.conversions.sum(), abs=1e-9), model
        assert result.value.sum() == pytest.approx(paths.value.sum(), abs=1e-9), model
        assert (result.conversions >= 0).all()


def probability_without(paths: Paths, order: int, channel: int | None) -> float:
    """Conversion probability by walking the chain for many rounds, all flow into `channel` going to null."""
    links = attribution.chain(paths, order)
    weight = paths.conversions + paths.nulls
    step = links.step @ weight
    states = len(links.newest)
    ends = np.bincount(links.final, weight, minlength=states)
    wins = np.bincount(links.final, paths.conversions, minlength=states)
    here = np.zeros(states)
    inner = links.source >= 0
    np.add.at(here, links.target[~inner], step[~inner] / weight.sum())
    leaving = ends + np.bincount(links.source[inner], step[inner], minlength=states)
    won = 0.0
    for _ in range(3000):
        if channel is not None:
            here[links.newest == channel] = 0
        scaled = np.divide(here, leaving, out=np.zeros(states), where=leaving > 0)
        won += float(scaled @ wins)
        here = np.zeros(states)
        np.add.at(here, links.target[inner], scaled[links.source[inner]] * step[inner])
    return won


@settings(max_examples=25, deadline=None)
@given(companies, st.sampled_from([1, 2, 3]))
def test_closed_form_is_the_walk_of_the_chain(rows: list[tuple[list[str], int, int, int]], order: int) -> None:
    paths = company(rows)
    if paths.conversions.sum() == 0:
        return
    whole = probability_without(paths, order, None)
    expected = [1 - probability_without(paths, order, number) / whole for number in range(len(paths.channels))]
    found = attribute(paths, f"markov_{order}").removal_effect
    assert found == pytest.approx(expected, abs=1e-7)


def test_iteration_gives_what_the_inverse_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(7)
    rows = [(" > ".join(generator.choice(list("abcdef"), 1 + generator.poisson(3))), 1.0, 2.0, 3.0) for _ in range(300)]
    paths = paths_of(rows)
    exact = attribute(paths, "markov_2").removal_effect
    monkeypatch.setattr(attribution, "DENSE_STATES", 0)
    assert attribute(paths, "markov_2").removal_effect == pytest.approx(exact, abs=1e-10)


def test_nothing_converts() -> None:
    paths = paths_of([("a > b", 0, 0, 4)])
    for model in MODELS:
        assert attribute(paths, model).conversions.tolist() == [0, 0]


def test_mistakes_in_paths_are_told_with_their_row() -> None:
    with pytest.raises(AttributionError, match="row 2: the path names no channel"):
        paths_of([("a", 1, 0, 0), (" > ", 1, 0, 0)])
    with pytest.raises(AttributionError, match="row 1: nulls is -1"):
        paths_of([("a", 1, 0, -1)])


def single_touches(code: np.ndarray, won: np.ndarray) -> Paths:
    """Paths of one touch each, of channels a, b, …"""
    names = tuple("abcdef"[: int(code.max()) + 1])
    zero = np.zeros(len(code))
    return Paths(names, code.astype(np.int64), np.arange(len(code) + 1), won.astype(float), zero, 1.0 - won)


def test_draws_follow_from_the_customer_alone() -> None:
    """The same every time, whoever else there is; their law is Poisson with mean 1."""
    three = draw_customers(single_touches(np.zeros(3), np.ones(3)), np.array([5, 9, 12]))
    four = draw_customers(single_touches(np.zeros(4), np.ones(4)), np.array([12, 5, 77, 9]))
    assert (three.weights[three.group] == four.weights[four.group][[1, 3, 0]]).all()
    many = draw_customers(single_touches(np.zeros(2000), np.ones(2000)), np.arange(2000)).weights
    assert many.shape == (2000, attribution.REPLICATES)
    assert many.mean() == pytest.approx(1, abs=0.005)
    assert many.var() == pytest.approx(1, abs=0.01)
    assert (many == 0).mean() == pytest.approx(np.exp(-1), abs=0.003)
    assert np.corrcoef(many[:, 0], many[:, 1])[0, 1] == pytest.approx(0, abs=0.08)


def test_those_who_never_converted_are_drawn_in_groups_by_the_same_law() -> None:
    draws = draw_customers(single_touches(np.array([0] * 500 + [1] * 2), np.zeros(502)), np.arange(502))
    assert sorted(np.bincount(draws.group)) == [2, 500]
    drawn = 500 * draws.weights[draws.group[0]]
    assert drawn.mean() == pytest.approx(500, abs=5)
    assert drawn.var() == pytest.approx(500, rel=0.25)


def walked_by_many(customers: int) -> tuple[Paths, np.ndarray]:
    """One or two journeys each over three channels; a fifth converts, the others walk few different paths."""
    generator = np.random.default_rng(8)
    owner = np.repeat(np.arange(customers), generator.integers(1, 3, customers))
    length = generator.integers(1, 4, len(owner))
    offset = np.concatenate([[0], np.cumsum(length)])
    won = (generator.random(len(owner)) < 0.2).astype(float)
    return Paths(("a", "b", "c"), generator.integers(0, 3, offset[-1]), offset, won, 10 * won, 1 - won), owner


@pytest.mark.parametrize("model", ["linear", "markov_1", "markov_2", "markov_3"])
def test_a_replicate_is_the_model_on_the_customers_drawn(model: str) -> None:
    """Who never converted is drawn in a group: all of them as often as the group is drawn, shared among them."""
    paths, owner = walked_by_many(300)
    draws = draw_customers(paths, owner, replicates=3)
    assert len(draws.weights) < 0.8 * 300
    found, _ = attribution.replicate_credit(paths, model, draws)
    for number in range(3):
        times = draws.weights[draws.group, number]
        drawn = replace(
            paths, conversions=times * paths.conversions, nulls=times * paths.nulls, value=times * paths.value
        )
        assert found[:, number] == pytest.approx(attribute(drawn, model).conversions, abs=1e-9)


@pytest.mark.parametrize("model", ["linear", "markov_1", "markov_2"])
def test_intervals_lie_around_the_estimate(model: str) -> None:
    paths, owner = walked_by_many(2000)
    low, high = attribution.interval(attribution.replicate_credit(paths, model, draw_customers(paths, owner))[0])
    credit = attribute(paths, model).conversions
    assert ((low < credit) & (credit < high)).all()
    assert (low + high) / 2 == pytest.approx(credit, rel=0.05)


def test_interval_of_a_count_is_as_wide_as_theory_says() -> None:
    """4,000 customers, one journey each, 1,000 of them through a: the sum is Poisson, so ±1.96 sqrt(1000)."""
    paths = single_touches(np.repeat([0, 1], [1000, 3000]), np.ones(4000))
    draws = draw_customers(paths, np.arange(4000) * 977)
    for model in ("linear", "markov_1"):
        low, high = attribution.interval(attribution.replicate_credit(paths, model, draws)[0])
        assert low[0] == pytest.approx(1000 - 1.96 * np.sqrt(1000), abs=15)
        assert high[0] == pytest.approx(1000 + 1.96 * np.sqrt(1000), abs=15)


def test_customers_are_drawn_whole() -> None:
    """Ten journeys of one customer come and go together, so the interval is wider by the root of ten."""
    paths = single_touches(np.zeros(20_000), np.ones(20_000))
    draws = draw_customers(paths, np.repeat(np.arange(2000), 10))
    low, high = attribution.interval(attribution.replicate_credit(paths, "linear", draws)[0])
    assert (high - low)[0] / 2 == pytest.approx(1.96 * 10 * np.sqrt(2000), rel=0.15)


@pytest.fixture(scope="module")
def sample() -> Paths:
    """ChannelAttribution's own sample, from its source archive (GPL: read in the test environment, never kept here)."""
    content = from_package("ChannelAttribution", "data/Data.csv", source=True)
    table = pyarrow.csv.read_csv(pa.BufferReader(content), parse_options=pyarrow.csv.ParseOptions(delimiter=";"))
    numbers = [
        table[name].to_numpy().astype(float) for name in ("total_conversions", "total_conversion_value", "total_null")
    ]
    assert len(table) == 10_000
    return read_paths(table["path"], *numbers)


def test_public_sample_gives_the_published_figures(sample: Paths) -> None:
    assert (sample.conversions.sum(), sample.nulls.sum()) == (19_785, 68_602)
    result = attribute(sample, "markov_1")
    effect = dict(zip(sample.channels, result.removal_effect, strict=True))
    published = {"alpha": 0.5583994895, "eta": 0.3490263319, "iota": 0.4058350045, "zeta": 0.0398105178}
    assert {name: effect[name] for name in published} == pytest.approx(published, abs=1e-9)
    conversions = dict(zip(sample.channels, result.conversions, strict=True))
    assert conversions["alpha"] == pytest.approx(5344.947682, abs=1e-6)
    assert conversions["zeta"] == pytest.approx(381.062553, abs=1e-6)
    for model in MARKOV:
        assert attribute(sample, model).conversions.sum() == pytest.approx(19_785)

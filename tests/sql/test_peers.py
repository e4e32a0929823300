"""Definitions of other tools against ours, where they state them: what is equal, and where we differ on purpose.

- ClickHouse, `windowFunnel` in default mode (its documentation and source): equal, but for events of one second. There it
  sorts by the number of the condition, so any order of two same-second events counts; here the stated total order decides.
- PostHog, ordered funnels (the MIT part of its public tests, told again on our touchpoints): equal, but for exclusions. There an
  exclusion between two steps takes the person out of the funnel; here it ends the attempt, and the steps reached before it
  count. Unordered: there step k counts whoever took any k steps; here step k is a named step, reached when steps 1 to k happened.
- Umami (its documentation): the window runs between two steps; here from the entry, so a slow walker counts there and not here.
- retentioneering, step matrix (its user guide): equal, our ends told apart. Its funnel knows no window: equal to our
  `ever_reached_count`. Its sessions end by a pause longer than the timeout: equal, where ours are not cut by length or
  campaign.
  `python -m benchmarks.journeys` compares all four, and pm4py's, on the same events.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.macros import load_macros
from tests.sql.runner import Room, load_configuration_of
from tests.sql.test_funnel_oracle import STEPS, configured, visits
from tests.sql.test_properties import START, scope

SIGN_UP, PAY, WATCH = "newsletter_signup", "cart_updated", "content_download"


def room_of(walks: dict[int, list[tuple[float, str]]], mode: str = "ordered") -> Room:
    """Customers by number with (hours since the start, touchpoint type); touchpoint ids follow the list."""
    rows = [
        (str(customer), str(START + timedelta(hours=hours)), kind)
        for customer, walk in walks.items()
        for hours, kind in walk
    ]
    names = ("customer_id", "occurred_at", "touchpoint_type")
    table = {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)}
    table["touchpoint_id"] = pa.array([str(number) for number in range(len(rows))], pa.string())
    table["source_row_number"] = pa.array([str(number + 1) for number in range(len(rows))], pa.string())
    room = Room({"touchpoint_scope": pa.table(table)}, configured(mode))
    room.build("touchpoint")
    for name in ("funnel_people", "funnel"):
        room.connection.execute(load_macros()[name].text)
    return room


def depths(room: Room, steps: list[str], **options: object) -> dict[int, int]:
    """Customer → steps taken."""
    given = "".join(f", {name} := {value!r}" for name, value in options.items())
    return dict(room.rows(f"select customer_id, step_count from funnel_people({steps}{given})"))


def counts(room: Room, steps: list[str], **options: object) -> list[int]:
    """Customers per step."""
    given = "".join(f", {name} := {value!r}" for name, value in options.items())
    return [row[0] for row in room.rows(f"select reached_count from funnel({steps}{given}) order by step_number")]


# --- ClickHouse ------------------------------------------------------------------------------------------------------------


def window_funnel(walk: list[tuple[int, str]], steps: list[str], window: int) -> int:
    """`windowFunnel(window)` in default mode as ClickHouse documents it: the longest chain within the sliding window."""
    entered: list[int | None] = [None] * len(steps)
    best = 0
    for at, kind in sorted(walk, key=lambda item: (item[0], steps.index(item[1]) if item[1] in steps else -1)):
        if kind not in steps:
            continue
        number = steps.index(kind)
        if number == 0:
            entered[0] = at
            best = max(best, 1)
        else:
            before = entered[number - 1]
            if before is not None and at <= before + window:
                entered[number] = before
                best = max(best, number + 1)
    return best


walks_of_one = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from([*STEPS, "chat"])), max_size=12, unique_by=lambda item: item[0]
)


# Many customers at a time: a room costs more than what happens in it. For the same reason a failure is not shrunk.
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(walks_of_one, min_size=30, max_size=60))
def test_ordered_is_the_default_mode_of_clickhouse(walks: list[list[tuple[int, str]]]) -> None:
    room = room_of(dict(enumerate(walks)))
    expected = {number: window_funnel(walk, STEPS, 24) for number, walk in enumerate(walks)}
    assert depths(room, STEPS, window_days=1) == {number: depth for number, depth in expected.items() if depth}


def test_same_second_follows_the_total_order_and_not_the_order_of_the_steps() -> None:
    """Catalogue order: page_view, cart_updated, order_placed. ClickHouse would count both funnels to the end."""
    room = room_of({1: [(0, "order_placed"), (0, "cart_updated"), (0, "page_view")]})
    assert depths(room, ["page_view", "cart_updated", "order_placed"]) == {1: 3}
    assert depths(room, ["order_placed", "cart_updated", "page_view"]) == {1: 1}
    walk = [(0, "order_placed"), (0, "cart_updated"), (0, "page_view")]
    assert window_funnel(walk, ["order_placed", "cart_updated", "page_view"], 24) == 3


def test_the_window_includes_its_last_second() -> None:
    room = room_of(
        {1: [(0, "page_view"), (24, "cart_updated")], 2: [(0, "page_view"), (24 + 1 / 3600, "cart_updated")]}
    )
    assert depths(room, ["page_view", "cart_updated"], window_days=1) == {1: 2, 2: 1}


# --- PostHog ---------------------------------------------------------------------------------------------------------------


def test_ordered_funnels_are_those_of_posthog() -> None:
    """Its basic case: who stopped after each step, who skipped the entry, who came in the wrong order."""
    room = room_of(
        {
            1: [(0, SIGN_UP)],
            2: [(0, SIGN_UP), (1, PAY)],
            3: [(0, SIGN_UP), (1, PAY), (2, WATCH)],
            4: [(0, WATCH)],
            5: [(0, PAY), (1, SIGN_UP), (2, WATCH)],
        }
    )
    assert counts(room, [SIGN_UP, PAY, WATCH], window_days=14) == [4, 2, 1]
    # A step that was skipped counts neither itself nor what follows.
    assert counts(room_of({1: [(0, SIGN_UP), (1, WATCH)]}), [SIGN_UP, PAY, WATCH]) == [1, 0, 0]


def test_a_second_attempt_may_succeed_where_the_first_ran_out() -> None:
    """Repeated entries, as in PostHog's cases with repeated steps: the later entry opens its own window."""
    room = room_of({1: [(0, SIGN_UP), (48, SIGN_UP), (60, PAY)], 2: [(0, SIGN_UP), (60, PAY)]})
    assert depths(room, [SIGN_UP, PAY], window_days=1) == {1: 2, 2: 1}


def test_an_exclusion_ends_the_attempt_and_takes_nobody_out() -> None:
    """PostHog leaves customer 2 out altogether ([1, 1]); here the entry stays counted."""
    room = room_of({1: [(0, SIGN_UP), (2, PAY)], 2: [(0, SIGN_UP), (1, "chat"), (2, PAY)]})
    assert counts(room, [SIGN_UP, PAY], exclusions=["chat"]) == [2, 1]
    # After the exclusion a new attempt may begin.
    again = room_of({1: [(0, SIGN_UP), (1, "chat"), (2, SIGN_UP), (3, PAY)]})
    assert counts(again, [SIGN_UP, PAY], exclusions=["chat"]) == [1, 1]


def test_unordered_asks_for_named_steps() -> None:
    """In any order; PostHog counts customer 2 at step 2 too (any two of three), here step 2 is `PAY`, which is missing."""
    room = room_of({1: [(0, WATCH), (1, PAY), (2, SIGN_UP)], 2: [(0, WATCH), (1, SIGN_UP)]})
    assert counts(room, [SIGN_UP, PAY, WATCH], mode="unordered") == [2, 1, 1]


def test_a_trial_younger_than_the_window_is_open_and_not_lost() -> None:
    """At the data date (1 June): 1 paid, 2 let the window pass, 3 entered an hour ago. Peers say 1 in 3, or drop 3."""
    late = (datetime(2024, 6, 1) - START) / timedelta(hours=1) - 1
    room = room_of({1: [(0, SIGN_UP), (1, PAY)], 2: [(0, SIGN_UP)], 3: [(late, SIGN_UP)]})
    columns = "reached_count, previous_share, dropped_count, open_count"
    rows = room.rows(f"select {columns} from funnel(['{SIGN_UP}', '{PAY}']) order by step_number")
    assert rows == [(3, None, 1, 1), (1, 0.5, 0, 0)]


# --- Umami -----------------------------------------------------------------------------------------------------------------


def umami(walk: list[tuple[float, str]], steps: list[str], hours: float) -> int:
    """Umami's rule in words: each step within the window of the step before it."""
    reached = [at for at, kind in walk if kind == steps[0]]
    depth = 1 if reached else 0
    for step in steps[1:]:
        reached = [at for at, kind in walk if kind == step and any(0 <= at - before <= hours for before in reached)]
        if not reached:
            break
        depth += 1
    return depth


def test_the_window_runs_from_the_entry_and_not_between_steps_as_in_umami() -> None:
    slow = [(0.0, SIGN_UP), (20.0, PAY), (40.0, WATCH)]
    assert umami(slow, [SIGN_UP, PAY, WATCH], 24) == 3
    assert depths(room_of({1: slow}), [SIGN_UP, PAY, WATCH], window_days=1) == {1: 2}
    quick = [(0.0, SIGN_UP), (10.0, PAY), (24.0, WATCH)]
    assert umami(quick, [SIGN_UP, PAY, WATCH], 24) == 3
    assert depths(room_of({1: quick}), [SIGN_UP, PAY, WATCH], window_days=1) == {1: 3}


# --- the tables --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["ordered", "strict", "unordered"])
@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(visits, min_size=20, max_size=40))
def test_the_macro_and_the_table_count_the_same(mode: str, walks: list[list[tuple[int, str]]]) -> None:
    """funnel_people, which searches from every entry, and funnel_progress, which carries entries along."""
    rows = [
        (customer, hours * 60, kind, "second", False, None, None)
        for customer, walk in enumerate(walks)
        for hours, kind in walk
    ]
    room = Room({"touchpoint_scope": scope(rows)}, configured(mode), START + timedelta(hours=40))
    for name in ("touchpoint", "funnel_step"):
        room.build(name)
    for name in ("funnel_people", "funnel"):
        room.connection.execute(load_macros()[name].text)
    table = room.rows(
        "select step_number, reached_count, dropped_count, open_count, previous_share, entered_share"
        " from funnel_step where funnel = 'shop' order by 1"
    )
    macro = room.rows(
        "select step_number, reached_count, dropped_count, open_count, previous_share, entered_share"
        f" from funnel({STEPS}, window_days := 1, mode := '{mode}', exclusions := ['order_cancelled']) order by 1"
    )
    assert [row[:2] for row in macro] == [row[:2] for row in table]
    people = depths(room, STEPS, window_days=1, mode=mode, exclusions=["order_cancelled"])
    assert people == dict(
        room.rows("select customer_id, max(step_number) from funnel_progress where funnel = 'shop' group by 1")
    )
    if mode != "unordered":
        assert macro == table


# --- retentioneering ---------------------------------------------------------------------------------------------------------


def test_step_matrix_is_that_of_retentioneering() -> None:
    """The example of its user guide, worked out by hand: main, catalog, product, cart, order of four users."""
    main, catalog, product, cart, order = (
        "page_view",
        "site_search",
        "content_download",
        "cart_updated",
        "checkout_started",
    )
    walks = {
        1: [main, catalog, product, cart, catalog],
        2: [main],
        3: [main, catalog, catalog, product, cart, order],
        4: [catalog, product, main, catalog],
    }
    rows = {customer: list(enumerate(walk)) for customer, walk in walks.items()}
    others = dict.fromkeys(("purchase", "service", "onboarding", "visit", "administrative", "contract", "campaign"))
    journey = {
        "label": "Everything", "family": "purchase", "starts": "any", "includes": "all", "goals": ["refund_paid"], "gap_days": 9,
    }  # fmt: skip
    configuration = load_configuration_of(
        {"journeys": {**others, "all": journey}, "attribution": {"definition": "all"}}, Path("oracle/case.yaml")
    )
    table = pa.table(
        {
            "touchpoint_id": [str(c * 10 + n) for c, walk in rows.items() for n, _ in walk],
            "customer_id": [str(c) for c, walk in rows.items() for _ in walk],
            "occurred_at": [str(START + timedelta(minutes=n)) for walk in rows.values() for n, _ in walk],
            "touchpoint_type": [kind for walk in rows.values() for _, kind in walk],
        }
    )
    room = Room({"touchpoint_scope": table}, configuration)
    room.build("step_matrix")
    found: dict[int, dict[str, float]] = {}
    for number, state, share in room.rows("select step_number, state, journey_share from step_matrix"):
        found.setdefault(number, {})[state] = share
    ended = "(dropped)"
    assert found == {
        1: {main: 0.75, catalog: 0.25},
        2: {catalog: 0.5, product: 0.25, ended: 0.25},
        3: {product: 0.25, catalog: 0.25, main: 0.25, ended: 0.25},
        4: {cart: 0.25, product: 0.25, catalog: 0.25, ended: 0.25},
        5: {catalog: 0.25, cart: 0.25, ended: 0.5},
        6: {order: 0.25, ended: 0.75},
    }


def walked_through(walk: list[str], steps: list[str]) -> int:
    """retentioneering's funnel in its own words: step k is reached where events i1 < i2 < … < ik are the steps in order."""
    depth = 0
    for kind in walk:
        if depth < len(steps) and kind == steps[depth]:
            depth += 1
    return depth


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(walks_of_one, min_size=30, max_size=60))
def test_the_funnel_without_a_window_is_that_of_retentioneering(walks: list[list[tuple[int, str]]]) -> None:
    room = room_of({number: [(float(at), kind) for at, kind in walk] for number, walk in enumerate(walks)})
    room.build("funnel_reach")
    found = room.rows("select ever_reached_count from funnel_reach where funnel = 'shop' order by step_number")
    depth = [walked_through([kind for _, kind in sorted(walk)], STEPS) for walk in walks]
    assert [n for (n,) in found] == [sum(reached >= step for reached in depth) for step in range(1, len(STEPS) + 1)]


def test_sessions_end_where_those_of_retentioneering_end() -> None:
    """A pause of exactly the timeout (30 minutes) goes on, a second more does not; each customer has their own."""
    second = 1 / 3600
    room = room_of({1: [(0, "page_view"), (0.5, "page_view"), (1 + second, "page_view")], 2: [(0.25, "page_view")]})
    assert room.rows(
        "select customer_id, session_id, count(*) from spine group by customer_id, session_id order by 1, 2"
    ) == [(1, 0, 2), (1, 2, 1), (2, 3, 1)]

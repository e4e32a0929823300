"""Laws that hold for any company: counts add up, credit is conserved, the order of input rows means nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.catalogue import load_catalogue
from models.configuration import load_configuration
from models.contract import load_contracts
from pipelines.model_files import load_models
from tests.sql.runner import Room

START = datetime(2024, 4, 1)
TYPES = [
    "page_view", "cart_updated", "checkout_started", "order_placed", "order_cancelled", "payment_failed", "ad_click",
    "call_inbound", "ticket_opened", "ticket_resolved", "email_sent", "survey_answered", "complaint", "unmapped",
    "email_unsubscribed", "contract_terminated",
]  # fmt: skip
# Few moments and few customers, so that ties, exact gaps and long journeys happen.
MINUTES = [0, 0, 1, 30, 60, 91, 24 * 60, 7 * 24 * 60, 14 * 24 * 60, 30 * 24 * 60, 30 * 24 * 60 + 1, 60 * 24 * 60 + 30]

touchpoint = st.tuples(
    st.sampled_from([None, 1, 1, 2, 3]),
    st.sampled_from(MINUTES),
    st.sampled_from(TYPES),
    st.sampled_from(["second", "second", "minute", "day"]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([None, 0.0, 0.4, 1.0]),
    st.sampled_from([None, 10.1, 0.2]),
)
companies = st.lists(touchpoint, max_size=40)


def scope(rows: list[tuple], order: list[int] | None = None) -> pa.Table:
    """touchpoint_scope as text, as a case file would hold it; ids follow the list, `order` only moves rows about."""
    names = [
        "customer_id", "occurred_at", "touchpoint_type", "occurred_at_precision", "is_bot", "score_scaled",
        "amount_base", "touchpoint_id", "source_row_number", "source_row_id",
    ]  # fmt: skip
    records = [
        (customer, START + timedelta(minutes=minutes), *rest, number * 7919 % 1009, number % 3 + 1, number)
        for number, (customer, minutes, *rest) in enumerate(rows)
    ]
    arranged = [records[position] for position in order] if order is not None else records
    columns = [[None if value is None else str(value) for value in column] for column in zip(*arranged, strict=True)]
    if not arranged:
        columns = [[] for _ in names]
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})


def company(table: pa.Table) -> Room:
    room = Room({"touchpoint_scope": table})
    for name in load_models():
        room.build(name)
    return room


def contents(room: Room) -> dict[str, list[tuple]]:
    return {name: sorted(room.rows(f"select * from {name}"), key=repr) for name in load_models()}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(companies, st.randoms(use_true_random=False))
def test_order_of_rows_means_nothing_and_every_check_holds(rows: list[tuple], random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    room = company(scope(rows))
    assert contents(room) == contents(company(scope(rows, order)))
    for name in load_models():
        for check in load_contracts()[name].generated_checks():
            if check.severity == "fail":
                assert room.rows(check.on(name)) == [(0,)], (name, check.name)


def plain_journeys(
    rows: list[tuple], starts: set[str], included: set[str], ends: set[str], gap: timedelta
) -> set[tuple[int, tuple[int, ...]]]:
    """Journeys by walking each customer's touchpoints one by one: the definition in words, without windows."""
    catalogue = load_catalogue()
    ranks = {"day": 0, "minute": 1, "second": 2}
    walked: dict[int, list[tuple]] = {}
    for number, (customer, minutes, kind, precision, is_bot, *_) in enumerate(rows):
        if customer is not None and not is_bot and kind in included:
            at = START + timedelta(minutes=minutes)
            order = (at, ranks[precision], catalogue[kind].sort_rank, number % 3 + 1, number * 7919 % 1009)
            walked.setdefault(customer, []).append((order, kind))
    found = set()
    for customer, touchpoints in walked.items():
        steps: list[tuple] = []
        previous = None
        for order, kind in sorted(touchpoints):
            if steps and previous is not None and order[0] - previous > gap:
                found.add((customer, tuple(steps)))
                steps = []
            if steps or kind in starts:
                steps.append(order[4])
                if kind in ends:
                    found.add((customer, tuple(steps)))
                    steps = []
            previous = order[0]
        if steps:
            found.add((customer, tuple(steps)))
    return found


@settings(max_examples=25, deadline=None)
@given(companies)
def test_journeys_are_those_of_a_plain_walk(rows: list[tuple]) -> None:
    room = Room({"touchpoint_scope": scope(rows)})
    room.build("journey")
    for name, journey in load_configuration().journeys.items():
        types = journey.types()
        expected = plain_journeys(
            rows,
            {kind for kind, role in types.items() if role.is_start},
            set(types),
            {kind for kind, role in types.items() if role.is_goal or role.is_exit},
            timedelta(days=journey.gap_days),
        )
        steps: dict[tuple, list[int]] = {}
        for customer, journey_id, touchpoint_id in room.rows(
            "select customer_id, journey_id, touchpoint_id from journey_step"
            f" where journey_definition = '{name}' order by journey_id, step_number"
        ):
            steps.setdefault((customer, journey_id), []).append(touchpoint_id)
        assert {(customer, tuple(ids)) for (customer, _), ids in steps.items()} == expected

"""Identity resolution against components found by plain search, and the laws it must keep."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from models.identity import TypeRule, resolve

RULES = {
    "email": TypeRule(1),
    "customer_number": TypeRule(0),
    "phone": TypeRule(5, (("email", 1),)),
}
START = dt.datetime(2026, 1, 1)


def identifiers(rows: list[tuple[str, bool, int | None, int]]) -> pa.Table:
    """(type, is_blocked, minute first seen, first record id) per identifier, in code order."""
    return pa.table(
        {
            "identifier_code": pa.array(range(len(rows)), pa.int32()),
            "identifier_type": pa.array([row[0] for row in rows]),
            "is_blocked": pa.array([row[1] for row in rows]),
            "first_seen_at": pa.array(
                [None if row[2] is None else START + dt.timedelta(minutes=row[2]) for row in rows], pa.timestamp("us")
            ),
            "first_record_id": pa.array([row[3] for row in rows], pa.int64()),
        }
    )


def pairs(rows: list[tuple[int, int]]) -> pa.Table:
    return pa.table(
        {
            "left_code": pa.array([row[0] for row in rows], pa.int32()),
            "right_code": pa.array([row[1] for row in rows], pa.int32()),
        }
    )


def customers(table: pa.Table) -> list[int]:
    return table["customer_id"].to_pylist()


def test_identifiers_of_one_record_are_one_customer_named_by_the_earliest_record() -> None:
    table = identifiers([("email", False, 5, 50), ("customer_number", False, 3, 30), ("email", False, 1, 10)])
    assert customers(resolve(table, pairs([(0, 1)]), RULES)) == [30, 30, 10]


def test_a_record_without_time_names_a_customer_only_when_there_is_no_other() -> None:
    table = identifiers([("email", False, None, 1), ("customer_number", False, 9, 90)])
    assert customers(resolve(table, pairs([(0, 1)]), RULES)) == [90, 90]
    alone = identifiers([("email", False, None, 1)])
    assert customers(resolve(alone, pairs([]), RULES)) == [1]


def test_a_shared_phone_links_nobody_and_gets_a_customer_of_its_own() -> None:
    table = identifiers([("email", False, 1, 10), ("email", False, 2, 20), ("phone", False, 1, 10)])
    resolved = resolve(table, pairs([(0, 2), (1, 2)]), RULES)
    first, second, phone = customers(resolved)
    assert (first, second) == (10, 20)
    assert phone not in (10, 20)
    assert resolved["is_guarded"].to_pylist() == [False, False, True]
    assert resolved["guard_reason"][2].as_py() == "met email more than 1 time(s)"


def test_a_phone_of_one_person_links() -> None:
    table = identifiers([("email", False, 1, 10), ("customer_number", False, 2, 20), ("phone", False, 3, 30)])
    assert customers(resolve(table, pairs([(0, 2), (1, 2)]), RULES)) == [10, 10, 10]


def test_a_blocked_value_links_nobody_and_does_not_count_towards_a_limit() -> None:
    table = identifiers([("email", True, 1, 10), ("email", False, 2, 20), ("phone", False, 3, 30)])
    resolved = resolve(table, pairs([(0, 1), (0, 2), (1, 2)]), RULES)
    assert customers(resolved)[1:] == [20, 20]
    assert customers(resolved)[0] != 20
    assert resolved["guard_reason"].to_pylist() == ["blocked value", None, None]


def test_no_identifiers_at_all() -> None:
    assert resolve(identifiers([]), pairs([]), RULES).num_rows == 0


@st.composite
def evidence(draw: st.DrawFn) -> tuple[list[tuple[str, bool, int | None, int]], list[tuple[int, int]]]:
    count = draw(st.integers(1, 25))
    rows = [
        (
            draw(st.sampled_from(sorted(RULES))),
            draw(st.booleans()) and draw(st.booleans()),
            draw(st.one_of(st.none(), st.integers(0, 30))),
            code * 7 + 1,
        )
        for code in range(count)
    ]
    edges = draw(
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1]),
            max_size=40,
            unique=True,
        )
    )
    return rows, edges


@settings(max_examples=200, deadline=None)
@given(evidence(), st.randoms(use_true_random=False))
def test_components_equal_a_plain_search_whatever_the_order(
    given_evidence: tuple[list[tuple[str, bool, int | None, int]], list[tuple[int, int]]], random: object
) -> None:
    rows, edges = given_evidence
    resolved = resolve(identifiers(rows), pairs(edges), RULES)
    guarded = resolved["is_guarded"].to_pylist()
    met: dict[int, set[int]] = {}
    for left, right in edges:
        for code, other in ((left, right), (right, left)):
            if rows[code][0] == "phone" and rows[other][0] == "email" and not rows[other][1]:
                met.setdefault(code, set()).add(other)
    assert guarded == [row[1] or len(met.get(code, ())) > 1 for code, row in enumerate(rows)]

    neighbours: dict[int, set[int]] = {code: set() for code in range(len(rows))}
    for left, right in edges:
        if not guarded[left] and not guarded[right]:
            neighbours[left].add(right)
            neighbours[right].add(left)
    result = customers(resolved)
    for code in range(len(rows)):
        reached, todo = {code}, [code]
        while todo:
            for other in neighbours[todo.pop()] - reached:
                reached.add(other)
                todo.append(other)
        assert {other for other in range(len(rows)) if result[other] == result[code]} == reached
        if not guarded[code]:
            late = 10**9
            earliest = min(reached, key=lambda c: (late if rows[c][2] is None else rows[c][2], rows[c][3]))
            assert result[code] == rows[earliest][3]

    shuffled = list(edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    flipped = [(right, left) if index % 2 else (left, right) for index, (left, right) in enumerate(shuffled)]
    assert customers(resolve(identifiers(rows), pairs(flipped), RULES)) == result

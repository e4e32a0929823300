"""Identity resolution against plain search in small graphs, the laws it must keep, and graphs of awkward shapes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.customer_id import mint
from models.identity import DECISION, DIGEST, MISSING_TIME, RECORD, SYSTEM_LINK, TypeRule, exceeds, resolve

RULES = {
    "customer_number": TypeRule(1, is_unique=True),
    "email": TypeRule(3),
    "phone": TypeRule(5),
    "cookie": TypeRule(7, is_device=True),
}
START = dt.datetime(2026, 1, 1)
DAY = 86_400_000_000


@dataclass(frozen=True)
class Node:
    """An identifier: type, when and in which record it was seen first, and whether it is guarded."""

    kind: str
    minute: int | None = 0
    record: int = 0
    guarded: bool = False


@dataclass(frozen=True)
class Edge:
    """Two identifiers that belong together by some rule."""

    left: int
    right: int
    rank: int = RECORD
    records: int = 1


@dataclass(frozen=True)
class Found:
    """A resolution in plain lists."""

    cluster: list[tuple[int, int]]
    component: list[int]
    ambiguous: list[bool]
    refused: list[tuple[int, int, str]] = field(default_factory=list)

    def same(self, one: int, other: int) -> bool:
        return self.cluster[one] == self.cluster[other]


def run(nodes: Sequence[Node], edges: Sequence[Edge], apart: Sequence[tuple[int, int]] = ()) -> Found:
    """`resolve` on plain lists; a node's key is 1000 plus its code."""
    table = pa.table(
        {
            "identifier_code": pa.array(range(len(nodes)), pa.int32()),
            "identifier_type": pa.array([node.kind for node in nodes], pa.string()),
            "identifier_key": pa.array([1000 + code for code in range(len(nodes))], pa.int64()),
            "is_guarded": pa.array([node.guarded for node in nodes], pa.bool_()),
            "first_seen_at": pa.array(
                [None if node.minute is None else START + dt.timedelta(minutes=node.minute) for node in nodes],
                pa.timestamp("us"),
            ),
            "first_record_id": pa.array([node.record for node in nodes], pa.int64()),
        }
    )
    pairs = pa.table(
        {
            "left_code": pa.array([edge.left for edge in edges], pa.int32()),
            "right_code": pa.array([edge.right for edge in edges], pa.int32()),
            "rule_rank": pa.array([edge.rank for edge in edges], pa.int32()),
            "record_count": pa.array([edge.records for edge in edges], pa.int32()),
        }
    )
    declared = pa.table(
        {
            "left_code": pa.array([a for a, _ in apart], pa.int32()),
            "right_code": pa.array([b for _, b in apart], pa.int32()),
        }
    )
    found = resolve(table, pairs, RULES, declared)
    assigned = found.assignment
    return Found(
        list(zip(assigned["anchor_record_id"].to_pylist(), assigned["anchor_tag"].to_pylist(), strict=True)),
        assigned["component_code"].to_pylist(),
        assigned["is_ambiguous"].to_pylist(),
        sorted(zip(*(found.refused[name].to_pylist() for name in found.refused.column_names), strict=True)),
    )


# --- what becomes one customer, and its name ---------------------------------------------------------------------------


def test_identifiers_of_one_record_are_one_customer_named_by_the_earliest_record() -> None:
    found = run([Node("email", 5, 50), Node("phone", 3, 30), Node("email", 1, 10)], [Edge(0, 1)])
    assert found.cluster == [(30, 0), (30, 0), (10, 0)]


def test_a_record_without_time_names_a_customer_only_when_there_is_no_other() -> None:
    nodes = [Node("email", None, 1), Node("phone", 9, 90)]
    assert run(nodes, [Edge(0, 1)]).cluster == [(90, 0), (90, 0)]
    assert run(nodes[:1], []).cluster == [(1, 0)]


def test_a_guarded_identifier_links_nobody_and_has_an_id_of_its_own() -> None:
    nodes = [Node("email", 1, 10), Node("email", 2, 20), Node("phone", 1, 10, guarded=True)]
    assert run(nodes, [Edge(0, 2), Edge(1, 2)]).cluster == [(10, 0), (20, 0), (10, 1002)]


def test_no_identifiers_at_all() -> None:
    assert run([], []).cluster == []


# --- what no person can have twice -------------------------------------------------------------------------------------


def test_two_customer_numbers_are_never_merged_whole() -> None:
    """Two customers share a mailbox; it stays with the one of whom more records name it."""
    nodes = [Node("customer_number", 1, 10), Node("email", 1, 10), Node("customer_number", 5, 50)]
    found = run(nodes, [Edge(0, 1, records=2), Edge(1, 2, records=3)])
    assert not found.same(0, 2)
    assert found.same(1, 2)
    assert found.refused == [(0, 1, "two values of customer_number")]
    # the record that first named number and mailbox gives the number its id; the mailbox is with the other
    assert found.cluster[0] == (10, 0)
    assert found.cluster[1] == (10, 1001)


def test_the_stronger_pair_is_joined_first() -> None:
    """customer_number – email binds more than customer_number – phone, however often the phone was named."""
    nodes = [Node("customer_number"), Node("customer_number"), Node("email"), Node("phone")]
    found = run(nodes, [Edge(0, 3, records=9), Edge(2, 3, records=9), Edge(1, 2)])
    assert found.same(1, 2)
    assert not found.same(0, 1)


def test_a_part_gets_back_the_id_it_had_before() -> None:
    nodes = [Node("email", 1, 10), Node("phone", 2, 20), Node("email", 3, 30)]
    apart, together = run(nodes, [Edge(0, 1)]), run(nodes, [Edge(0, 1), Edge(1, 2)])
    assert apart.cluster[2] == (30, 0)
    assert together.cluster == [(10, 0)] * 3, "the older id survives"
    assert run(nodes, [Edge(0, 1), Edge(1, 2)], apart=[(0, 2)]).cluster[2] == (30, 0)


def test_a_systems_own_merge_joins_two_numbers_of_that_system_but_not_other_peoples() -> None:
    numbers = [Node("customer_number"), Node("customer_number")]
    assert run(numbers, [Edge(0, 1, SYSTEM_LINK)]).same(0, 1)
    contacts = [*numbers, Node("email"), Node("email")]
    found = run(contacts, [Edge(0, 2), Edge(1, 3), Edge(2, 3, SYSTEM_LINK)])
    assert not found.same(0, 1)


def test_contradictory_merges_and_cycles_are_harmless() -> None:
    """1 into 2, 2 into 3, 3 into 1, and a person who says that 1 and 3 are two people."""
    nodes = [Node("customer_number", n, 10 * n) for n in range(4)]
    cycle = [Edge(1, 2, SYSTEM_LINK), Edge(2, 3, SYSTEM_LINK), Edge(3, 1, SYSTEM_LINK), Edge(1, 1, SYSTEM_LINK)]
    assert len(set(run(nodes, cycle).cluster[1:])) == 1
    found = run(nodes, cycle, apart=[(1, 3)])
    assert not found.same(1, 3)
    assert found.same(1, 2) or found.same(2, 3)
    assert "decision: different" in {reason for _, _, reason in found.refused}


def test_a_decision_joins_what_rules_keep_apart() -> None:
    nodes = [Node("customer_number"), Node("customer_number")]
    assert run(nodes, [Edge(0, 1, DECISION)]).same(0, 1)


def test_a_decision_about_any_two_identifiers_joins_all_that_two_people_have() -> None:
    """Two mailboxes of one person who has two customer numbers: none of the four is left behind, nor anybody else drawn in."""
    nodes = [Node(kind, 1, code) for code, kind in enumerate(["customer_number", "email"] * 3)]
    own = [Edge(0, 1), Edge(2, 3), Edge(4, 5)]
    found = run(nodes, [*own, Edge(1, 3, DECISION), Edge(3, 5)])
    assert found.same(0, 1) and found.same(1, 2) and found.same(2, 3) and found.same(4, 5)
    assert not found.same(0, 4)
    assert found.refused == [(3, 5, "two values of customer_number")]
    # what the first is not, the second is not either
    apart = run(nodes, [*own, Edge(1, 3, DECISION), Edge(3, 5)], apart=[(1, 5)])
    assert apart.same(0, 2) and not apart.same(0, 4)


def test_a_device_between_two_people_is_ambiguous_and_joins_neither() -> None:
    nodes = [
        Node("customer_number", 1, 10),
        Node("cookie", 1, 10),
        Node("customer_number", 2, 20),
        Node("cookie", 3, 30),
    ]
    found = run(nodes, [Edge(0, 1), Edge(1, 2), Edge(2, 3)])
    assert found.ambiguous == [False, True, False, False]
    assert found.same(2, 3)
    assert len({found.cluster[0], found.cluster[1], found.cluster[2]}) == 3
    assert found.refused == []
    assert found.component == [0, 0, 0, 0], "a night that touches the device reaches both people"


# --- laws --------------------------------------------------------------------------------------------------------------


@st.composite
def evidence(draw: st.DrawFn) -> tuple[list[Node], list[Edge], list[tuple[int, int]]]:
    count = draw(st.integers(1, 16))
    nodes = [
        Node(
            draw(st.sampled_from(sorted(RULES))),
            draw(st.one_of(st.none(), st.integers(0, 9))),
            draw(st.integers(0, 12)),
            draw(st.integers(0, 9)) == 0,
        )
        for _ in range(count)
    ]
    ends = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    edges = draw(st.lists(ends, max_size=30, unique=True)) if count > 1 else []
    ranks = st.sampled_from([DECISION, SYSTEM_LINK, DIGEST, RECORD, RECORD, RECORD])
    apart = draw(st.lists(ends, max_size=2, unique=True)) if count > 1 else []
    return nodes, [Edge(a, b, draw(ranks), draw(st.integers(1, 3))) for a, b in edges], apart


def search(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Smallest code of each code's component, by plain search."""
    near: dict[int, set[int]] = {code: set() for code in range(count)}
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    smallest = []
    for code in range(count):
        seen, todo = {code}, [code]
        while todo:
            for other in near[todo.pop()] - seen:
                seen.add(other)
                todo.append(other)
        smallest.append(min(seen))
    return smallest


@settings(max_examples=300, deadline=None)
@given(evidence(), st.randoms(use_true_random=False))
def test_laws(given_evidence: tuple[list[Node], list[Edge], list[tuple[int, int]]], random: Random) -> None:
    nodes, edges, apart = given_evidence
    found = run(nodes, edges, apart)
    usable = [(e.left, e.right) for e in edges if not nodes[e.left].guarded and not nodes[e.right].guarded]
    assert found.component == search(len(nodes), usable)
    clusters: dict[tuple[int, int], list[int]] = {}
    for code, name in enumerate(found.cluster):
        clusters.setdefault(name, []).append(code)
    explicit = {(e.left, e.right) for e in edges if e.rank in (DECISION, SYSTEM_LINK)}
    for name, members in clusters.items():
        # a cluster is inside one component, nothing declared different is in it, and two numbers only where someone said so
        if len(members) > 1:
            assert not any(nodes[code].guarded or found.ambiguous[code] for code in members)
        assert len({found.component[code] for code in members}) == 1
        assert not any(a in members and b in members for a, b in apart)
        numbers = [code for code in members if nodes[code].kind == "customer_number"]
        inside = [(a, b) for a, b in explicit if a in members and b in members]
        assert len(numbers) <= 1 + len(inside)
        # it is connected by its own pairs, and named by its earliest record
        own = [(a, b) for a, b in usable if a in members and b in members]
        assert len({search(len(nodes), own)[code] for code in members}) == 1
        earliest = min((nodes[code].minute is None, nodes[code].minute or 0, nodes[code].record) for code in members)
        assert name[0] == earliest[2]
    # a decision holds unless another one says otherwise, whatever rules its people break together
    for e in edges:
        if e.rank == DECISION and not apart and (e.left, e.right) in usable:
            assert found.same(e.left, e.right) or found.ambiguous[e.left] or found.ambiguous[e.right]
    # components without two numbers and without a decision are clusters whole
    for start in set(found.component):
        members = [code for code in range(len(nodes)) if found.component[code] == start]
        numbers = [code for code in members if nodes[code].kind == "customer_number"]
        if len(numbers) < 2 and not any(a in members and b in members for a, b in apart):
            assert len({found.cluster[code] for code in members}) == 1
    # no two clusters have one name, and pairs between clusters are told unless a device explains them
    refused = {(a, b) for a, b, _ in found.refused}
    for a, b in usable:
        device = found.ambiguous[a] or found.ambiguous[b]
        assert found.same(a, b) or device or (a, b) in refused
    shuffled = list(edges)
    random.shuffle(shuffled)
    flipped = [Edge(e.right, e.left, e.rank, e.records) if n % 2 else e for n, e in enumerate(shuffled)]
    again = run(nodes, flipped, [(b, a) for a, b in apart])
    assert (again.cluster, again.ambiguous) == (found.cluster, found.ambiguous)


@settings(max_examples=100, deadline=None)
@given(evidence(), evidence())
def test_components_do_not_see_each_other(
    one: tuple[list[Node], list[Edge], list[tuple[int, int]]],
    other: tuple[list[Node], list[Edge], list[tuple[int, int]]],
) -> None:
    """What makes a night exact: resolving some components gives what resolving all of them gives."""
    shift = len(one[0])
    # records are shared within a component only, as in life: two identifiers of one record are a pair
    second = [Node(n.kind, n.minute, n.record + 100, n.guarded) for n in other[0]]
    moved = [Edge(e.left + shift, e.right + shift, e.rank, e.records) for e in other[1]]
    both = run([*one[0], *second], [*one[1], *moved], [*one[2], *((a + shift, b + shift) for a, b in other[2])])
    alone = run(*one)
    assert both.cluster[:shift] == alone.cluster
    assert both.ambiguous[:shift] == alone.ambiguous


# --- limits ------------------------------------------------------------------------------------------------------------


def test_a_limit_within_a_window_is_inclusive() -> None:
    others, times = np.array([1, 2]), np.array([0, 30 * DAY])
    assert exceeds(others, times, 1, 30)
    assert not exceeds(others, times + np.array([0, 1]), 1, 30)
    assert exceeds(others, times + np.array([0, 1]), 1, None)
    assert not exceeds(others, times, 2, None)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 20))), min_size=1, max_size=12),
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(1, 8)),
)
def test_limits_equal_a_look_at_every_window(
    meetings: list[tuple[int, int | None]], limit: int, window: int | None
) -> None:
    others = np.array([other for other, _ in meetings])
    times = np.array([MISSING_TIME if day is None else day * DAY for _, day in meetings], dtype=np.int64)
    wide = 1000 if window is None else window
    expected = any(
        len({other for other, day in meetings if day is None or start <= day <= start + wide}) > limit
        for start in range(-1000, 21)
    )
    assert exceeds(others, times, limit, window) == expected


# --- shapes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conflicted", [False, True])
def test_a_long_chain_and_a_large_star(conflicted: bool) -> None:
    """100,000 identifiers in one chain, and 100,000 around one; with two customer numbers at the ends, too."""
    count = 100_000
    kind = "customer_number" if conflicted else "email"
    chain = [Node(kind, 0, 1), *(Node("email", 1, code) for code in range(2, count)), Node(kind, 2, count)]
    found = run(chain, [Edge(code, code + 1) for code in range(count - 1)])
    assert len(set(found.cluster)) == (2 if conflicted else 1)
    star = [Node("email", 0, 1), *(Node(kind if code < 4 else "phone", 1, code) for code in range(2, 100_001))]
    found = run(star, [Edge(0, code) for code in range(1, 100_000)])
    assert len(set(found.cluster)) == (2 if conflicted else 1)


# --- ids ---------------------------------------------------------------------------------------------------------------


class Key:
    """A digest that gives the key of SipHash's published test vectors."""

    def digest(self) -> bytes:
        return bytes(range(16))


def test_ids_are_siphash_of_record_and_tag() -> None:
    """The vector for the message 00 01 … 0f in the paper's reference implementation, cut to 62 bits."""
    message = np.frombuffer(bytes(range(16)), dtype="<i8")
    with patch.object(hashlib, "blake2b", lambda *_, **__: Key()):
        assert mint(b"", message[:1], message[1:]).tolist() == [0x3F2ACC7F57C29BDB >> 2]


def test_ids_depend_on_the_secret_and_on_nothing_else() -> None:
    records = np.arange(40_000)
    tags = records % 3
    ids = mint(b"one secret", records, tags)
    assert len(set(ids.tolist())) == 40_000
    assert ids.min() >= 0 and ids.max() < 1 << 62
    assert mint(b"one secret", records[::-1], tags[::-1]).tolist() == ids[::-1].tolist()
    assert not set(mint(b"another", records, tags).tolist()) & set(ids.tolist())
    assert len(mint(b"one secret", records[:0], tags[:0])) == 0

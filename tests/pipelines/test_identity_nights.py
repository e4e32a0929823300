"""Identities night by night: any way to the same evidence ends in the same customers, and what is taken away is gone."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.configuration import Configuration
from pipelines.night.decisions import DecisionError
from pipelines.night.id_history import keep_customers
from tests.pipelines.identity_room import IdentityRoom, Record, configured, identity_room

STATE = {
    "identifier_customer": "select i.identifier_type, i.identifier_value, a.cluster_id, a.customer_id, a.is_guarded, "
    "a.is_device, a.guard_reason from state.main.identifier_customer as a join state.main.identifier as i using "
    "(identifier_code)",
    "identifier": "select identifier_type, identifier_value, identifier_key, is_blocked, first_seen_at, first_record_id "
    "from state.main.identifier join state.main.identifier_seen using (identifier_code)",
    "identifier_pair": "select least(l.identifier_key, r.identifier_key), greatest(l.identifier_key, r.identifier_key), "
    "p.record_count, p.link_count from state.main.identifier_pair as p "
    "join state.main.identifier as l on l.identifier_code = p.left_code "
    "join state.main.identifier as r on r.identifier_code = p.right_code",
    "refused_pair": "select least(l.identifier_key, r.identifier_key), greatest(l.identifier_key, r.identifier_key), "
    "p.reason from state.main.refused_pair as p "
    "join state.main.identifier as l on l.identifier_code = p.left_code "
    "join state.main.identifier as r on r.identifier_code = p.right_code",
    "cluster": "select cluster_id, first_seen_at, first_record_id from state.main.cluster",
    "cluster_link": "select cluster_a, cluster_b, match_weight, status, veto_reason from state.main.cluster_link",
    "cluster_group": "select cluster_id, customer_id from state.main.cluster_group",
    "session_customer": "select record_id, customer_id from state.main.session_customer",
    "identifier_refusal": "select record_id, event_type, identifier_value, reason from state.main.identifier_refusal",
}
RULES = """
identity:
  record_limit: 4
  types:
    email: {limit: {customer_number: 2}, window_days: 1}
    phone: {limit: {email: 2}}
"""
OTHER_RULES = """
identity:
  record_limit: 5
  blocked_values: ["bram@example.org"]
  role_mailboxes: []
  types:
    customer_number: {strength: 3, unique: false}
    login: {strength: 1, unique: true}
    email: {limit: {customer_number: 1}}
    phone: {limit: {email: 3}}
    cookie: {device: false}
"""
# What a night brings, the records it takes away, the lines of the decision file, and which of the two rulebooks holds.
Night = tuple[list[Record], list[int], list[str], int]
STANDING = (
    "select customer_id, count(*) from work.main.customer_id_history where valid_to is null group by all order by all"
)
NAMES = [
    *(f"customer_number:{n}" for n in (1, 2, 3)),
    *(f"email:{name}@example.org" for name in ("anna", "bram", "cees", "info")),
    "phone:+31201234567", "phone:+31612345678", "cookie:a", "cookie:b", "login:anna", "email:no address",
]  # fmt: skip

HOME = {"postal_code": "2611 AB", "house_number": "12", "street": "Voorstraat", "city": "Delft", "country": "NL"}
PEOPLE: list[dict[str, Any]] = [
    {"given_name": "Annelies", "family_name": "van Oosterhout", "birth_date": dt.date(1971, 3, 14), **HOME},
    {"given_name": "Annelies", "family_name": "Oosterhout", "birth_date": dt.date(1971, 3, 14), **HOME},
    {"given_name": "Bram", "family_name": "van Oosterhout", "birth_date": dt.date(1969, 7, 2), **HOME},
    {"given_name": "Annelies", "family_name": "van Oosterhout", **HOME},
]


def state(room: IdentityRoom) -> dict[str, list[tuple[object, ...]]]:
    """Everything the state says, codes replaced by what they stand for."""
    found = {table: sorted(room.rows(sql), key=repr) for table, sql in STATE.items()}
    return {**found, "records": sorted(room.record_customers().items())}


@st.composite
def record(draw: st.DrawFn) -> Record:
    """One of few records, so that nights replace each other's; few identifiers and moments, so that they meet."""
    is_link = draw(st.integers(0, 5)) == 0
    names = st.lists(st.sampled_from(NAMES), min_size=2, max_size=2) if is_link else st.lists(
        st.sampled_from(NAMES), min_size=1, max_size=5, unique=True
    )  # fmt: skip
    is_person = not is_link and draw(st.integers(0, 2)) == 0
    number = draw(st.integers(100, 109) if is_link else st.integers(200, 209) if is_person else st.integers(0, 14))
    person = tuple(draw(st.sampled_from(PEOPLE)).items()) if is_person else ()
    return Record(number, tuple(draw(names)), draw(st.sampled_from([None, 0, 10, 20, 60, 3000])), is_link, person)


@st.composite
def night(draw: st.DrawFn) -> Night:
    """What a night brings, what it takes away, the decisions and the rules in force."""
    new = {found.record_id: found for found in draw(st.lists(record(), max_size=6))}
    ends = st.sampled_from(NAMES)
    lines = st.tuples(ends, ends, st.sampled_from(["same", "different"])).map(",".join)
    return (
        list(new.values()),
        draw(st.lists(st.one_of(st.integers(0, 14), st.integers(200, 209)), max_size=3)),
        draw(st.lists(lines, max_size=2)),
        draw(st.integers(0, 1)),
    )


def walk(folder: Path, rules: str, nights: list[Night]) -> None:
    """Nights one after another, and one full night over what is left, end in the same state, and so do the ids in the history."""
    decisions = folder / "decisions.csv"
    rulebooks = [configured(folder, text + rules + "  decisions: decisions.csv\n") for text in (RULES, OTHER_RULES)]
    with ExitStack() as rooms:
        room = rooms.enter_context(identity_room(rulebooks[0]))
        for new, removed, lines, rulebook in nights:
            decisions.write_text("\n".join(["left,right,decision", *lines]), encoding="utf-8")
            if room.configuration is not rulebooks[rulebook]:
                room = rebuilt(rooms, room, rulebooks[rulebook])
            room.night(new, removed)
        whole = rooms.enter_context(identity_room(room.configuration))
        whole.night(list(room.records.values()))
        assert state(room) == state(whole)
        # whoever is somebody now stands in the history, once, and nobody else does
        assert room.rows(STANDING) == whole.rows(STANDING)


def rebuilt(rooms: ExitStack, room: IdentityRoom, configuration: Configuration) -> IdentityRoom:
    """What a night does whose rules have changed: everything anew, but for what the history takes over."""
    fresh = rooms.enter_context(identity_room(configuration))
    for target, sql in keep_customers(room.session).items():
        fresh.session.store(target, room.session.arrow(sql))
    fresh.number = room.number
    fresh.night(list(room.records.values()))
    return fresh


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nights=st.lists(night(), min_size=2, max_size=4))
def test_any_nights_end_where_one_full_night_ends(tmp_path: Path, nights: list[Night]) -> None:
    """New, changed and removed records, system links, shared devices, limits in time, decisions and rules that come and go."""
    walk(tmp_path, "  matching: {enabled: false}\n", nights)


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nights=st.lists(night(), min_size=2, max_size=2))
def test_any_nights_end_alike_with_likeness_of_names(tmp_path: Path, nights: list[Night]) -> None:
    walk(tmp_path, "", nights)


# --- what becomes of an id ---------------------------------------------------------------------------------------------

ANNA = Record(1, ("email:anna@example.org", "customer_number:1"), 1)
BRAM = Record(2, ("email:bram@example.org", "login:bram"), 2)
BOTH = Record(3, ("email:anna@example.org", "email:bram@example.org"), 3)


def history(room: IdentityRoom) -> list[tuple[object, ...]]:
    """Rows of the history in order: names instead of ids, by the identifier that first had each id."""
    return room.rows(
        "select customer_id, release_id, ended_release_id, merged_into, split_from, reason "
        "from work.main.customer_id_history order by release_id, customer_id"
    )


def test_an_older_id_survives_a_merge_and_a_part_gets_its_own_id_back() -> None:
    with identity_room() as room:
        room.night([ANNA, BRAM])
        anna, bram = room.customers()["email:anna@example.org"], room.customers()["email:bram@example.org"]
        room.night([BOTH])
        assert set(room.customers().values()) == {anna}
        assert (bram, "r000001", "r000002", anna, None, "merged: a record names identifiers of both") in history(room)
        room.night([], removed=[3])
        assert room.customers()["login:bram"] == bram
        assert sorted(history(room)) == sorted(
            [
                (anna, "r000001", None, None, None, "first seen"),
                (bram, "r000001", "r000002", anna, None, "merged: a record names identifiers of both"),
                (bram, "r000003", None, None, anna, "split: what joined them is gone; had this id before"),
            ]
        )


def test_an_earlier_record_renames_and_a_removed_person_ends() -> None:
    with identity_room() as room:
        room.night([BRAM])
        bram = room.customers()["login:bram"]
        room.night([Record(9, ("login:bram",), 0)])
        renamed = room.customers()["login:bram"]
        reason = "renamed: its earliest record is another one now"
        assert history(room) == [
            (bram, "r000001", "r000002", renamed, None, reason),
            (renamed, "r000002", None, None, None, reason),
        ]
        room.night([], removed=[2, 9])
        assert history(room)[1] == (renamed, "r000002", "r000003", None, None, "ended: its records went")


def test_reasons_of_merges_and_splits(tmp_path: Path) -> None:
    """A system's merge joins, a decision parts, and a shared identifier lets go; each says so."""
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("left,right,decision\n", encoding="utf-8")
    configuration = configured(tmp_path, "identity: {decisions: decisions.csv, types: {phone: {limit: {email: 2}}}}")
    with identity_room(configuration) as room:
        room.night([Record(1, ("crm.contact:1",), 1), Record(2, ("crm.contact:2",), 2)])
        room.night([Record(100, ("crm.contact:1", "crm.contact:2"), 3, is_link=True)])
        assert history(room)[-1][5] == "first seen" and "merged: a system's own link joins them" in {
            row[5] for row in history(room)
        }
        decisions.write_text("left,right,decision\ncrm.contact:1,crm.contact:2,different\n", encoding="utf-8")
        room.night()
        assert history(room)[-1][5] == "split: decision: different; had this id before"
        phone = "phone:+31612345678"
        room.night([Record(n, (phone, f"email:{n}@example.org"), n) for n in (11, 12)])
        room.night([Record(13, (phone, "email:13@example.org"), 13)])
        assert "split: what joined them is no link any more: shared: more than 2 email" in {
            row[5] for row in history(room)
        }


def test_a_full_rebuild_keeps_ids_and_history() -> None:
    """The ids follow from the evidence; the history is taken over, and nothing has changed in it."""
    with identity_room() as room, identity_room() as rebuilt:
        room.night([ANNA, BRAM])
        room.night([BOTH])
        for target, sql in keep_customers(room.session).items():
            rebuilt.session.store(target, room.session.arrow(sql))
        rebuilt.night([ANNA, BRAM, BOTH])
        assert rebuilt.customers() == room.customers()
        assert history(rebuilt) == history(room)


# --- shared devices ----------------------------------------------------------------------------------------------------


def test_a_session_on_a_shared_device_belongs_to_whom_it_names() -> None:
    """A family's tablet: who is logged in, until the next logs in; before the first login, the first; else the device."""
    tablet = "cookie:tablet"
    clicks = [Record(n, (tablet,), minute) for n, minute in ((1, 0), (3, 20), (5, 40), (6, 500))]
    logins = [Record(2, (tablet, "login:anna"), 10), Record(4, (tablet, "login:bram"), 30)]
    with identity_room() as room:
        room.night(clicks)
        assert len(set(room.record_customers().values())) == 1
        room.night(logins)
        found, customers = room.record_customers(), room.customers()
        assert room.guards() == {tablet: "shared: more than 1 login"}
        anna, bram, device = (customers[name] for name in ("login:anna", "login:bram", tablet))
        assert [found[n] for n in range(1, 7)] == [anna, anna, anna, bram, bram, device]
        assert len({anna, bram, device}) == 3
        room.night([], removed=[4])
        assert set(room.record_customers().values()) == {room.customers()["login:anna"]}


def test_what_few_systems_tell_of_a_person_is_compared_too(tmp_path: Path) -> None:
    """A number of the person, mistyped in two digits' order, joins what a moved house and another mailbox leave in doubt; a
    gender that differs keeps two of one initial apart.
    """
    far = {"postal_code": "9711 CD", "house_number": "7", "street": "Zuiderkade", "city": "Groningen", "country": "NL"}
    anna = {
        "given_name": "Anna",
        "family_name": "Oosterhof",
        **HOME,
        "attributes": '{"personal_number": "X1234567", "title": "Mevr."}',
    }
    moved = {"given_name": "Anna", "family_name": "Oosterhof", **far, "attributes": '{"personal_number": "X1235467"}'}
    with identity_room() as room:
        people = [
            Record(201, ("badge:1",), 1, person=tuple(anna.items())),
            Record(202, ("badge:2",), 2, person=tuple(moved.items())),
        ]
        room.night(people)
        assert room.rows("select numbers, genders from state.main.cluster_record order by numbers") == [
            (["X1234567"], ["Mevr."]), (["X1235467"], None),
        ]  # fmt: skip
        assert len(set(room.customers().values())) == 1
        without = [Record(n, (f"badge:{b}",), b, person=tuple({**p, "attributes": None}.items())) for n, b, p in
                   ((201, 1, anna), (202, 2, moved))]  # fmt: skip
        room.night(without)
        assert len(set(room.customers().values())) == 2


# --- awkward input -----------------------------------------------------------------------------------------------------


def test_what_is_no_identifier_is_told_and_joins_nobody() -> None:
    huge = "x" * 1_000_000
    crowd = tuple(f"email:{n}@example.org" for n in range(60))
    with identity_room() as room:
        room.night([Record(1, (f"login:{huge}", "email:anna@example.org"), 1), Record(2, crowd, 2)])
        assert list(room.customers()) == ["email:anna@example.org"]
        assert room.rows("select event_type, length(identifier_value), reason from state.main.identifier_refusal") == [
            ("rejected", 81, "longer than 320 characters"),
            ("crowd", None, "a record names more than 50 identifiers"),
        ]


def test_a_megabyte_is_no_identifier_of_any_type() -> None:
    """Neither is it kept: what is told of it is its beginning."""
    kinds = ["email", "phone", "customer_number", "login", "email_md5", "cookie", "zendesk.user"]
    with identity_room() as room:
        room.night([Record(n, (f"{kind}:{'9' * 1_000_000}", f"badge:b{n}"), n) for n, kind in enumerate(kinds)])
        assert sorted(room.customers()) == [f"badge:b{n}" for n in range(len(kinds))]
        assert room.rows(
            "select identifier_type, length(identifier_value), reason from state.main.identifier_refusal order by record_id"
        ) == [(kind, 81, "longer than 320 characters") for kind in kinds]


def merge(number: int, one: str, other: str) -> Record:
    """A merge that a system recorded."""
    return Record(number, (one, other), number, is_link=True)


def test_merges_in_a_circle_are_told_and_join_as_any_others() -> None:
    people = [f"hubspot.contact:{n}" for n in range(11, 16)]
    circle = [merge(1, people[0], people[1]), merge(2, people[1], people[2]), merge(3, people[2], people[0])]
    with identity_room() as room:
        room.night([*circle, merge(4, people[3], people[4]), merge(5, people[4], people[4])])
        assert room.warnings == [
            "crm.merge: 3 of tonight's 5 merge records run in a circle (one became another, which became the first); those in a "
            "circle are taken as one person.",
            "crm.merge: 1 of tonight's 5 merge records join something with itself.",
        ]
        customers = room.customers()
        assert len({customers[name] for name in people[:3]}) == 1
        assert len(set(customers.values())) == 2
        room.night([Record(9, (people[0],), 9)])
        assert room.warnings == []


def test_merges_that_contradict_each_other_are_told() -> None:
    """11 became 12, and 11 became 13; a cookie that became two logins is a shared device and nothing to tell."""
    with identity_room() as room:
        room.night([
            merge(1, "hubspot.contact:12", "hubspot.contact:11"), merge(2, "hubspot.contact:13", "hubspot.contact:11"),
            merge(3, "login:anna", "cookie:a"), merge(4, "login:bram", "cookie:a"),
        ])  # fmt: skip
        assert room.warnings == [
            "crm.merge: 1 of the ids in tonight's 4 merge records became several others each; unless a rule keeps them apart, "
            "they are taken as one person."
        ]
        customers = room.customers()
        assert len({customers[f"hubspot.contact:{n}"] for n in (11, 12, 13)}) == 1
        assert customers["login:anna"] != customers["login:bram"]


def test_merges_that_contradict_a_person_or_a_unique_number_are_refused_and_told(tmp_path: Path) -> None:
    """The crm says 1 is 2, the shop that 1 has two mailboxes; a person says that 1 and 2 are two, and holds."""
    (tmp_path / "decisions.csv").write_text(
        "left,right,decision\ncustomer_number:1,customer_number:2,different\n", encoding="utf-8"
    )
    with identity_room(configured(tmp_path, "identity: {decisions: decisions.csv}")) as room:
        room.night([
            merge(1, "customer_number:1", "customer_number:2"), merge(2, "customer_number:2", "customer_number:1"),
            merge(3, "email:anna@example.org", "customer_number:1"), merge(4, "email:anna@example.org", "customer_number:3"),
        ])  # fmt: skip
        customers = room.customers()
        assert customers["customer_number:1"] != customers["customer_number:2"]
        # a system's link joins two numbers of that type only when it names both
        assert customers["email:anna@example.org"] == customers["customer_number:1"] != customers["customer_number:3"]
        assert {reason for (reason,) in room.rows("select reason from state.main.refused_pair")} == {
            "decision: different",
            "two values of customer_number",
        }


@pytest.mark.parametrize("shape", ["chain", "star"])
def test_a_long_chain_and_a_star_of_tens_of_thousands_pass_a_night(shape: str) -> None:
    count = 20_000
    ends = [(f"badge:b{n}" if shape == "chain" else "badge:b0", f"badge:b{n + 1}") for n in range(count)]
    with identity_room() as room:
        room.night([Record(n, pair, n) for n, pair in enumerate(ends)])
        assert room.rows("select count(distinct customer_id), count(*) from state.main.identifier_customer") == [
            (1, count + 1)
        ]
        room.night(removed=[count // 2])
        # one link less: the chain is in two, the star has lost a point
        assert room.rows("select count(distinct customer_id) from state.main.identifier_customer") == [
            (2 if shape == "chain" else 1,)
        ]


def test_a_telephone_of_very_many_people_joins_none_of_them() -> None:
    people = 10_000
    with identity_room() as room:
        room.night([Record(n, ("phone:+31201234567", f"email:p{n}@example.org"), 1) for n in range(people)])
        assert len(set(room.customers().values())) == people + 1
        assert room.guards() == {"phone:+31201234567": "shared: more than 4 email"}
        room.night([Record(people, ("phone:+31201234567", "email:new@example.org"), 2)])
        assert room.rows("select count(*) from scratch.main.reached_code") == [(2,)]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("left,right,decision\nlogin:bram,email:nobody@example.org,same\n", "line 2: right is an identifier that no record has"),
        ("left,right,decision\n12345,email:anna@example.org,same\n", "line 2: left is not written type:value"),
        ("left;right;decision\nemail:anna@example.org;login:bram;perhaps\n", "line 2: decision 'perhaps' is neither"),
        ("", "empty; no decisions are in force"),
        ("left,right,decision\nlogin:bram,login:BRAM ,same\n", "line 2: right is an identifier that no record has"),
        ("left,right,decision\nlogin:bram, login:bram,different\n", "line 2: left and right are one identifier"),
        ("left,right,decision\nlogin:bram\n", "line 2: ends before its decision (1 of 3 columns)"),
        ("left,right,decision\n\"login:bram,email:anna@example.org,same\n", "line 2: ends before its decision (1 of 3 columns)"),
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_used_is_told_and_changes_nothing(tmp_path: Path, text: str, warning: str) -> None:
    (tmp_path / "decisions.csv").write_text(text, encoding="utf-8")
    with identity_room(configured(tmp_path, "identity: {decisions: decisions.csv}")) as room, identity_room() as plain:
        for each in (room, plain):
            each.night([ANNA, BRAM])
        assert room.customers() == plain.customers()
        assert len(room.warnings) == 1 and warning in room.warnings[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one,two\n", "the header lacks left"),
        (b"left,right,decision\n\xff\xfe\n", "not UTF-8 at byte 20"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_decisions_stops_the_night(tmp_path: Path, content: bytes | None, message: str) -> None:
    """It may be half written: going on without it would undo every decision in it."""
    if content is not None:
        (tmp_path / "decisions.csv").write_bytes(content)
    configuration = configured(tmp_path, "identity: {decisions: decisions.csv}")
    with identity_room(configuration) as room, pytest.raises(DecisionError, match=message):
        room.night([ANNA])


def test_a_decision_that_cannot_be_followed_is_told_each_night(tmp_path: Path) -> None:
    """About a telephone that two share, and against two other lines."""
    phone = "phone:+31201234567"
    (tmp_path / "decisions.csv").write_text(
        "left,right,decision\nphone:020-1234567,login:bram,same\n"
        "email:anna@example.org,login:bram,same\nlogin:bram,login:cees,same\nlogin:cees,email:anna@example.org,different\n",
        encoding="utf-8",
    )
    with identity_room(configured(tmp_path, "identity: {decisions: decisions.csv}")) as room:
        for number in (9, 10):
            room.night([
                ANNA, BRAM, Record(4, ("login:cees",), 4), Record(5, (phone, "customer_number:1"), 5),
                Record(number, (phone, "customer_number:2"), number),
            ])  # fmt: skip
            assert len(room.warnings) == 2
            shared, contrary = room.warnings
            assert "line 2: names an identifier that joins nobody (shared: more than 1 customer_number)" in shared
            assert "same does not hold, because other lines say otherwise" in contrary
            customers = room.customers()
            assert customers["login:cees"] != customers["email:anna@example.org"] == customers["customer_number:1"]
            # the one of the two that comes first in the order of pairs holds
            assert customers["login:bram"] in (customers["login:cees"], customers["email:anna@example.org"])


def test_decisions_stick_over_later_nights_and_go_with_their_line(tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.csv"
    configuration = configured(tmp_path, "identity: {decisions: decisions.csv}")
    decisions.write_text(
        "left,right,decision,note\nemail:ANNA@example.org ,login:bram,Same,called them\n", encoding="utf-8"
    )
    with identity_room(configuration) as room:
        room.night([BRAM])
        assert "line 2: left is an identifier that no record has; the line waits" in room.warnings[0]
        room.night([ANNA])
        assert room.warnings == [] and len(set(room.customers().values())) == 1
        room.night([Record(8, ("email:anna@example.org",), 8)])
        assert len(set(room.customers().values())) == 1
        decisions.write_text("left,right,decision\n", encoding="utf-8")
        room.night()
        assert room.customers()["email:anna@example.org"] != room.customers()["login:bram"]

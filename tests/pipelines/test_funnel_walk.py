"""Funnels from the index of a release: the same answers as the tables give, on people full of ties, repeats and short windows."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.funnel_walk import Block, Trail, merged, people, took
from pipelines.explore import walk
from pipelines.explore.asked import DIVIDED
from pipelines.explore.funnels import PEOPLE_ROWS
from pipelines.explore.index import BLOCK_ROWS, DESCRIPTION, Index, open_index, write_index
from pipelines.funnel import MODES, Question, ask, read_question
from tests.sql.test_peers import room_of

KINDS = ["page_view", "landing_page_view", "site_search", "cart_updated", "order_placed", "chat"]
# Hours before the data date (two months after the start) so that some windows are still open on it.
HOURS = [0, 0, 1, 2, 12, 23, 24, 25, 48, 1430, 1438, 1440, 1450]


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    draw = random.Random(8)
    walks = {
        customer: [(float(draw.choice(HOURS)), draw.choice(KINDS)) for _ in range(draw.randint(1, 14))]
        for customer in range(1, 90)
    }
    con = room_of(walks).connection
    con.execute(
        "update touchpoint set device = case touchpoint_id % 3 when 0 then 'mobile' when 1 then 'desktop' end, "
        "channel_detail = 'detail ' || touchpoint_id % 17, is_bot = touchpoint_id % 23 = 0"
    )
    con.execute("create table customer as select distinct customer_id from touchpoint")
    return con


@pytest.fixture(scope="module", params=[BLOCK_ROWS, 40], ids=["one block", "many blocks"])
def index(
    request: pytest.FixtureRequest, con: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory
) -> Index:
    release = tmp_path_factory.mktemp("release")
    database = con.execute("select current_database()").fetchall()[0][0]
    counted = write_index(con, release / "index", f"{database}.main")
    wanted = "select count(*) from touchpoint, setting where not is_bot and occurred_at <= data_date_at"
    assert con.execute(wanted).fetchall() == [(counted,)]
    found = open_index(release, block_rows=request.param)
    assert found is not None
    parts = found.each(lambda part: (part.start, part.end))
    assert len(parts) == 1 if request.param == BLOCK_ROWS else len(parts) > 5
    assert [end for _, end in parts] == [*(start for start, _ in parts[1:]), counted] and parts[0][0] == 0
    return found


steps = st.lists(st.sets(st.sampled_from(KINDS), min_size=1, max_size=2), min_size=2, max_size=4)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    taken = [" | ".join(sorted(step)) for step in draw(steps)]
    if draw(st.booleans()):
        taken.insert(draw(st.integers(1, len(taken))), f"[{draw(st.sampled_from(KINDS))}]")
    used = " ".join(taken)
    excluded = [kind for kind in draw(st.sets(st.sampled_from(KINDS), max_size=1)) if kind not in used]
    return read_question(
        " > ".join(taken), draw(st.sampled_from(["1h", "1d", "2w"])), draw(st.sampled_from(MODES)), excluded
    )


@settings(max_examples=40, deadline=None)
@given(question=questions(), by=st.sampled_from(["", "device", "channel_detail"]))
def test_arrays_and_tables_agree(con: duckdb.DuckDBPyConnection, index: Index, question: Question, by: str) -> None:
    wanted = ask(con, question, by or None, trend=not by)
    found = walk.answer(index, question, by, trend=not by)
    for part in ("steps", "optional", "trend"):
        rows, others = getattr(found, part), getattr(wanted, part)
        assert len(rows) == len(others), part
        for row, other in zip(rows, others, strict=True):
            assert row == pytest.approx(other, nan_ok=True), part
    # the people themselves, each by the attempt that counts
    met = ", ".join(f"coalesce(epoch_us(step_{n}_at), 0)" for n in range(1, len(question.steps) + 1))
    listed = con.execute(
        f"select customer_id, epoch_us(entered_at), step_count, is_converted, is_open, is_window_over, {met} "
        "from funnel_person order by 1"
    ).fetchall()
    walked = walk.walk(index, question)
    met_at = np.zeros((len(question.steps), len(walked.customer)), np.int64)
    for number, moments in enumerate(walked.moments):
        met_at[number, walked.step_count > number] = moments
    columns = (
        index.customer_ids[walked.customer], walked.entered, walked.step_count, walked.is_converted,
        walked.is_open, walked.is_over, *met_at,
    )  # fmt: skip
    assert [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)] == listed


def test_a_type_may_be_entry_and_later_step() -> None:
    two = room_of({1: [(0.0, "landing_page_view"), (1.0, "page_view")]}).connection
    answer = ask(two, read_question("landing_page_view|page_view > page_view"))
    assert [row["reached_count"] for row in answer.steps] == [1, 1]


def test_people_behind_a_number_are_the_latest_first(con: duckdb.DuckDBPyConnection, index: Index) -> None:
    question = read_question("page_view > cart_updated > order_placed", "1d")
    ask(con, question)
    conditions = {
        "reached": "step_count >= 1",
        "dropped": "step_count = 1 and not is_open",
        "open": "step_count = 1 and is_open",
    }
    for state, condition in conditions.items():
        wanted = con.execute(
            f"select customer_id, entered_at from funnel_person where {condition} order by entered_at desc, customer_id"
        ).fetchall()
        rows, total = walk.person_rows(index, question, 1, state, PEOPLE_ROWS)
        assert [(row["customer_id"], row["entered_at"]) for row in rows] == wanted and total == len(wanted) > 0
        few, total = walk.person_rows(index, question, 1, state, 3)
        assert few == rows[:3] and total == len(wanted)


def test_an_index_that_is_not_there_or_of_another_layout_is_none(tmp_path: Path) -> None:
    assert open_index(tmp_path) is None
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / DESCRIPTION).write_text('{"layout": 1}', encoding="utf-8")
    assert open_index(tmp_path) is None


def test_all_of_an_index_is_looked_at_beforehand(index: Index) -> None:
    files = sum(path.stat().st_size for path in index.folder.glob("*.npy"))
    heads = 128 * len(list(index.folder.glob("*.npy")))
    assert index.touch() == files - heads > 0
    assert {path.stem for path in index.folder.glob("*.npy")} >= set(DIVIDED)


def test_a_company_without_touchpoints(tmp_path: Path) -> None:
    empty = room_of({1: [(0.0, "page_view")]}).connection
    empty.execute("delete from touchpoint")
    empty.execute("create table customer as select distinct customer_id from touchpoint")
    database = empty.execute("select current_database()").fetchall()[0][0]
    assert write_index(empty, tmp_path / "index", f"{database}.main") == 0
    found = open_index(tmp_path)
    assert found is not None
    answer = walk.answer(found, read_question("page_view > order_placed"), "device")
    assert answer.steps == [] and answer.trend == []


def walked(*touchpoints: tuple[int, int, str]) -> tuple[Block, dict[str, Trail]]:
    """(customer, moment, kind) in order, as a block and a trail of each kind."""
    customer = np.array([customer for customer, _, _ in touchpoints])
    kinds = np.array([kind for _, _, kind in touchpoints])
    bounds = np.searchsorted(customer, np.arange(customer.max() + 2))
    block = Block(customer, np.array([moment for _, moment, _ in touchpoints], np.int64), bounds)
    return block, {str(kind): Trail(np.flatnonzero(kinds == kind), len(block)) for kind in set(kinds)}


def test_the_window_is_inclusive_and_the_latest_of_the_deepest_attempts_counts() -> None:
    block, of = walked((0, 0, "a"), (0, 10, "b"), (0, 50, "a"), (0, 60, "b"), (1, 0, "a"), (1, 11, "b"))
    found = people(block, [of["a"], of["b"]], window=10)
    assert found.step_count.tolist() == [2, 1] and found.entry.tolist() == [2, 4]
    assert [places.tolist() for places in found.places] == [[2, 4], [3]]


def test_an_exclusion_ends_the_attempt() -> None:
    block, of = walked((0, 0, "a"), (0, 1, "x"), (0, 2, "b"), (1, 0, "a"), (1, 2, "b"), (1, 3, "x"))
    found = people(block, [of["a"], of["b"]], window=10, excluded=of["x"])
    assert found.step_count.tolist() == [1, 2]


def test_strict_passes_over_what_is_ignored_only() -> None:
    block, of = walked((0, 0, "a"), (0, 1, "i"), (0, 2, "b"))
    steps = [of["a"], of["b"]]
    assert people(block, steps, 10, "strict").step_count.tolist() == [1]
    assert people(block, steps, 10, "strict", ignored=of["i"]).step_count.tolist() == [2]


def test_customers_without_a_touchpoint_and_a_block_in_the_middle() -> None:
    # customers 5 to 8, of whom 6 and 8 have none
    block = Block(np.array([5, 5, 7]), np.array([0, 1, 2], np.int64), np.array([0, 2, 2, 3, 3]), first=5)
    found = people(block, [Trail(np.array([0, 2]), 3), Trail(np.array([1]), 3)], window=10)
    assert found.customer.tolist() == [0, 2] and found.step_count.tolist() == [2, 1]


@given(st.sets(st.integers(0, 99)), st.lists(st.integers(0, 100), min_size=1))
def test_table_and_search_find_the_same(places: set[int], asked: list[int]) -> None:
    trail = Trail(np.array(sorted(places), np.intp), 100)
    asked_for = np.array(asked, np.intp)
    by_search = trail.index(asked_for[:1]).tolist() + [
        trail.index(asked_for[k : k + 1])[0] for k in range(1, len(asked))
    ]
    assert "_table" not in vars(trail)
    assert trail.index(np.tile(asked_for, 100))[: len(asked)].tolist() == by_search
    assert "_table" in vars(trail)
    wanted = [min((place for place in places if place >= start), default=100) for start in asked]
    assert trail.following(asked_for).tolist() == wanted


def test_what_happened_at_the_same_moment_counts_before_and_after() -> None:
    block, of = walked((0, 5, "o"), (0, 5, "a"), (1, 0, "a"), (1, 20, "o"))
    found = took(block, of["o"], of["a"].places, np.array([5, 0]), np.array([9, 9]))
    assert found.tolist() == [True, False]
    assert merged([of["o"], of["o"], of["a"]], 4).places.tolist() == [0, 1, 2, 3]

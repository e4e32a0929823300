"""The analysts' macros on a small company whose answers are known by hand, and in a file as a release has it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import pytest

from pipelines.macros import MacroError, load_macros, read_macro
from tests.sql.runner import CASES, Room, case_room

CASE = CASES / "drop_off_point" / "small_company"
# The tables the macros read, and those they are compared with here.
TABLES = (
    "touchpoint", "session", "journey", "journey_step", "journey_variant", "journey_path", "channel_transition",
    "touchpoint_transition", "drop_off_point", "friction", "setting", "touchpoint_type",
)  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "journeys.md"


def with_macros(room: Room) -> Room:
    for name in TABLES:
        room.build(name)
    for macro in load_macros().values():
        room.connection.execute(macro.text)
    return room


@pytest.fixture(scope="module")
def small() -> Room:
    """Five customers: two bought, two dropped (one at the cart, one at the checkout), one is open at the cart."""
    return with_macros(case_room(CASE))


@pytest.mark.parametrize("name", sorted(load_macros()))
def test_every_example_runs_and_every_macro_is_documented(small: Room, name: str) -> None:
    macro = load_macros()[name]
    small.rows(macro.example if not macro.example.startswith("touchpoint360") else "select 1")
    assert macro.signature in DOCS.read_text(encoding="utf-8")
    assert macro.example in DOCS.read_text(encoding="utf-8")


def test_timeline_is_everything_of_one_customer_with_its_journeys(small: Room) -> None:
    rows = small.rows("select touchpoint_type, journeys from timeline(1)")
    assert rows == [
        ("cart_updated", "purchase 1/4 converted"),
        ("cart_updated", "purchase 2/4 converted"),
        ("checkout_started", "purchase 3/4 converted"),
        ("order_placed", "purchase 4/4 converted"),
    ]
    assert small.rows("from timeline(99)") == []


def test_sessions_between_has_its_first_and_not_its_last_moment(small: Room) -> None:
    assert len(small.rows("from sessions_between('2024-01-01', '2024-01-02')")) == 4
    assert small.rows("from sessions_between('2024-01-01 00:00:01', '2024-05-31 00:00:00')") == []


def test_journeys_at_a_point_are_those_of_drop_off_point(small: Room) -> None:
    """For every point: the list of people has as many rows, by outcome, as the table counts."""
    points = small.rows(
        "select touchpoint_type, step_number, drop_off_level, continued_count, converted_count, dropped_count, open_count"
        " from drop_off_point where journey_definition = 'purchase'"
    )
    assert len(points) == 9
    for touchpoint_type, step, level, *counts in points:
        number = step if level == "step" else "null"
        found = small.rows(
            f"select outcome from journey_at('purchase', touchpoint := '{touchpoint_type}', step := {number})"
        )
        by_outcome = Counter(row[0] for row in found)
        assert [by_outcome[name] for name in ("continued", "converted", "dropped", "open")] == counts


def test_people_dropped_at_a_point_with_what_they_met(small: Room) -> None:
    rows = small.rows(
        "select customer_id, step_number, frictions from dropped_at('purchase', touchpoint := 'checkout_started')"
    )
    assert rows == [(2, 2, "failure, long_wait, low_score")]
    assert small.rows("select customer_id from dropped_at('purchase') order by 1") == [(2,), (5,)]
    assert small.rows("from dropped_at('purchase', step := 3)") == []


def test_journeys_on_a_path_are_as_many_as_the_path_counts(small: Room) -> None:
    paths = small.rows("select path_by, is_collapsed, path, journey_count from journey_path")
    assert len(paths) == 20
    for form, is_collapsed, path, count in paths:
        query = f"from journeys_on_path('purchase', '{path}', form := '{form}', collapsed := {is_collapsed})"
        assert len(small.rows(query)) == count, path
    with pytest.raises(duckdb.Error, match="form is touchpoint_type, channel or page_group, not place"):
        small.rows("from journeys_on_path('purchase', 'x', form := 'place')")


def test_tree_from_the_cart_forward_and_backward(small: Room) -> None:
    columns = "select level, branch, journey_count, customer_count, ended_count, converted_count, dropped_count"
    assert small.rows(f"{columns} from path_tree('purchase', 'cart_updated', depth := 2)") == [
        (0, "cart_updated", 5, 5, 2, 2, 2),
        (1, "cart_updated > checkout_started", 3, 3, 1, 2, 1),
        (2, "cart_updated > checkout_started > order_placed", 2, 2, 2, 2, 0),
    ]
    # Backward from the order; ended_count is where the journeys begin.
    backward = small.rows(f"{columns} from path_tree('purchase', 'order_placed', direction := 'backward')")
    assert backward == [
        (0, "order_placed", 2, 2, 0, 2, 0),
        (1, "order_placed < checkout_started", 2, 2, 0, 2, 0),
        (2, "order_placed < checkout_started < cart_updated", 2, 2, 2, 2, 0),
    ]
    # Not collapsed, one customer's second cart is a node of its own.
    whole = small.rows("select branch, journey_count from path_tree('purchase', collapsed := false) where level = 1")
    assert whole == [("cart_updated > checkout_started", 2), ("cart_updated > cart_updated", 1)]
    for wrong in ("form := 'x'", "direction := 'x'"):
        with pytest.raises(duckdb.Error, match="not x"):
            small.rows(f"from path_tree('purchase', {wrong})")


def test_a_node_of_the_tree_is_its_children_and_its_ends(small: Room) -> None:
    for form in ("touchpoint_type", "channel", "page_group"):
        for direction, arrow in (("forward", " > "), ("backward", " < ")):
            rows = small.rows(
                "select level, branch, journey_count, ended_count"
                f" from path_tree('purchase', depth := 9, form := '{form}', direction := '{direction}')"
            )
            for level, branch, journeys, ended in rows:
                children = sum(n for lower, way, n, _ in rows if lower == level + 1 and way.startswith(branch + arrow))
                assert journeys == children + ended, (form, direction, branch)
            assert sum(n for level, _, n, _ in rows if level == 0) == 5


def test_transitions_are_those_counted(small: Room) -> None:
    for table, origin, destination in (("channel_transition", "from_channel", "to_channel"),
                                       ("touchpoint_transition", "from_touchpoint_type", "to_touchpoint_type")):  # fmt: skip
        rows = small.rows(
            f"select {origin}, {destination}, transition_count from {table}"
            f" where {origin} not like '(%' and {destination} not like '(%'"
        )
        assert rows
        for left, right, count in rows:
            assert len(small.rows(f"from transitions_between('purchase', '{left}', '{right}')")) == count


def test_macros_stay_in_a_file_of_the_oldest_storage_version(tmp_path: Path, small: Room) -> None:
    path = tmp_path / "release.duckdb"
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as work (storage_version 'v1.4.0')")
        for name in TABLES:
            con.register("arriving", small.connection.sql(f"from {name}").to_arrow_table())
            con.execute(f"create table work.{name} as from arriving")
            con.unregister("arriving")
        con.execute("use work")
        for macro in load_macros().values():
            con.execute(macro.text)
    with duckdb.connect(str(path), read_only=True) as con:
        names = {
            row[0] for row in con.execute("select function_name from duckdb_functions() where not internal").fetchall()
        }
        assert set(load_macros()) <= names
        assert con.execute("select count(*) from dropped_at('purchase')").fetchall() == [(2,)]


def test_a_macro_file_without_its_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "thing.sql"
    path.write_text("create or replace macro thing(x) as table select x\n", encoding="utf-8")
    with pytest.raises(MacroError, match="the first line is"):
        read_macro(path)
    path.write_text("-- thing(x): says it\ncreate or replace macro thing(x) as table select x\n", encoding="utf-8")
    with pytest.raises(MacroError, match="example"):
        read_macro(path)
    path.write_text("-- thing(x): says it\n-- example: from thing(1)\ncreate macro other() as 1\n", encoding="utf-8")
    with pytest.raises(MacroError, match="another macro than thing"):
        read_macro(path)

"""Funnels on the spot: reading the question, counting by hand-checked answers, and how mistakes are told."""

from __future__ import annotations

import pytest

from pipelines.commands.journeys import duration, funnel_text
from pipelines.funnel import (
    FunnelError,
    Question,
    ask,
    configured_question,
    read_question,
    read_window,
    segment_columns,
)
from tests.sql.test_peers import room_of

# Customer 1 buys after a search, 2 buys without, 3 stops at the cart, 4 only looks; 1 and 3 came by e-mail.
WALKS = {
    1: [(0.0, "page_view"), (0.5, "site_search"), (1.0, "cart_updated"), (3.0, "order_placed")],
    2: [(0.0, "landing_page_view"), (2.0, "cart_updated"), (5.0, "order_placed"), (6.0, "site_search")],
    3: [(200.0, "page_view"), (201.0, "cart_updated")],
    4: [(200.0, "page_view")],
}
TEXT = "page_view|landing_page_view > [site_search] > cart_updated > order_placed"


@pytest.fixture(scope="module")
def con():
    room = room_of(WALKS)
    room.connection.execute(
        "update touchpoint set channel_detail = case when customer_id in (1, 3) then 'mail' else 'search' end"
    )
    return room.connection


def test_steps_alternatives_and_optional_steps_are_read() -> None:
    question = read_question(TEXT, "12h", exclusions=["order_cancelled"])
    assert question == Question(
        steps=(("page_view", "landing_page_view"), ("cart_updated",), ("order_placed",)),
        window_days=0.5,
        exclusions=("order_cancelled",),
        optional=((1, ("site_search",)),),
    )
    assert "funnel_people(['page_view|landing_page_view', 'cart_updated', 'order_placed']" in question.call
    # Strict: what is optional may stand between, all else may not.
    strict = read_question(TEXT, mode="strict").considered
    assert "site_search" not in strict and "chat" in strict


@pytest.mark.parametrize(("text", "days"), [("30m", 1 / 48), ("12h", 0.5), ("7d", 7), ("2w", 14), ("1.5 d", 1.5)])
def test_windows_are_read(text: str, days: float) -> None:
    assert read_window(text) == pytest.approx(days)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("page_view > ordr_placed",), "'ordr_placed' is not a touchpoint type; did you mean 'order_placed'"),
        (("page_view",), "2 to 8 steps that have to be taken; found 1"),
        (("[page_view] > order_placed",), "cannot be optional"),
        (("page_view > order_placed", "0d"), "window '0d' is not a time above zero"),
        (("page_view > order_placed", "soon"), "such as 30m, 12h, 7d or 2w"),
        (("page_view > order_placed", "7d", "orderd"), "mode 'orderd' is not one of ordered, strict, unordered"),
        (("page_view > order_placed", "7d", "ordered", ["page_view"]), "both a step and an exclusion"),
    ],
)
def test_a_wrong_question_is_told_with_what_would_be_valid(arguments, message: str) -> None:
    with pytest.raises(FunnelError) as error:
        read_question(*arguments)
    assert message in str(error.value)


def test_steps_times_and_the_optional_step(con) -> None:
    answer = ask(con, read_question(TEXT, "1d"), trend=True)
    rows = [
        (row["reached_count"], row["dropped_count"], row["previous_share"], row["median_seconds_from_entry"])
        for row in answer.steps
    ]
    assert rows == [(4, 1, None, 0), (3, 1, 0.75, 3600), (2, 0, pytest.approx(2 / 3), 4 * 3600)]
    assert answer.steps[2]["mean_seconds_from_entry"] == 4 * 3600
    # 3 and 5 hours: quartiles by linear interpolation.
    assert answer.steps[2]["seconds_from_entry_quarter"] == pytest.approx(3.5 * 3600)
    assert answer.steps[2]["seconds_from_entry_nine_tenths"] == pytest.approx(4.8 * 3600)
    # Customer 2 searched after the order, which is not between the steps.
    (optional,) = answer.optional
    assert (optional["reached_count"], optional["taken_count"], optional["converted_count"]) == (4, 1, 1)
    weeks = [(str(row["week_date"]), row["entered_count"], row["converted_share"]) for row in answer.trend]
    assert weeks == [("2024-04-01", 2, 1.0), ("2024-04-08", 2, 0.0)]
    text = funnel_text(answer, None)
    assert "Optional site_search after step 1: 1 of 4 (25.0%); 1 of them converted" in text
    assert max(len(line) for line in text.splitlines()) <= 120


def test_segments_add_up_and_two_are_compared(con) -> None:
    answer = ask(con, read_question(TEXT, "1d"), by="channel_detail", compare=["mail", "search"])
    counts = {(row["segment"], row["step_number"]): row["reached_count"] for row in answer.steps}
    assert counts == {
        ("mail", 1): 2, ("mail", 2): 2, ("mail", 3): 1, ("search", 1): 2, ("search", 2): 1, ("search", 3): 1,
    }  # fmt: skip
    row = answer.comparison
    assert row is not None
    assert (row["first_share"], row["second_share"], row["difference"]) == (0.5, 0.5, 0)
    # Wilson gives 0.0945 to 0.9055 for 1 of 2, so Newcombe's reach is 0.4055 times the root of 2.
    assert row["difference_low"] == pytest.approx(-0.5734, abs=1e-3)
    assert row["p_value"] is None
    assert "too few for a test" in funnel_text(answer, "channel_detail")


def test_wrong_segments_are_told(con) -> None:
    question = read_question(TEXT)
    with pytest.raises(FunnelError, match="did you mean 'channel_detail'"):
        ask(con, question, by="chanel_detail")
    with pytest.raises(FunnelError, match="needs --by"):
        ask(con, question, compare=["a", "b"])
    with pytest.raises(FunnelError, match="nobody entered with 'mial'; did you mean 'mail'"):
        ask(con, question, by="channel_detail", compare=["mial", "search"])
    assert "subject" not in segment_columns()


def test_a_configured_funnel_is_asked_by_name(con) -> None:
    question = configured_question(con, "shop")
    assert question.window_days == 1
    assert question.exclusions == ("order_cancelled",)
    assert [row["reached_count"] for row in ask(con, question).steps] == [3, 2, 1]
    with pytest.raises(FunnelError, match="did you mean 'shop'"):
        configured_question(con, "shp")


def test_durations_read_well() -> None:
    texts = [duration(value) for value in (None, 0, 59, 90, 5400, 129_600)]
    assert texts == ["", "0 s", "59 s", "1.5 min", "1.5 h", "1.5 d"]

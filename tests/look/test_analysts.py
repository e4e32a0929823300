"""The analysts' page: twenty questions, and each query runs on the demo release and finds something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.look.conftest import Shop

PAGE = Path(__file__).parents[2] / "docs" / "analysts.md"
QUESTIONS = re.findall(r"### (\d+)\. (.+?)\n+```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
# Nobody needs a call on the last day of this small company, perhaps; the query still has to run.
MAY_BE_EMPTY = {"10", "19"}


def test_there_are_twenty_numbered_questions() -> None:
    assert [number for number, _, _ in QUESTIONS] == [str(n) for n in range(1, 21)]


@pytest.mark.parametrize(("number", "question", "query"), QUESTIONS, ids=[number for number, _, _ in QUESTIONS])
def test_the_query_answers(shop: Shop, number: str, question: str, query: str) -> None:
    rows = shop.rows(query)
    assert rows or number in MAY_BE_EMPTY, question


def test_some_answers_by_another_way(shop: Shop) -> None:
    by_number = {number: query for number, _, query in QUESTIONS}
    assert sum(row[2] for row in shop.rows(by_number["6"])) == shop.value("select count(*) from journey")
    assert sum(row[2] for row in shop.rows(by_number["1"])) == shop.value(
        "select count(*) from touchpoint where not is_bot"
    )
    assert all(row[6] == 0 for row in shop.rows(by_number["20"]))

"""The moment that a release speaks of, from what the night has read. Not here: what depends on it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipelines.night.run import BEGINNING, Night
from pipelines.night.session import Session

NOW = dt.datetime(2026, 6, 1)


@pytest.mark.parametrize(
    ("touchpoints", "statements", "expected"),
    [
        # the latest touchpoint; what people said of themselves later does not move the clock, nor does the future
        (["2026-01-05", "2026-03-01", "2027-01-01"], ["2026-04-01"], dt.datetime(2026, 3, 1)),
        # a warehouse that begins with the CRM's contacts alone
        ([], ["2026-01-05", "2026-04-01", "2027-01-01"], dt.datetime(2026, 4, 1)),
        ([], [None], BEGINNING),
    ],
)
def test_the_data_date_without_as_of(
    tmp_path: Path, touchpoints: list[str | None], statements: list[str | None], expected: dt.datetime
) -> None:
    session = Session(tmp_path, threads=1)
    for table, column, times in (
        ("touchpoint", "occurred_at", touchpoints),
        ("party_record", "valid_from", statements),
    ):
        session.run(f"create table scratch.ingest.{table}_new ({column} timestamp)")
        for moment in times:
            session.con.execute(f"insert into scratch.ingest.{table}_new values (?)", [moment])
    night: Any = SimpleNamespace(
        session=session, started_at=NOW, as_of=None, full=False, last_data_date=lambda: dt.datetime(2026, 5, 1)
    )
    assert Night.find_data_date(cast("Night", night)) == expected
    session.con.close()

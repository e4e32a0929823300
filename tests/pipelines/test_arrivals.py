"""When the arrival sensor starts a night."""

from __future__ import annotations

from pathlib import Path

from pipelines.arrivals import Arrivals, look


def test_a_night_starts_once_when_nothing_changes_between_two_looks(tmp_path: Path) -> None:
    seen = Arrivals()
    seen, start, _ = look([tmp_path, tmp_path / "not there"], seen)
    assert not start
    (tmp_path / "orders.csv").write_text("a")
    seen, start, why = look([tmp_path], seen)
    assert not start and "arriving" in why
    (tmp_path / "orders.csv").write_text("ab")
    seen, start, _ = look([tmp_path], seen)
    assert not start, "the file grew between two looks"
    seen, start, why = look([tmp_path], seen)
    assert start and why == "1 files are complete"
    seen, start, why = look([tmp_path], seen)
    assert not start and "nothing new" in why


def test_the_cursor_survives_as_text() -> None:
    seen = Arrivals("a", "b")
    assert Arrivals.from_text(seen.to_text()) == seen
    assert Arrivals.from_text(None) == Arrivals()

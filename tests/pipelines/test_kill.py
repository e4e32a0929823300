"""A night killed with SIGKILL at any point leaves the release as it was, and the next one ends as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines.night.run import Night
from pipelines.night.session import Session
from pipelines.warehouse import Warehouse
from tests.pipelines.companies import FIRST_ROWS, write_touchpoints
from tests.pipelines.nights import assert_same, contents, copy_warehouse, few_sources, query, quick_night, run_night

small_night = partial(quick_night, systems=("canonical",))

# Children of a process that has imported everything and run nothing: no imports to wait for, no threads forked.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.pipelines.warm", "tests.pipelines.test_kill"])

# The methods of Night that are its steps.
STEPS = (
    "register", "ingest", "collect", "identify", "write_book", "build", "write_release_table", "publish_parquet", "switch",
)  # fmt: skip


def die() -> None:
    """End this process the hard way."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_call(cls: type, names: Sequence[str], number: int) -> None:
    """Let the process die when one of the methods `names` of a class is called for the `number`-th time."""
    calls = 0

    def counting(method: Any) -> Any:
        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                die()
            return method(*arguments, **options)

        return counted

    for name in names:
        setattr(cls, name, counting(getattr(cls, name)))


def night_that_dies(cls: type, names: Sequence[str], number: int, exports: Path, warehouse: Path) -> None:
    """In a child: a night that ends at a call."""
    die_at_call(cls, names, number)
    small_night([exports], warehouse)


def night_that_dies_before_the_switch(exports: Path, warehouse: Path) -> None:
    """In a child: a night whose release is complete and not current yet."""
    Warehouse.switch = lambda self, release_id: die()  # type: ignore[method-assign]
    small_night([exports], warehouse)


class DieAt:
    """A reporter that ends the process when a step begins or, with `after`, when it has ended."""

    def __init__(self, step: str, after: bool) -> None:
        self.step = step
        self.after = after

    def start(self, step: str) -> None:
        if step == self.step and not self.after:
            die()

    def part(self, text: str, done: int, total: int) -> None:
        pass

    def end(self, step: str, text: str) -> None:
        if step == self.step and self.after:
            die()

    def skip(self, step: str) -> None:
        pass

    def warn(self, text: str) -> None:
        pass


def dagster_night_that_dies(step: str, after: bool, exports: Path, warehouse: Path) -> None:
    """In a child: a night through Dagster that ends at a step."""
    with few_sources("canonical"):
        run_night([exports], warehouse, reporter=DieAt(step, after))


def ended_by(work: Any, *arguments: Any) -> int:
    """Run a function in a child process; returns the signal that ended it (0 when it ended by itself)."""
    child = SERVER.Process(target=work, args=arguments)
    child.start()
    child.join(120)
    assert child.exitcode is not None, "the child hangs"
    return -child.exitcode if child.exitcode < 0 else 0


def count_calls(
    monkeypatch: pytest.MonkeyPatch, cls: type, names: Sequence[str], exports: Path, warehouse: Path
) -> int:
    """How often a whole night calls the methods."""
    calls: list[str] = []
    with monkeypatch.context() as patch:
        for name in names:
            method = getattr(cls, name)

            def counted(*arguments: Any, _method: Any = method, _name: str = name, **options: Any) -> Any:
                calls.append(_name)
                return _method(*arguments, **options)

            patch.setattr(cls, name, counted)
        small_night([exports], warehouse)
    return len(calls)


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """Exports of a second night: something for each table, a new customer, a changed one, a corrected row."""
    write_touchpoints(
        tmp_path / "later" / "later.csv",
        "b2,,ticket_resolved,2026-03-09T09:00:00Z,bram@example.org,10002,,",
        "d1,,page_view,2026-03-10T09:00:00Z,dora@example.org,,,",
        "a2,2026-02-01T00:00:00Z,order_placed,2026-01-06T12:00:00Z,anna@example.org,10001,21.50,EUR",
        "x9,,page_view,not a time,dora@example.org,,,",
    )
    return tmp_path / "later"


def assert_kills_leave_no_trace(
    monkeypatch: pytest.MonkeyPatch, warehouse: Path, later: Path, cls: type, names: Sequence[str], kills: int | None
) -> None:
    """Kill the second night at its calls (all of them, or `kills` spread evenly); then run it to its end."""
    undisturbed = copy_warehouse(warehouse, warehouse.parent / "undisturbed")
    total = count_calls(monkeypatch, cls, names, later, undisturbed)
    expected = Warehouse(undisturbed).require_current()
    house = Warehouse(warehouse)
    before = contents(house.require_current())
    step = 1 if kills is None else max(1, total // kills)
    for number in range(1, total + 1, step):
        assert ended_by(night_that_dies, cls, names, number, later, warehouse) == signal.SIGKILL, number
        assert house.require_current().release_id == "r000001", number
    assert contents(house.require_current()) == before
    after = small_night([later], warehouse)
    assert after.release_id == expected.release_id == "r000002"
    assert_same(after, expected)
    assert {path.name for path in warehouse.iterdir()} == {"current", "night.lock", "parsed", "releases", "secret"}


def test_killed_at_steps_all_over_the_night(monkeypatch: pytest.MonkeyPatch, warehouse: Path, later: Path) -> None:
    assert_kills_leave_no_trace(monkeypatch, warehouse, later, Night, STEPS, 14)


def test_killed_within_steps(monkeypatch: pytest.MonkeyPatch, warehouse: Path, later: Path) -> None:
    assert_kills_leave_no_trace(monkeypatch, warehouse, later, Session, ["run", "append", "store"], 8)


def test_killed_on_the_first_night_there_is_no_release(tmp_path: Path) -> None:
    write_touchpoints(tmp_path / "exports" / "touchpoint.csv", *FIRST_ROWS)
    house = Warehouse(tmp_path / "warehouse")
    for number in (1, 10, 30):
        assert ended_by(night_that_dies, Night, STEPS, number, tmp_path / "exports", house.root) == signal.SIGKILL
        assert house.current() is None and house.releases() == []
    assert small_night([tmp_path / "exports"], house.root).release_id == "r000001"


def test_killed_between_completing_a_release_and_switching_to_it(warehouse: Path, later: Path, tmp_path: Path) -> None:
    undisturbed = copy_warehouse(warehouse, tmp_path / "undisturbed")
    assert ended_by(night_that_dies_before_the_switch, later, warehouse) == signal.SIGKILL
    house = Warehouse(warehouse)
    assert house.require_current().release_id == "r000001"
    after = small_night([later], warehouse)
    assert_same(after, small_night([later], undisturbed))
    assert query(after, "select release_id from release order by 1")[0] == ("r000001",)


@pytest.mark.parametrize(
    ("step", "after", "stands"),
    [
        ("canonical/touchpoint", False, "r000001"),
        ("release/parquet", True, "r000001"),
        ("release/switch", True, "r000002"),
    ],
)
def test_killed_in_a_night_through_dagster(warehouse: Path, later: Path, step: str, after: bool, stands: str) -> None:
    assert ended_by(dagster_night_that_dies, step, after, later, warehouse) == signal.SIGKILL
    house = Warehouse(warehouse)
    assert house.require_current().release_id == stands
    assert query(house.require_current(), "select count(*) from touchpoint") == [(4 if stands == "r000001" else 6,)]
    with house.lock():
        pass
    shutil.rmtree(house.dagster_folder, ignore_errors=True)

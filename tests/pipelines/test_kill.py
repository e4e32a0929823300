"""A night killed with SIGKILL at any step leaves the release as it was, and the next one ends as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import dagster as dg
import pytest

from models.configuration import load_configuration
from pipelines.assets.resource import NightResource, configured_catalog
from pipelines.launch import execute_night
from pipelines.nightly import build_definitions
from pipelines.warehouse import Warehouse
from tests.pipelines.nights import assert_same, contents, run_night


class KillAt:
    """A reporter that ends its process the hard way when a step begins (or, with `after`, when it has ended)."""

    def __init__(self, step: str, after: bool = False) -> None:
        self.step = step
        self.after = after

    def start(self, step: str) -> None:
        if step == self.step and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)

    def part(self, text: str, done: int, total: int) -> None:
        pass

    def end(self, step: str, text: str) -> None:
        if step == self.step and self.after:
            os.kill(os.getpid(), signal.SIGKILL)


class Steps:
    """A reporter that writes down the steps."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def start(self, step: str) -> None:
        self.names.append(step)

    def part(self, text: str, done: int, total: int) -> None:
        pass

    def end(self, step: str, text: str) -> None:
        pass


def night(exports: list[Path], warehouse: Path, reporter: KillAt | Steps) -> None:
    configuration = load_configuration(None)
    resource = NightResource(exports=[str(path) for path in exports], warehouse=str(warehouse), config="")
    definitions = build_definitions(configuration, configured_catalog(configuration, None), resource)
    with dg.DagsterInstance.ephemeral() as instance:
        execute_night(definitions, instance, reporter)


def killed_night(exports: list[Path], warehouse: Path, reporter: KillAt) -> int:
    """Run a night in a forked child; returns the signal that ended it (0 when it ended by itself)."""
    child = os.fork()
    if child == 0:
        try:
            night(exports, warehouse, reporter)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


@pytest.fixture
def two_nights(small_exports: Path, tmp_path: Path) -> tuple[Path, Path]:
    later = tmp_path / "later"
    later.mkdir()
    (later / "touchpoint_2.csv").write_text(
        "touchpoint_type,occurred_at,email,customer_number\n"
        "ticket_resolved,2026-03-09T09:00:00Z,bram@example.org,10002\n"
        "page_view,2026-03-10T09:00:00Z,dora@example.org,\n",
        encoding="utf-8",
    )
    return small_exports, later


def test_killed_at_each_step(two_nights: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = two_nights
    undisturbed = tmp_path / "undisturbed"
    run_night([first], undisturbed)
    shutil.copytree(undisturbed, tmp_path / "disturbed", symlinks=True)
    steps = Steps()
    night([second], undisturbed, steps)
    expected = Warehouse(undisturbed).require_current()
    assert expected.release_id == "r000002"

    warehouse = Warehouse(tmp_path / "disturbed")
    before = contents(warehouse.require_current())
    assert {"seen_file", "identifier_customer", "touchpoint", "journey", "release/parquet", "release/switch"} <= set(steps.names)
    for name in steps.names:
        assert killed_night([second], warehouse.root, KillAt(name)) == signal.SIGKILL, name
        assert warehouse.require_current().release_id == "r000001", name
    assert contents(warehouse.require_current()) == before
    after = run_night([second], warehouse.root)
    assert after.release_id == "r000002"
    assert_same(after, expected)


def test_killed_between_completing_a_release_and_switching_to_it(
    two_nights: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_nights
    warehouse = Warehouse(tmp_path / "warehouse")
    run_night([first], warehouse.root)

    def die(self: Warehouse, release_id: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "switch", die)
        assert killed_night([second], warehouse.root, KillAt("")) == signal.SIGKILL
    assert warehouse.require_current().release_id == "r000001"
    after = run_night([second], warehouse.root)
    undisturbed = tmp_path / "undisturbed"
    run_night([first], undisturbed)
    assert_same(after, run_night([second], undisturbed))


def test_killed_right_after_the_switch_the_new_release_stands(two_nights: tuple[Path, Path], tmp_path: Path) -> None:
    first, _ = two_nights
    warehouse = Warehouse(tmp_path / "warehouse")
    assert killed_night([first], warehouse.root, KillAt("release/switch", after=True)) == signal.SIGKILL
    assert warehouse.require_current().release_id == "r000001"
    assert run_night([first], warehouse.root).release_id == "r000002"

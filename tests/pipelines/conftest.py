"""Exports and releases that several tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from pipelines import cli
from pipelines.demo.generate import generate
from pipelines.warehouse import Release
from tests.pipelines.companies import FIRST_ROWS, write_touchpoints
from tests.pipelines.nights import copy_warehouse, few_sources, quick_night, run_night

DEMO_CUSTOMERS = 300


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo company: exports/ in three nights and truth/."""
    folder = tmp_path_factory.mktemp("demo")
    generate(folder, customers=DEMO_CUSTOMERS, seed=360, nights=3)
    return folder


@pytest.fixture(scope="session")
def demo_release(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The demo company's release after one night over all its exports."""
    return run_night([demo / "exports"], tmp_path_factory.mktemp("warehouse"))


@pytest.fixture
def small_exports(tmp_path: Path) -> Path:
    """A folder with one canonical file about three invented people."""
    return write_touchpoints(tmp_path / "exports" / "touchpoint.csv", *FIRST_ROWS).parent


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Warehouse after a night over FIRST_ROWS with the canonical sources only; use `warehouse`, a copy."""
    folder = tmp_path_factory.mktemp("first")
    write_touchpoints(folder / "exports" / "touchpoint.csv", *FIRST_ROWS)
    quick_night([folder / "exports"], folder / "warehouse", systems=("canonical",))
    return folder / "warehouse"


@pytest.fixture
def warehouse(first_night: Path, tmp_path: Path) -> Path:
    """A warehouse of one's own after the first night."""
    return copy_warehouse(first_night, tmp_path / "warehouse")


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """The command line in this process: `call("run", …)` gives exit status, stdout and stderr.

    Started in `tmp_path`, with the canonical sources only, and Dagster keeps its events in memory: both spare seconds a
    night. `nights.command` is the real thing.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dg.DagsterInstance, "get", staticmethod(dg.DagsterInstance.ephemeral))
    for variable in ("DAGSTER_HOME", "TOUCHPOINT360_STATE", "TOUCHPOINT360_WAREHOUSE", "TOUCHPOINT360_CONFIG"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["touchpoint360", *map(str, arguments)])
        capsys.readouterr()
        with few_sources("canonical"), pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run

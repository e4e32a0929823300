"""Exports and releases that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.demo.generate import generate
from pipelines.warehouse import Release
from tests.pipelines.nights import run_night

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
    """A folder with two canonical files about three generated people."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "touchpoint.csv").write_text(
        "touchpoint_type,occurred_at,email,customer_number\n"
        "page_view,2026-01-05T10:00:00Z,anna@example.org,\n"
        "order_placed,2026-01-06T11:00:00Z,anna@example.org,10001\n"
        "ticket_opened,2026-01-08T09:00:00Z,bram@example.org,10002\n"
        "page_view,2026-03-01T09:00:00Z,cees@example.org,\n",
        encoding="utf-8",
    )
    return folder

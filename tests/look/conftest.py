"""A small demo company with two releases, and a browser: what the tests of report and explorer look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, sync_playwright

from pipelines.demo.generate import generate
from pipelines.warehouse import Release
from tests.pipelines.nights import quick_night

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True)
class Shop:
    """The warehouse after two nights; `rows` asks the second release."""

    warehouse: Path
    releases: list[Release]

    @property
    def report(self) -> Path:
        return self.warehouse / "current" / "report"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.releases[-1].data_file), read_only=True) as con:
            return con.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        rows = self.rows(sql)
        assert len(rows) == 1
        return rows[0][0]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Two nights of a company of 300 people."""
    folder = tmp_path_factory.mktemp("look")
    generate(folder / "demo", customers=300, seed=3, nights=2)
    nights = sorted((folder / "demo" / "exports").iterdir())
    releases = [quick_night([night], folder / "warehouse", report=True) for night in nights]
    return Shop(folder / "warehouse", releases)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: install the Debian package chromium to look at pages")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()

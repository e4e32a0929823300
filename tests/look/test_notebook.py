"""The notebook runs from top to bottom on a release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.look.conftest import Shop

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook" / "release.py"


def test_notebook_runs_and_says_what_the_tables_hold(shop: Shop) -> None:
    pytest.importorskip("marimo")
    done = subprocess.run(
        [sys.executable, str(NOTEBOOK)],
        env={**os.environ, "TOUCHPOINT360_WAREHOUSE": str(shop.warehouse)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    journeys = shop.value("select count(*) from journey")
    channel, count = shop.rows(
        "select channel, sum(touchpoint_count) from channel_daily group by 1 order by 2 desc limit 1"
    )[0]
    assert f"2 release(s); {journeys:,} journeys" in done.stdout
    assert f"the busiest channel is {channel} with {count:,} touchpoints" in done.stdout

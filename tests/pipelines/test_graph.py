"""The asset graph is the one that was agreed: keys, dependencies, groups, checks, jobs, schedules and sensors."""

from __future__ import annotations

import difflib

from tests.pipelines.graph import GOLDEN, as_text, describe, shipped_definitions


def test_the_graph_is_the_golden_one() -> None:
    agreed = GOLDEN.read_text(encoding="utf-8")
    found = as_text(describe(shipped_definitions()))
    difference = "".join(
        difflib.unified_diff(agreed.splitlines(keepends=True), found.splitlines(keepends=True), "agreed", "found", n=4)
    )
    assert found == agreed, (
        "the asset graph has changed. If that is meant, write it anew with `python -m tests.pipelines.graph` and commit it.\n"
        f"{difference}"
    )


def test_the_description_shows_what_it_has_to() -> None:
    graph = describe(shipped_definitions())
    assert graph["assets"]["spine"]["deps"] == ["canonical/touchpoint", "identifier_customer"]
    assert graph["assets"]["release/switch"] == {
        "group": "release",
        "deps": ["release/parquet", "release/report"],
        "checks": [],
    }
    assert "rows_read_are_not_all_accounted_for!" in graph["assets"]["reconciliation"]["checks"], (
        "a blocking check is marked"
    )
    assert "file_is_not_used" in graph["assets"]["export_file"]["checks"], "a warning is not"
    assert "nightly" in graph["jobs"]
    assert graph["schedules"] == {
        "nightly_schedule": {"cron": "0 2 * * *", "time_zone": "Europe/Amsterdam", "status": "RUNNING"}
    }
    assert graph["sensors"] == {"arrival_sensor": "STOPPED"}

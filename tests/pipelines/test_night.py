"""Nights over files in any order, number and place end in the release that one full build gives."""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.configuration import load_configuration
from pipelines.assets.resource import NightResource, configured_catalog
from pipelines.demo.generate import generate
from pipelines.launch import execute_night
from pipelines.model_files import load_models
from pipelines.night.build import full_models
from pipelines.night.run import NightError
from pipelines.nightly import build_definitions
from pipelines.warehouse import Release, Warehouse
from tests.pipelines.companies import DESK_HEADER, DESK_SELECT, FIRST_ROWS, write_desk, write_lines, write_touchpoints
from tests.pipelines.nights import (
    assert_same,
    assert_same_contents,
    command,
    contents,
    keep_salt,
    query,
    quick_night,
    run_night,
)

# Most of what is shown here does not depend on the source, and the canonical ones alone make a quicker night.
small_night = partial(quick_night, systems=("canonical",))
# The books tell which files came; what follows from their rows is in all other tables.
FILE_BOOKS = ("export_file", "reconciliation")


class Told:
    """A reporter that keeps what each step said at its end."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def start(self, step: str) -> None:
        pass

    def part(self, text: str, done: int, total: int) -> None:
        pass

    def end(self, step: str, text: str) -> None:
        self.texts[step] = text


# --- the same again ----------------------------------------------------------------------------------------------------


def test_a_quick_night_ends_in_the_release_of_a_night_through_dagster(small_exports: Path, tmp_path: Path) -> None:
    through_dagster = run_night([small_exports], tmp_path / "one")
    assert_same(through_dagster, quick_night([small_exports], tmp_path / "two"))
    assert query(through_dagster, "select count(*), count(distinct customer_id) from touchpoint") == [(4, 3)]


def test_a_night_with_nothing_new_changes_no_table(warehouse: Path, tmp_path: Path) -> None:
    before = contents(Warehouse(warehouse).require_current())
    (tmp_path / "nothing").mkdir()
    after = small_night([tmp_path / "nothing"], warehouse)
    assert after.release_id == "r000002"
    assert_same_contents(contents(after), before)


def test_the_same_file_under_another_name_and_in_another_folder_counts_once(warehouse: Path, tmp_path: Path) -> None:
    before = contents(Warehouse(warehouse).require_current())
    write_touchpoints(tmp_path / "again" / "deep" / "touchpoint (1).csv", *FIRST_ROWS)
    after = small_night([tmp_path / "again"], warehouse)
    assert_same_contents(contents(after), before, but=["export_file"])
    assert query(after, "select path, status, message, row_count from export_file order by path") == [
        ("deep/touchpoint (1).csv", "read", query(after, "select message from export_file order by path limit 1")[0][0], 4),
        ("touchpoint.csv", "duplicate", "same content as deep/touchpoint (1).csv", None),
    ]


def test_rows_of_overlapping_exports_count_once(warehouse: Path, tmp_path: Path) -> None:
    before = contents(Warehouse(warehouse).require_current())
    new = "d1,,page_view,2026-01-21T09:00:00Z,dora@example.org,,,"
    write_touchpoints(tmp_path / "overlap" / "later.csv", *FIRST_ROWS[2:], new)
    after = small_night([tmp_path / "overlap"], warehouse)
    rows = contents(after)["touchpoint"]
    assert [row for row in before["touchpoint"] if row in rows] == before["touchpoint"]
    assert len(rows) == len(before["touchpoint"]) + 1
    assert query(
        after, "select row_count, mapped_count, duplicate_count, difference_count from reconciliation order by mapped_count"
    ) == [(3, 1, 2, 0), (4, 4, 0, 0)]


def test_order_and_place_of_files_play_no_part(tmp_path: Path) -> None:
    exports = {
        "jan.csv": FIRST_ROWS[:2],
        "feb.csv": (FIRST_ROWS[1], FIRST_ROWS[2], "a1,2026-01-30T00:00:00Z,page_view,2026-01-05T10:30:00Z,anna@example.org,,,"),
        "mar.csv": FIRST_ROWS[2:],
    }
    for name, rows in exports.items():
        write_touchpoints(tmp_path / "together" / name, *rows)
        write_touchpoints(tmp_path / "apart" / name / "here" / "export.csv", *rows)
    expected = small_night([tmp_path / "together"], tmp_path / "one")
    for name in ("mar.csv", "jan.csv", "feb.csv"):
        release = small_night([tmp_path / "apart" / name], tmp_path / "three")
    assert_same(release, expected, but=["export_file"])
    assert query(release, "select occurred_at::varchar from touchpoint where source_row_number = 3 order by 1") == [
        ("2026-01-05 10:30:00",)
    ]


# --- incremental equals full -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo company of 60 people, its exports in three nights."""
    folder = tmp_path_factory.mktemp("company")
    generate(folder, customers=60, seed=11, nights=3)
    return folder / "exports"


@pytest.fixture(scope="module")
def full_build(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One night over all exports of the company."""
    return quick_night([company], keep_salt(tmp_path_factory.mktemp("full") / "warehouse"))


def split(company: Path, target: Path, seed: int, night_count: int) -> list[Path]:
    """The company's files dealt out at random over export folders, one a night; paths within a folder stay."""
    chance = random.Random(seed)
    folders = [target / f"night_{number}" for number in range(night_count)]
    for folder in folders:
        folder.mkdir(parents=True)
    for path in sorted(path for path in company.rglob("*") if path.is_file()):
        copy = chance.choice(folders) / path.relative_to(company)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    return folders


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_any_split_of_the_exports_into_nights_gives_the_tables_of_one_full_build(
    company: Path, full_build: Release, seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warehouse = keep_salt(Path(folder) / "warehouse")
        for night in split(company, Path(folder), seed, 2):
            release = quick_night([night], warehouse)
        assert release.release_id == "r000002"
        assert_same(release, full_build)


def test_a_full_rebuild_after_incremental_nights_changes_nothing(
    company: Path, full_build: Release, tmp_path: Path
) -> None:
    warehouse = keep_salt(tmp_path / "warehouse")
    for night in ("night_02", "night_01", "night_03"):
        # The folder above, so that a file's place in it reads the same.
        for other in company.iterdir():
            if other.name == night:
                shutil.copytree(other, tmp_path / night / night)
        release = quick_night([tmp_path / night], warehouse)
    assert_same(release, full_build)
    rebuilt = quick_night([], warehouse, full=True)
    assert rebuilt.summary["night"]["full"] is True
    assert_same(rebuilt, full_build)


MOMENTS = [f"2026-0{month}-{day:02d}T{hour:02d}:00:00Z" for month in (1, 2) for day in (3, 4, 20) for hour in (9, 12)]
EMAILS = ["anna@example.org", "bram@example.org", "cees@example.org", "info@example.com", ""]
NUMBERS = ["10001", "10002", "10003", ""]


@st.composite
def event_row(draw: st.DrawFn) -> str:
    """A touchpoint: one of few ids, so that versions meet; few people and moments, so that identities and ties do."""
    pick = [
        draw(st.sampled_from(choices))
        for choices in (
            [f"t{number}" for number in range(12)],
            ["", *MOMENTS[:4]],
            ["page_view", "cart_updated", "order_placed", "ticket_opened", "ticket_resolved", "no_such_type", "survey_answered"],
            [*MOMENTS, "not a time"],
            EMAILS,
            NUMBERS,
            ["", "10", "-2.5"],
            ["EUR", "DKK"],
        )
    ]
    return ",".join(pick)


@st.composite
def person_row(draw: st.DrawFn) -> str:
    """What a system says about one of few people."""
    record, number, email, phone = (
        draw(st.sampled_from(choices))
        for choices in (["p1", "p2", "p3"], NUMBERS, EMAILS, ["", "+31 20 555 0100", "020-5550100"])
    )
    name, consent, since = (
        draw(st.sampled_from(choices)) for choices in (["Anna", "Bo"], ["true", "false", ""], ["", *MOMENTS[::5]])
    )
    return f"{record},person,{number},{email},{phone},{name},{consent},{since}"


PERSON_HEADER = "id,party_type,customer_number,email,phone,full_name,consent_email,valid_from"


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    files=st.lists(
        st.tuples(st.lists(event_row(), max_size=8), st.lists(person_row(), max_size=2), st.integers(0, 2)),
        min_size=2,
        max_size=4,
    )
)
def test_versions_merges_and_late_rows_end_alike_however_they_arrive(
    files: list[tuple[list[str], list[str], int]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (events, people, night) in enumerate(files):
            for target in (folder / "all", folder / f"night_{night}"):
                write_touchpoints(target / f"event_{number}.csv", *events)
                write_lines(target / f"person_{number}.csv", PERSON_HEADER, *people)
        for night in sorted({night for _, _, night in files}):
            release = small_night([folder / f"night_{night}"], folder / "several")
        assert_same(release, small_night([folder / "all"], folder / "one"))

"""Nights over files in any order, number and place end in the release that one full build gives."""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.demo.generate import generate
from pipelines.model_files import load_models
from pipelines.night.build import full_models
from pipelines.night.run import NightError
from pipelines.warehouse import Release, Warehouse, WarehouseError
from tests.pipelines.companies import DESK_HEADER, DESK_SELECT, FIRST_ROWS, write_desk, write_lines, write_touchpoints
from tests.pipelines.nights import (
    assert_same,
    assert_same_contents,
    contents,
    few_sources,
    keep_salt,
    query,
    quick_night,
    run_night,
)

# Most of what is shown here does not depend on the source, and the canonical ones alone make a quicker night.
small_night = partial(quick_night, systems=("canonical",))
# The systems of the demo company.
company_night = partial(
    quick_night,
    systems=(
        "access_log", "flamingo", "google_ads", "mailchimp", "qualtrics", "salesforce", "sap", "square", "twilio", "wordpress",
        "zendesk",
    ),
)  # fmt: skip


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

    def skip(self, step: str) -> None:
        self.texts[step] = "skipped"

    def warn(self, text: str) -> None:
        pass


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
        (
            "deep/touchpoint (1).csv",
            "read",
            query(after, "select message from export_file order by path limit 1")[0][0],
            4,
        ),
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
        after,
        "select row_count, mapped_count, duplicate_count, difference_count from reconciliation order by mapped_count",
    ) == [(3, 1, 2, 0), (4, 4, 0, 0)]


def test_order_and_place_of_files_play_no_part(tmp_path: Path) -> None:
    exports = {
        "jan.csv": FIRST_ROWS[:2],
        "feb.csv": (
            FIRST_ROWS[1],
            FIRST_ROWS[2],
            "a1,2026-01-30T00:00:00Z,page_view,2026-01-05T10:30:00Z,anna@example.org,,,",
        ),
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
    release = company_night([company], keep_salt(tmp_path_factory.mktemp("full") / "warehouse"))
    files = query(release, "select status, count(*) from export_file group by 1")
    assert {status for status, _ in files} <= {"read", "duplicate", "empty"}, "a system of the company is missing above"
    return release


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
            release = company_night([night], warehouse)
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
        release = company_night([tmp_path / night], warehouse)
    assert_same(release, full_build)
    rebuilt = company_night([], warehouse, full=True)
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
            [
                "page_view",
                "cart_updated",
                "order_placed",
                "ticket_opened",
                "ticket_resolved",
                "no_such_type",
                "survey_answered",
            ],
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


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
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


# --- versions and late rows --------------------------------------------------------------------------------------------


def visits(release: Release) -> list[tuple[str, str]]:
    """Visitor and time of every visit in a release."""
    return query(
        release,
        "select identifiers[1].value, strftime(occurred_at, '%d %H:%M') from touchpoint "
        "where source_export = 'visit' order by all",
    )


def test_a_newer_version_supersedes_and_a_cancelled_one_takes_back(tmp_path: Path) -> None:
    config = write_desk(tmp_path)
    desk_night = partial(quick_night, config=config, systems=("desk",))
    # Local times of Copenhagen, an hour before UTC in January.
    planned = "v1;anna@example.org;2026-01-05 10:00;2026-01-01 08:00;planned"
    moved = "v1;anna@example.org;2026-01-05 12:00;2026-01-02 08:00;planned"
    cancelled = "v1;anna@example.org;2026-01-05 12:00;2026-01-03 08:00;cancelled"
    other = "v2;bram@example.org;2026-01-05 09:00;2026-01-01 08:00;held"
    write_lines(tmp_path / "1" / "visit_1.csv", DESK_HEADER, planned, other)
    write_lines(tmp_path / "2" / "visit_2.csv", DESK_HEADER, moved)
    write_lines(tmp_path / "3" / "visit_3.csv", DESK_HEADER, cancelled)
    late = "v1;anna@example.org;2026-01-05 11:00;2026-01-01 20:00;planned"
    write_lines(tmp_path / "4" / "visit_4.csv", DESK_HEADER, late)

    house = tmp_path / "warehouse"
    first = desk_night([tmp_path / "1"], house)
    assert visits(first) == [("anna@example.org", "05 09:00"), ("bram@example.org", "05 08:00")]
    second = desk_night([tmp_path / "2"], house)
    assert visits(second) == [("anna@example.org", "05 11:00"), ("bram@example.org", "05 08:00")]
    ids = "select touchpoint_id from touchpoint order by 1"
    assert query(first, ids) == query(second, ids), "a newer version is the same touchpoint"
    third = desk_night([tmp_path / "3"], house)
    assert visits(third) == [("bram@example.org", "05 08:00")]
    assert query(third, "select count(*) from customer") == [(1,)], "nothing is left that tells of Anna"
    fourth = desk_night([tmp_path / "4"], house)
    assert visits(fourth) == visits(third), "an older version that comes late changes nothing"
    assert query(
        fourth, "select path, mapped_count, skipped_by_rule, difference_count from reconciliation join export_file "
        "using (file_id) order by path",
    ) == [
        ("visit_1.csv", 1, '{"superseded": 1}', 0),
        ("visit_2.csv", 0, '{"superseded": 1}', 0),
        ("visit_3.csv", 0, '{"cancelled": 1}', 0),
        ("visit_4.csv", 0, '{"superseded": 1}', 0),
    ]  # fmt: skip
    assert_same(fourth, desk_night([tmp_path / str(night) for night in range(1, 5)], tmp_path / "at once"))


def steps(release: Release, email: str, definition: str = "purchase") -> list[tuple[int, int, str]]:
    """A person's journeys: (number of the journey, step, touchpoint type)."""
    return query(
        release,
        "select dense_rank() over (order by j.started_at), s.step_number, s.touchpoint_type "
        "from journey_step as s join journey as j using (journey_id) "
        "join customer_identifier as i on i.customer_id = s.customer_id "
        f"where i.identifier_value = '{email}' and s.journey_definition = '{definition}' order by 1, 2",
    )


def test_late_rows_take_their_place_in_journeys(warehouse: Path, tmp_path: Path) -> None:
    late = (
        "a3,,cart_updated,2026-01-05T20:00:00Z,anna@example.org,,,",
        "c2,,page_view,2025-12-01T09:00:00Z,cees@example.org,,,",
    )
    write_touchpoints(tmp_path / "late" / "late.csv", *late)
    release = small_night([tmp_path / "late"], warehouse)
    assert steps(release, "anna@example.org") == [(1, 1, "page_view"), (1, 2, "cart_updated"), (1, 3, "order_placed")]
    assert steps(release, "cees@example.org") == [(1, 1, "page_view"), (2, 1, "page_view")], "50 days are two journeys"

    bridge = "c3,,page_view,2025-12-26T09:00:00Z,cees@example.org,,,"
    write_touchpoints(tmp_path / "later" / "later.csv", bridge)
    release = small_night([tmp_path / "later"], warehouse)
    assert steps(release, "cees@example.org") == [(1, step, "page_view") for step in (1, 2, 3)], (
        "25 and 25 days are one"
    )

    write_touchpoints(tmp_path / "all" / "touchpoint.csv", *FIRST_ROWS)
    write_touchpoints(tmp_path / "all" / "late.csv", *late)
    write_touchpoints(tmp_path / "all" / "later.csv", bridge)
    assert_same(release, small_night([tmp_path / "all"], tmp_path / "at once"))


# --- time --------------------------------------------------------------------------------------------------------------


def status(release: Release) -> dict[str, str]:
    """Status of each service journey by the address of its customer."""
    return dict(
        query(
            release,
            "select i.identifier_value, j.status from journey as j join customer_identifier as i using (customer_id) "
            "where i.identifier_type = 'email' and j.journey_definition = 'service'",
        )
    )


def test_time_alone_ends_an_open_journey_but_not_before_its_gap(warehouse: Path, tmp_path: Path) -> None:
    # Bram's question of January 8, 9:00, may wait 14 days, inclusive.
    house = Warehouse(warehouse)
    assert status(house.require_current()) == {"bram@example.org": "open"}
    (tmp_path / "none").mkdir()
    at_the_gap = small_night([tmp_path / "none"], warehouse, as_of="2026-01-22T09:00:00")
    assert status(at_the_gap) == {"bram@example.org": "open"}
    past_it = small_night([tmp_path / "none"], warehouse, as_of="2026-01-22T10:00:01+01:00")
    assert status(past_it) == {"bram@example.org": "dropped"}
    assert query(past_it, "select data_date_at::varchar from setting") == [("2026-01-22 09:00:01",)]
    write_touchpoints(tmp_path / "all" / "touchpoint.csv", *FIRST_ROWS)
    assert_same(past_it, small_night([tmp_path / "all"], tmp_path / "at once", as_of="2026-01-22T09:00:01"))


def test_only_customers_whom_time_or_files_touch_are_computed_again(small_exports: Path, tmp_path: Path) -> None:
    def told(exports: Path, as_of: str) -> dict[str, str]:
        reporter = Told()
        with few_sources("canonical"):
            run_night([exports], tmp_path / "warehouse", as_of=as_of, reporter=reporter)
        return reporter.texts

    first = told(small_exports, "2026-01-20T10:00:00")
    assert first["identifier_customer"] == "3 customers, 3 affected"
    assert first["spine"] == "4 rows, 4 written (all)"
    (tmp_path / "none").mkdir()
    later = told(tmp_path / "none", "2026-01-23")
    assert later["identifier_customer"] == "3 customers, 1 affected", "Bram, whose journey time has ended"
    assert later["spine"] == "4 rows, 1 written (affected)"
    assert later["journey_step"].endswith("1 written (affected)")


def test_an_earlier_moment_is_refused_unless_everything_is_rebuilt(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(NightError, match=r"go back from 2026-01-20T09:00:00 to 2026-01-06T00:00:00\.\s.*--full"):
        small_night([tmp_path / "none"], warehouse, as_of="2026-01-06")
    assert Warehouse(warehouse).require_current().release_id == "r000001"
    earlier = small_night([tmp_path / "none"], warehouse, as_of="2026-01-06", full=True)
    assert earlier.release_id == "r000002"

    # What is after the moment stays in touchpoint and takes part in nothing.
    assert query(earlier, "select count(*) from touchpoint") == [(4,)]
    seen = "select count(*), max(occurred_at)::varchar from {}"
    assert query(earlier, seen.format("journey_step")) == [(1, "2026-01-05 10:00:00")]
    assert query(earlier, "select sum(touchpoint_count) from channel_daily") == [(1,)]
    assert query(earlier, "select sum(touchpoint_count) from customer_360") == [(1,)]

    again = small_night([tmp_path / "none"], warehouse, as_of="2026-01-20T09:00:00")
    write_touchpoints(tmp_path / "all" / "touchpoint.csv", *FIRST_ROWS)
    assert_same(again, small_night([tmp_path / "all"], tmp_path / "at once"))
    assert query(again, "select count(*) from journey_step where touchpoint_type = 'order_placed'")[0][0] > 0


def test_the_data_date_follows_the_latest_touchpoint_when_that_is_corrected(warehouse: Path, tmp_path: Path) -> None:
    corrected = "c1,2026-02-01T00:00:00Z,page_view,2026-01-02T09:00:00Z,cees@example.org,,,"
    write_touchpoints(tmp_path / "new" / "corrected.csv", corrected)
    release = small_night([tmp_path / "new"], warehouse)
    assert release.summary["data_date_at"] == "2026-01-08T09:00:00"
    write_touchpoints(tmp_path / "new" / "touchpoint.csv", *FIRST_ROWS)
    assert_same(release, small_night([tmp_path / "new"], tmp_path / "at once"))


def test_a_touchpoint_in_the_future_moves_no_date(warehouse: Path, tmp_path: Path) -> None:
    write_touchpoints(
        tmp_path / "new" / "future.csv", "f1,,appointment_booked,2999-01-01T09:00:00Z,cees@example.org,,,"
    )
    release = small_night([tmp_path / "new"], warehouse)
    assert release.summary["data_date_at"] == "2026-01-20T09:00:00"
    assert query(release, "select count(*) from touchpoint") == [(5,)]
    assert query(release, "select count(*) from journey_step where touchpoint_type = 'appointment_booked'") == [(0,)]
    assert query(release, "select max(last_seen_at)::varchar from customer_360") == [("2026-01-20 09:00:00",)]


# --- what a night is made with changes ---------------------------------------------------------------------------------


def test_a_changed_mapping_maps_its_files_again(tmp_path: Path) -> None:
    config = write_desk(tmp_path)
    write_lines(tmp_path / "exports" / "visit.csv", DESK_HEADER, "v1;anna@example.org;2026-01-05 10:00;;held")
    write_touchpoints(tmp_path / "exports" / "touchpoint.csv", *FIRST_ROWS)
    night = partial(quick_night, config=config, systems=("desk", "canonical"))
    by_type = "select touchpoint_type, count(*) from touchpoint group by 1 order by 1"
    first = night([tmp_path / "exports"], tmp_path / "warehouse")
    assert ("reception", 1) in query(first, by_type)

    write_desk(tmp_path, DESK_SELECT.replace("'reception'", "'store_visit'"))
    # The originals are gone: the parsed copies are enough.
    (tmp_path / "exports").rename(tmp_path / "moved away")
    (tmp_path / "exports").mkdir()
    second = night([tmp_path / "exports"], tmp_path / "warehouse")
    assert ("store_visit", 1) in query(second, by_type)
    assert ("reception", 1) not in query(second, by_type)
    assert second.summary["night"]["full"] is False, "one mapping is no reason to rebuild all"
    assert_same(second, night([tmp_path / "moved away"], tmp_path / "at once"))


def test_a_system_that_is_taken_away_leaves_nothing_behind(tmp_path: Path) -> None:
    config = write_desk(tmp_path)
    write_lines(tmp_path / "exports" / "visit.csv", DESK_HEADER, "v1;dora@example.org;2026-01-05 10:00;;held")
    write_touchpoints(tmp_path / "exports" / "touchpoint.csv", *FIRST_ROWS)
    first = quick_night([tmp_path / "exports"], tmp_path / "warehouse", config, systems=("desk", "canonical"))
    assert query(first, "select count(*) from customer") == [(4,)]
    second = small_night([tmp_path / "exports"], tmp_path / "warehouse")
    assert query(second, "select count(*) from touchpoint where source_system = 'desk'") == [(0,)]
    assert query(second, "select status from export_file where path = 'visit.csv'") == [("unrecognised",)]
    assert_same(second, small_night([tmp_path / "exports"], tmp_path / "at once"))


def test_a_changed_configuration_rebuilds(warehouse: Path, tmp_path: Path) -> None:
    config = write_lines(
        tmp_path / "touchpoint360.yaml",
        "session: {gap_minutes: 5}",
        "journeys:",
        "  service:",
        "    label: Short patience",
        "    family: service",
        "    starts: [ticket_opened]",
        "    includes: {families: [service]}",
        "    goals: [ticket_resolved]",
        "    gap_days: 2",
    )
    (tmp_path / "none").mkdir()
    release = small_night([tmp_path / "none"], warehouse, config)
    assert release.summary["night"]["full"] is True
    assert status(release) == {"bram@example.org": "dropped"}
    write_touchpoints(tmp_path / "all" / "touchpoint.csv", *FIRST_ROWS)
    assert_same(release, small_night([tmp_path / "all"], tmp_path / "at once", config))
    same = small_night([tmp_path / "none"], warehouse, config)
    assert same.summary["night"]["full"] is False, "the second night with it is an ordinary one"


def test_a_secret_of_the_company_s_own_makes_the_pseudonyms(tmp_path: Path) -> None:
    line = (
        '192.0.2.7 - - [05/Jan/2026:10:00:00 +0100] "GET /shop HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)"'
    )
    write_lines(tmp_path / "exports" / "access.log", line)
    config = write_lines(tmp_path / "touchpoint360.yaml", "privacy: {salt_file: salt}")
    log_night = partial(quick_night, [tmp_path / "exports"], config=config, systems=("access_log",))
    visitor = "select identifiers[1].value from touchpoint"

    def secret(character: str) -> None:
        (tmp_path / "salt").write_text(character * 32)

    secret("a")
    first = log_night(tmp_path / "one")
    assert query(first, visitor) == query(log_night(tmp_path / "two"), visitor), "the same in every warehouse"
    assert "secret" not in {path.name for path in (tmp_path / "one" / "releases").rglob("*")}
    secret("b")
    second = log_night(tmp_path / "one")
    assert query(second, visitor) != query(first, visitor)
    assert_same(second, log_night(tmp_path / "three"))
    (tmp_path / "salt").write_text("short")
    with pytest.raises(WarehouseError, match="holds 5 characters, too few for a secret"):
        log_night(tmp_path / "one")
    (tmp_path / "salt").unlink()
    with pytest.raises(WarehouseError, match=r"salt cannot be read .*openssl"):
        log_night(tmp_path / "one")
    assert Warehouse(tmp_path / "one").require_current().release_id == second.release_id


def test_changed_code_rebuilds_everything_from_the_parsed_files(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(Warehouse(warehouse).require_current())
    monkeypatch.setattr("pipelines.night.run.software_hash", lambda: "another version")
    (tmp_path / "none").mkdir()
    release = small_night([tmp_path / "none"], warehouse)
    assert release.summary["night"]["full"] is True
    assert_same_contents(contents(release), before)


def test_a_changed_model_rebuilds_itself_and_what_reads_it(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_models()["journey"]
    changed = replace(
        model, text=f"select * replace (value_amount_base * 2 as value_amount_base) from (\n{model.text}\n)"
    )
    monkeypatch.setitem(load_models(), "journey", changed)
    (tmp_path / "none").mkdir()
    value = "select distinct value_amount_base from journey where value_amount_base is not null"
    assert query(Warehouse(warehouse).require_current(), value) == [(20.5,)]
    release = small_night([tmp_path / "none"], warehouse)
    assert query(release, value) == [(41.0,)], "nobody had anything new, and still everybody's journeys are made again"
    assert release.summary["night"]["full"] is False
    assert "journey" in full_models({"journey"}, False)
    assert "spine" not in full_models({"journey"}, False)
    write_touchpoints(tmp_path / "all" / "touchpoint.csv", *FIRST_ROWS)
    assert_same(release, small_night([tmp_path / "all"], tmp_path / "at once"))

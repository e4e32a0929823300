"""What a release holds, how readers live through a switch, and how rollback goes on."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from models.contract import load_contracts
from pipelines.night.publish import SCHEMA_VERSION
from pipelines.warehouse import Release, Warehouse
from tests.pipelines.companies import FIRST_ROWS, write_lines, write_touchpoints
from tests.pipelines.nights import assert_same, contents, query, quick_night

small_night = partial(quick_night, systems=("canonical",))

PEOPLE = (
    "id,party_type,customer_number,email,phone,full_name,city,valid_from",
    "p1,person,10001,anna@example.org,+31 20 555 0101,Anna Voorbeeld,Utrecht,2026-01-01T00:00:00Z",
    "p2,person,10002,bram@example.org,,Bram Voorbeeld,Aarhus,2026-01-01T00:00:00Z",
)
# What the files above say of people, and no Parquet file may.
DIRECT_VALUES = ("anna@example.org", "bram@example.org", "555 0101", "205550101", "Voorbeeld", "10001")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse after two nights: January and February, then one more touchpoint in February."""
    folder = tmp_path_factory.mktemp("release")
    write_touchpoints(
        folder / "1" / "touchpoint.csv", *FIRST_ROWS, "e1,,page_view,2026-02-03T09:00:00Z,emil@example.org,,,"
    )
    write_lines(folder / "1" / "people.csv", *PEOPLE)
    write_touchpoints(folder / "2" / "new.csv", "e2,,page_view,2026-02-04T09:00:00Z,emil@example.org,,,")
    small_night([folder / "1"], folder / "warehouse")
    small_night([folder / "2"], folder / "warehouse")
    return Warehouse(folder / "warehouse")


@pytest.fixture(scope="module")
def release(house: Warehouse) -> Release:
    """Its current release."""
    return house.require_current()


def test_release_json_says_what_the_release_holds(house: Warehouse, release: Release) -> None:
    told = json.loads((house.current_link / "release.json").read_text(encoding="utf-8"))
    assert (told["release_id"], told["schema_version"]) == ("r000002", SCHEMA_VERSION)
    assert told["data_date_at"] == "2026-02-04T09:00:00"
    tables = [row[0] for row in query(release, "select table_name from duckdb_tables()")]
    assert told["row_counts"] == {
        table: query(release, f'select count(*) from "{table}"')[0][0] for table in sorted(tables)
    }
    assert told["row_counts"]["touchpoint"] == 6
    assert told["checks"]["failures"] == []
    assert told["checks"]["passed"] > 50
    assert [(file["path"], file["status"], file["row_count"]) for file in told["source_files"]] == [
        ("new.csv", "read", 1), ("people.csv", "read", 2), ("touchpoint.csv", "read", 5),
    ]  # fmt: skip


def test_the_release_table_tells_of_the_nights(release: Release) -> None:
    assert query(
        release, "select release_id, previous_release_id, is_full, touchpoint_count from release order by release_id"
    ) == [("r000001", None, True, 5), ("r000002", "r000001", False, 6)]


def test_every_published_table_is_in_duckdb_and_in_parquet(release: Release) -> None:
    published = {name for name, contract in load_contracts().items() if contract.published}
    in_duckdb = {row[0] for row in query(release, "select table_name from duckdb_tables()")}
    in_parquet = {path.name for path in (release.folder / "parquet").iterdir()}
    assert in_duckdb == in_parquet == published


def test_duckdb_tables_and_columns_carry_their_comments(release: Release) -> None:
    told = {
        (table, column): comment
        for table, column, comment in query(release, "select table_name, column_name, comment from duckdb_columns()")
    }
    for name, contract in load_contracts().items():
        if contract.published:
            for column in contract.columns:
                assert told[name, column.name] == column.comment, f"{name}.{column.name}"
    tables = dict(query(release, "select table_name, comment from duckdb_tables()"))
    assert tables["journey"].startswith(load_contracts()["journey"].description)
    assert all(tables.values())


def test_parquet_fields_carry_description_unit_and_whether_they_name_a_person(release: Release) -> None:
    for name, contract in load_contracts().items():
        if not contract.published:
            continue
        direct = {column.name for column in contract.columns if column.personal == "direct"}
        for path in (release.folder / "parquet" / name).rglob("*.parquet"):
            schema = pq.read_schema(path)
            assert schema.names == [column.name for column in contract.columns if column.name not in direct]
            for field in schema:
                column = contract.column(field.name)
                assert field.metadata[b"description"].decode() == column.description
                assert field.metadata[b"unit"].decode() == column.unit
                assert field.metadata[b"personal"] != b"direct"
            written = pq.ParquetFile(path).metadata
            groups = [written.row_group(number) for number in range(written.num_row_groups)]
            assert {group.column(0).compression for group in groups} <= {"ZSTD"}


def test_direct_identifiers_are_in_duckdb_and_in_no_parquet_file(release: Release) -> None:
    assert query(release, "select full_name, email from customer where full_name like 'Anna%'") == [
        ("Anna Voorbeeld", "anna@example.org")
    ]
    leaked = []
    for path in (release.folder / "parquet").rglob("*.parquet"):
        text = json.dumps(pq.read_table(path).to_pylist(), default=str)
        leaked += [(str(path.relative_to(release.folder)), value) for value in DIRECT_VALUES if value in text]
    assert leaked == []


def test_parquet_and_duckdb_hold_the_same_rows(release: Release) -> None:
    for name, contract in load_contracts().items():
        if not contract.published:
            continue
        columns = ", ".join(f'"{column.name}"' for column in contract.published_columns())
        parquet = f"read_parquet('{release.folder}/parquet/{name}/**/*.parquet', hive_partitioning = false)"
        with duckdb.connect(str(release.data_file), read_only=True) as con:
            for left, right in ((f'"{name}"', parquet), (parquet, f'"{name}"')):
                missing = (
                    f"select count(*) from (select {columns} from {left} except all select {columns} from {right})"
                )
                assert con.execute(missing).fetchone() == (0,), name


def test_months_that_did_not_change_are_hard_links(house: Warehouse) -> None:
    before, after = house.releases()
    months = {
        path.relative_to(after.folder / "parquet"): path.stat().st_ino
        == (before.folder / path.relative_to(after.folder)).stat().st_ino
        for path in sorted((after.folder / "parquet" / "touchpoint").rglob("*.parquet"))
    }
    assert {str(path): linked for path, linked in months.items()} == {
        "touchpoint/month=2026-01/part-0.parquet": True,
        "touchpoint/month=2026-02/part-0.parquet": False,
    }
    rows = [
        pq.read_table(release.folder / "parquet" / "touchpoint" / "month=2026-02").num_rows
        for release in (before, after)
    ]
    assert rows == [1, 2]


def test_files_are_closed_and_older_drivers_can_read_them(release: Release) -> None:
    assert sorted(path.name for path in release.folder.iterdir()) == [
        "customer360.duckdb", "index", "parquet", "release.json", "state.duckdb",
    ]  # fmt: skip
    assert list(release.folder.rglob("*.wal")) == []
    with duckdb.connect() as con:
        con.execute(f"attach '{release.data_file}' as release (read_only)")
        version = con.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'release'"
        ).fetchone()
    assert version is not None and str(version[0]).startswith("v1.4.0"), version


def test_a_reader_keeps_its_release_through_a_switch(warehouse: Path, tmp_path: Path) -> None:
    house = Warehouse(warehouse)
    path = str(house.current_link / "customer360.duckdb")
    reader = duckdb.connect(path, read_only=True)
    assert reader.execute("select count(*) from touchpoint").fetchone() == (4,)
    write_touchpoints(tmp_path / "new" / "new.csv", "d1,,page_view,2026-01-21T09:00:00Z,dora@example.org,,,")
    small_night([tmp_path / "new"], warehouse)
    assert reader.execute("select count(*), max(touchpoint_type) from touchpoint").fetchone() == (4, "ticket_opened")
    with duckdb.connect(path, read_only=True) as second:
        assert second.execute("select count(*) from touchpoint").fetchone() == (5,)
    reader.close()


def test_after_a_rollback_the_next_night_reads_again_what_was_rolled_back(warehouse: Path, tmp_path: Path) -> None:
    house = Warehouse(warehouse)
    first = contents(house.require_current())
    write_touchpoints(tmp_path / "new" / "new.csv", "d1,,page_view,2026-01-21T09:00:00Z,dora@example.org,,,")
    second = small_night([tmp_path / "new"], warehouse)
    house.switch("r000001")
    assert contents(house.require_current()) == first
    third = small_night([tmp_path / "new"], warehouse)
    assert third.release_id == "r000003", "a number is never given twice"
    assert_same(third, second)
    assert query(third, "select release_id, previous_release_id from release order by 1") == [
        ("r000001", None), ("r000003", "r000001"),
    ]  # fmt: skip


def test_only_the_configured_number_of_releases_stays(warehouse: Path, tmp_path: Path) -> None:
    config = write_lines(tmp_path / "touchpoint360.yaml", "release: {keep: 2}")
    (tmp_path / "none").mkdir()
    for _ in range(2):
        release = small_night([tmp_path / "none"], warehouse, config)
    house = Warehouse(warehouse)
    assert [kept.release_id for kept in house.releases()] == ["r000002", "r000003"]
    assert house.require_current().release_id == release.release_id == "r000003"
    # The months of a deleted release live on in the one that links to them.
    linked = release.folder / "parquet" / "touchpoint" / "month=2026-01" / "part-0.parquet"
    assert pq.read_table(linked).num_rows == 4
    assert not (warehouse / "work").exists()


def test_a_release_moved_to_another_place_still_opens(release: Release, tmp_path: Path) -> None:
    shutil.copytree(release.folder, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "customer360.duckdb").chmod(0o444)
    with duckdb.connect(str(tmp_path / "elsewhere" / "customer360.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from customer").fetchone() == (4,)

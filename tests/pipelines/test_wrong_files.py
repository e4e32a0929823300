"""What a night does with files and mappings that are wrong: it goes on without the file, and stops for the mapping."""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipelines.model_files import load_models
from pipelines.warehouse import Release, Warehouse
from tests.pipelines.companies import (
    DESK_HEADER,
    DESK_SELECT,
    FIRST_ROWS,
    TOUCHPOINT_HEADER,
    write_desk,
    write_lines,
    write_touchpoints,
)
from tests.pipelines.nights import CheckFailedError, query, quick_night

small_night = partial(quick_night, systems=("canonical",))
# What the fixture `call` knows of, with the desk's configuration.
SYSTEMS = ("canonical", "desk")


def write_wrong_files(folder: Path) -> None:
    """One file of each wrong kind beside a good one."""
    write_touchpoints(folder / "good.csv", *FIRST_ROWS)
    for name, rows in (("cut.csv.gz", 8000), ("cut_early.csv.gz", 50)):
        numbered = (f"g{n},,page_view,2026-01-05T10:00:{n % 60:02},,{n * 7919},," for n in range(rows))
        text = "\n".join((TOUCHPOINT_HEADER, *numbered))
        (folder / name).write_bytes(gzip.compress(text.encode())[:-200])
    (folder / "noise.csv").write_bytes(bytes(range(256)) * 40)
    (folder / "nothing.csv").write_bytes(b"")
    write_lines(folder / "header.csv", TOUCHPOINT_HEADER)
    write_lines(folder / "semicolons.csv", *(line.replace(",", ";") for line in (TOUCHPOINT_HEADER, *FIRST_ROWS)))
    (folder / "bytes.csv").write_bytes(
        f"{TOUCHPOINT_HEADER}\nx1,,page_view,2026-01-05T10:00:00Z,dora@example.org,,,\n".encode()
        + b"x2,,page_view,2026-01-05T11:00:00Z,d\xff\xfera@example.org,,,\n"
        + b"x3,,page_view,2026-01-05T12:00:00Z,dora@example.org,,,\n"
    )
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.write(folder / "good.csv", "good.csv")
    (folder / "broken.zip").write_bytes((folder / "packed.zip").read_bytes()[:-60])
    write_touchpoints(folder / "folder.csv" / "inside.csv", "y1,,page_view,2026-01-05T10:00:00Z,emil@example.org,,,")
    write_lines(folder / "almost.csv", "id,touchpoint_type,moment", "z1,page_view,2026-01-05T10:00:00Z")
    write_lines(folder / "foreign.csv", "Wagon,Axles", "7,4")
    (folder / "gone.csv").symlink_to(folder / "not here.csv")
    os.mkfifo(folder / "pipe.csv")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release of a night over the wrong files."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "exports").mkdir()
    write_wrong_files(folder / "exports")
    return small_night([folder / "exports"], folder / "warehouse")


# File, status, part of the message, part of the next step.
WRONG = [
    (
        "cut_early.csv.gz",
        "unreadable",
        "broken or truncated gzip file",
        "copy or export it again, and wait until it is complete",
    ),
    (
        "almost.csv",
        "unrecognised",
        "Nearest is canonical.touchpoint with 2 of 3 columns; missing: occurred_at",
        "Export these",
    ),
    ("broken.zip", "unreadable", "broken or truncated zip", "export it again"),
    (
        "foreign.csv",
        "unrecognised",
        "no spec fits (looks like csv, columns Wagon, Axles)",
        "`touchpoint360 new-source` proposes a spec",
    ),
    ("gone.csv", "unreadable", "no such file", ""),
    ("noise.csv", "unreadable", "is binary", "export as CSV"),
    ("nothing.csv", "empty", "is empty", "export again"),
    ("pipe.csv", "unreadable", "is not a regular file", "give an exported file"),
    (
        "semicolons.csv",
        "unrecognised",
        "looks like canonical.touchpoint, separated by semicolons",
        "export it with commas",
    ),
]


@pytest.mark.parametrize(("path", "status", "says", "advice"), WRONG, ids=[case[0] for case in WRONG])
def test_a_wrong_file_is_in_the_books_with_what_to_do(
    release: Release, path: str, status: str, says: str, advice: str
) -> None:
    [(found, message, rows)] = query(
        release, f"select status, message, row_count from export_file where path = '{path}'"
    )
    assert (found, rows) == (status, None)
    assert message.startswith(f"{path}: ")
    assert says in message and advice in message


def test_every_file_is_in_the_books_and_the_other_files_rows_are_all_there(release: Release) -> None:
    assert query(release, "select path, row_count from export_file where status = 'read' order by path") == [
        ("bytes.csv", 3),
        ("cut.csv.gz", query(release, "select row_count from export_file where path = 'cut.csv.gz'")[0][0]),
        ("folder.csv/inside.csv", 1),
        ("good.csv", 4),
        ("header.csv", 0),
    ]
    assert query(release, "select count(*) from export_file") == [(15,)]
    assert query(release, "select path, message from export_file where status = 'duplicate'") == [
        ("packed.zip!good.csv", "same content as good.csv")
    ]
    per_file = "select count(*) from touchpoint join export_file on file_id = source_file_id where path = '{}'"
    assert query(release, per_file.format("good.csv")) == [(4,)]
    assert query(release, per_file.format("folder.csv/inside.csv")) == [(1,)]
    assert query(release, per_file.format("bytes.csv")) == [(2,)]


def test_rows_of_damaged_files_are_mapped_or_in_quarantine_and_the_books_balance(release: Release) -> None:
    assert query(release, "select count(*) from reconciliation where difference_count <> 0") == [(0,)]
    by_file = {
        path: counts
        for path, *counts in query(
            release,
            "select path, r.row_count, mapped_count, quarantined_count from reconciliation as r join export_file "
            "using (file_id)",
        )
    }
    assert by_file["bytes.csv"] == [3, 2, 1]
    rows, mapped, quarantined = by_file["cut.csv.gz"]
    # The rows before the break, and the one it cuts in two: no value of it is taken for whole.
    assert (mapped, quarantined) == (rows - 1, 1) and 0 < mapped < 8000
    told = query(
        release,
        "select path, row_number, reason, advice from quarantine join export_file using (file_id) order by 1, 2",
    )
    assert [(path, number) for path, number, _, _ in told] == [
        ("bytes.csv", 2), ("cut.csv.gz", rows),
    ]  # fmt: skip
    assert "utf-8" in told[0][2] and "breaks off" in told[1][2]
    [(message,)] = query(release, "select message from export_file where path = 'cut.csv.gz'")
    assert "breaks off here" in message and "export or copy it again" in message
    assert all(advice for _, _, _, advice in told)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_in_the_books(tmp_path: Path) -> None:
    write_touchpoints(tmp_path / "exports" / "good.csv", *FIRST_ROWS)
    write_touchpoints(tmp_path / "exports" / "shut.csv", *FIRST_ROWS).chmod(0)
    release = small_night([tmp_path / "exports"], tmp_path / "warehouse")
    [(status, message)] = query(release, "select status, message from export_file where path = 'shut.csv'")
    assert status == "unreadable" and "no permission" in message
    assert query(release, "select count(*) from touchpoint") == [(4,)]


def test_a_file_that_is_put_right_is_read_the_next_night(tmp_path: Path) -> None:
    write_touchpoints(tmp_path / "exports" / "good.csv", *FIRST_ROWS[:2])
    wrong = write_lines(tmp_path / "exports" / "late.csv", "nothing known", "1")
    first = small_night([tmp_path / "exports"], tmp_path / "warehouse")
    assert query(first, "select count(*) from touchpoint") == [(2,)]
    write_touchpoints(wrong, *FIRST_ROWS[2:])
    second = small_night([tmp_path / "exports"], tmp_path / "warehouse")
    assert query(second, "select count(*) from touchpoint") == [(4,)]
    assert query(second, "select path, status from export_file order by path") == [
        ("good.csv", "read"),
        ("late.csv", "read"),
    ]


# --- wrong mappings and contracts --------------------------------------------------------------------------------------


def test_a_mapping_that_drops_rows_stops_the_night(call: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    write_lines(
        tmp_path / "exports" / "visit.csv",
        DESK_HEADER,
        "v1;anna@example.org;2026-01-05 10:00;2026-01-01 08:00;held",
        "v2;bram@example.org;2026-01-05 11:00;2026-01-01 08:00;held",
    )
    config = write_desk(tmp_path)
    first = quick_night([tmp_path / "exports"], tmp_path / "warehouse", config, systems=SYSTEMS)
    write_desk(tmp_path, DESK_SELECT + "where visit_no <> 'v2'\n")
    code, out, error = call("run", "--exports", "exports", "--quiet")
    assert (code, out) == (1, "")
    lines = error.splitlines()
    assert lines[0] == "touchpoint360: the night did not switch; the current release is still r000001."
    assert any(line.strip().startswith("reconciliation: ") and line.endswith("(1 rows)") for line in lines[1:])
    current = Warehouse(tmp_path / "warehouse").require_current()
    assert current.release_id == "r000001"
    assert (
        query(current, "select count(*) from touchpoint") == query(first, "select count(*) from touchpoint") == [(2,)]
    )

    # With the mapping put right the next night goes on.
    write_desk(tmp_path)
    again = quick_night([tmp_path / "exports"], tmp_path / "warehouse", config, systems=SYSTEMS)
    assert again.release_id == "r000002"


def test_a_mapping_that_cannot_run_is_named_with_the_next_step(tmp_path: Path) -> None:
    config = write_desk(tmp_path, DESK_SELECT.replace("visitor_mail", "visitor_male"))
    write_lines(tmp_path / "exports" / "visit.csv", DESK_HEADER, "v1;anna@example.org;2026-01-05 10:00;;held")
    with pytest.raises(
        Exception, match=r"the mapping of desk\.visit \(visit\.sql\) cannot run: .*visitor_male.*inspect"
    ) as told:
        quick_night([tmp_path / "exports"], tmp_path / "warehouse", config, systems=SYSTEMS)
    assert type(told.value).__name__ == "MappingError"
    assert Warehouse(tmp_path / "warehouse").current() is None


def test_a_model_that_breaks_its_contract_stops_the_night(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_models()["journey"]
    twice = replace(model, text=f"select * from (\n{model.text}\n) cross join range(2) as twice (number)")
    monkeypatch.setitem(load_models(), "journey", twice)
    write_touchpoints(tmp_path / "new" / "new.csv", "d1,,page_view,2026-01-21T09:00:00Z,dora@example.org,,,")
    with pytest.raises(CheckFailedError, match="journey: Two rows of journey have the same journey_id"):
        small_night([tmp_path / "new"], warehouse)
    assert Warehouse(warehouse).require_current().release_id == "r000001"
    monkeypatch.undo()
    release = small_night([tmp_path / "new"], warehouse)
    assert release.release_id == "r000002"
    assert query(release, "select count(*) from touchpoint") == [(5,)]

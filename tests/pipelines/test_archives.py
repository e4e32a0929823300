"""Zip archives and hostile files in a night: members are files of their own, and nothing stops the night."""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from pipelines.night.register import content_id, find_files
from pipelines.warehouse import Release
from sources.archive import expand
from tests.pipelines.companies import FIRST_ROWS, write_touchpoints
from tests.pipelines.nights import query, quick_night

CANONICAL = ("canonical",)


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def touchpoints(tmp_path: Path) -> bytes:
    return write_touchpoints(tmp_path / "made" / "touchpoint.csv", *FIRST_ROWS).read_bytes()


def books(release: Release) -> list[tuple[str, str, int | None]]:
    return query(release, "select path, status, row_count from export_file order by path")


def test_members_are_files_and_a_copy_outside_is_the_same_file(tmp_path: Path, touchpoints: bytes) -> None:
    exports = tmp_path / "exports"
    lines = touchpoints.splitlines(keepends=True)
    archive = zipped(
        exports / "week.zip",
        {
            "a/first.csv": b"".join(lines[:2]),
            "a/rest.csv.gz": gzip.compress(lines[0] + b"".join(lines[2:])),
            "notes.txt": b"some words\nno export\n",
            "__MACOSX/a/._first.csv": b"x",
        },
    )
    (exports / "copy.csv").write_bytes(b"".join(lines[:2]))
    release = quick_night([exports], tmp_path / "warehouse", systems=CANONICAL)
    assert books(release) == [
        ("copy.csv", "read", 1),
        ("week.zip!a/first.csv", "duplicate", None),
        ("week.zip!a/rest.csv.gz", "read", len(lines) - 2),
        ("week.zip!notes.txt", "unrecognised", None),
    ]
    found = {file.relative_path: file.path for file in find_files([exports])}
    assert content_id(found["copy.csv"]) == content_id(found["week.zip!a/first.csv"])
    # A second night has nothing new to read, with the archive gone too.
    archive.unlink()
    again = quick_night([exports], tmp_path / "warehouse", systems=CANONICAL)
    assert {path for path, status, _ in books(again) if status in ("read", "duplicate")} == {
        "copy.csv", "week.zip!a/first.csv", "week.zip!a/rest.csv.gz"
    }  # fmt: skip


def test_the_night_goes_on_after_hostile_archives(tmp_path: Path, touchpoints: bytes, monkeypatch) -> None:
    monkeypatch.setattr("sources.archive.FREE_EXPANSION_BYTES", 1 << 20)
    exports = tmp_path / "exports"
    zipped(exports / "bomb.zip", {"zeros.csv": bytes(8 << 20), "more.csv": bytes(1 << 20)})
    zipped(exports / "empty.zip", {})
    inner = zipped(tmp_path / "inner.zip", {"touchpoint.csv": touchpoints}).read_bytes()
    zipped(exports / "mixed.zip", {"../../out.csv": touchpoints, "/etc/out.csv": touchpoints, "in.zip": inner,
                                   "C:\\out.csv": touchpoints, "good.csv": touchpoints})  # fmt: skip
    (exports / "cut.zip").write_bytes(zipped(tmp_path / "whole.zip", {"a.csv": touchpoints * 50}).read_bytes()[:-30])
    locked = bytearray(zipped(tmp_path / "open.zip", {"a.csv": touchpoints}).read_bytes())
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(magic) + at] |= 1
    (exports / "locked.zip").write_bytes(locked)
    release = quick_night([exports], tmp_path / "warehouse", systems=CANONICAL)
    message = dict(query(release, "select path, message from export_file where status = 'unreadable'"))
    assert query(release, "select count(*) from touchpoint") == [(len(FIRST_ROWS),)]
    assert [path for path, status, _ in books(release) if status == "read"] == ["mixed.zip!good.csv"]
    said = {
        "bomb.zip": "times its size",
        "empty.zip": "empty zip archive",
        "cut.zip": "broken or truncated",
        "locked.zip!a.csv": "password",
        "mixed.zip!in.zip": "archive within an archive",
    }
    assert set(said) <= set(message)
    for path, text in said.items():
        assert text in message[path]
    outside = [path for path, text in message.items() if "outside the archive" in text]
    assert len(outside) == 3
    assert not list(tmp_path.rglob("out.csv")), "nothing is written under a member's name"


def test_a_member_that_is_longer_than_the_archive_says_ends_there(tmp_path: Path, touchpoints: bytes) -> None:
    path = zipped(tmp_path / "exports" / "liar.zip", {"a.csv": touchpoints * 40})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    short = touchpoints[: len(touchpoints) // 2]
    struct.pack_into("<I", data, at + 24, len(short))
    struct.pack_into("<I", data, at + 16, zlib.crc32(b"else"))
    path.write_bytes(data)
    (member,) = expand(path)
    assert member.byte_count == len(short)
    release = quick_night([path.parent], tmp_path / "warehouse", systems=CANONICAL)
    (row,) = books(release)
    assert row[1] == "unreadable"

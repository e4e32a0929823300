"""Zip archives: each file in one is a file of its own, named `export.zip!orders.csv`; nothing is ever written by its name.

Belongs here: which members an archive has, which of them are refused and why, opening one. Does not belong here: what a
member holds (it is recognised and read as any other file), other compressions (`opening.py`).
"""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MEMBER_SIGN = "!"
MAX_MEMBERS = 1_000
# An archive may say that it holds this much, or so many times its own size; more is taken for an attack.
FREE_EXPANSION_BYTES = 1 << 30
MAX_EXPANSION = 250

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:|^/|(^|/)(\.{0,2})(/|$)")


# What Python's zipfile may raise for a file with wrong bytes in it.
BROKEN_ZIP = (
    zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, IndexError, struct.error, zlib.error, lzma.LZMAError
)  # fmt: skip


class ReadError(ValueError):
    """A file that cannot be read at all; the message says which, why and what to do next."""


@dataclass(frozen=True)
class Member:
    """One file to read. `path` is the file itself or `archive!name`; `problem`: why it is refused, with the next step."""

    path: Path
    name: str | None = None
    byte_count: int = 0
    problem: str | None = None


def split_member(path: Path) -> tuple[Path, str] | None:
    """(archive, member name) of a path like `export.zip!orders.csv`; None for an ordinary path."""
    text = str(path)
    at = text.find(MEMBER_SIGN)
    while at > 0:
        archive = Path(text[:at])
        if archive.is_file() and text[at + 1 :]:
            return None if path.is_file() else (archive, text[at + 1 :])
        at = text.find(MEMBER_SIGN, at + 1)
    return None


def zip_kind(file: Path | IO[bytes]) -> str | None:
    """What a zip file is: `xlsx`, `office` (another document), `archive`; None when it is no readable zip file."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except BROKEN_ZIP:
        return None
    if "xl/workbook.xml" in names:
        return "xlsx"
    if names & {"[Content_Types].xml", "mimetype", "META-INF/manifest.xml"} or "xl/workbook.bin" in names:
        return "office"
    return "archive"


def expand(path: Path) -> list[Member]:
    """The files that a path stands for: the members of a zip archive, else the path itself.

    Hidden members and folders are left out. A member that must not or cannot be read comes with its `problem`. Raises
    `ReadError` for an archive that is broken, empty, or too large to be meant well.
    """
    if not path.is_file():
        # A pipe would wait for a writer for ever.
        return [Member(path)]
    try:
        with path.open("rb") as file:
            if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06") or zip_kind(path) not in ("archive", None):
                return [Member(path)]
    except OSError:
        return [Member(path)]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    except BROKEN_ZIP as error:
        raise ReadError(f"{path}: broken or truncated zip archive ({error}); copy or export it again") from None
    if len(entries) > MAX_MEMBERS:
        raise ReadError(f"{path}: {len(entries):,} files in one archive, more than {MAX_MEMBERS:,}; unpack it yourself")
    limit = max(FREE_EXPANSION_BYTES, MAX_EXPANSION * path.stat().st_size)
    total = sum(entry.file_size for entry in entries)
    if total > limit:
        raise ReadError(
            f"{path}: holds {total:,} bytes, more than {MAX_EXPANSION} times its size; unpack it yourself if that is right"
        )
    members = []
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        if name.startswith("__MACOSX/") or any(part.startswith(".") for part in name.split("/") if part.strip(".")):
            continue
        members.append(_member(path, entry, name in seen))
        seen.add(name)
    if not members:
        raise ReadError(f"{path}: an empty zip archive; if the system had something to export, export again")
    return members


def _member(archive: Path, entry: zipfile.ZipInfo, repeated: bool) -> Member:
    shown = re.sub(r"[\x00-\x1f\x7f]", "?", entry.filename)
    path = Path(f"{archive}{MEMBER_SIGN}{shown}")
    problem = None
    if _UNSAFE.search(entry.orig_filename) or _UNSAFE.search(entry.filename):
        problem = "a name that points outside the archive or that no export has; pack the files again"
    elif repeated:
        problem = "a second file of this name in the archive; pack the files again"
    elif entry.flag_bits & 1:
        problem = "protected by a password; unpack it"
    elif entry.compress_type not in _COMPRESSIONS:
        problem = f"packed in a way that is not read (zip method {entry.compress_type}); unpack it"
    elif entry.filename.lower().endswith((".zip", ".7z", ".rar", ".tar", ".tgz")):
        problem = "an archive within an archive; unpack it"
    return Member(path, shown, entry.file_size, problem and f"{path}: {problem}")


def open_raw(path: Path) -> IO[bytes]:
    """The bytes of a file, or of a member as it was before it was packed. Raises OSError or zipfile.BadZipFile."""
    inside = split_member(path)
    if inside is None:
        return path.open("rb")
    with zipfile.ZipFile(inside[0]) as archive:
        try:
            # The file stays open as long as the member does. No more is read than the archive says the member has.
            return archive.open(inside[1])
        except (KeyError, RuntimeError, struct.error) as error:
            raise ReadError(f"{path}: cannot be opened ({error}); pack the files again") from None


def is_there(path: Path) -> bool:
    """Whether the file, or the member in its archive, exists."""
    inside = split_member(path)
    if inside is None:
        return path.is_file()
    try:
        with zipfile.ZipFile(inside[0]) as archive:
            return inside[1] in archive.NameToInfo
    except BROKEN_ZIP:
        return False


def size_on_disk(path: Path) -> int:
    """Bytes of the file, or of the archive that holds it."""
    inside = split_member(path)
    return (inside[0] if inside else path).stat().st_size

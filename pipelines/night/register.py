"""Step 1 of a night: which files are there, what are they, and which are new.

Belongs here: walking the export folders, hashing, recognising, the registry of files (`state.seen_file`, `state.file`).
Does not belong here: reading rows, and what a row means.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.night.session import Session
from sources.archive import MEMBER_SIGN, ReadError, expand, open_raw
from sources.recognise import Recognition, recognise
from sources.spec import SourceCatalog

# Written by people or tools next to exports; never an export itself.
IGNORED_NAMES = {"MANIFEST.md", "README.md", "_SUCCESS", ".DS_Store", "Thumbs.db"}

SEEN_FILE = pa.schema(
    [
        ("path", pa.string()),
        ("relative_path", pa.string()),
        ("byte_count", pa.int64()),
        ("modified_ns", pa.int64()),
        ("file_id", pa.string()),
        ("status", pa.string()),
        ("source_export", pa.string()),
        ("message", pa.string()),
        ("format", pa.string()),
        ("encoding", pa.string()),
        ("delimiter", pa.string()),
        ("compression", pa.string()),
        ("column_drift", pa.string()),
        ("recognition_confidence", pa.float64()),
    ]
)


@dataclass(frozen=True)
class FoundFile:
    """A file below an export folder; `relative_path` is relative to that folder.

    A file in a zip archive is one too (`export.zip!orders.csv`). `problem`: why it is not even opened.
    """

    path: Path
    relative_path: str
    byte_count: int
    modified_ns: int
    problem: str | None = None


def find_files(folders: list[Path]) -> list[FoundFile]:
    """Every file below the folders (a file given directly counts too), in path order; hidden ones are left out.

    A zip archive stands for the files in it; one that is refused stands for itself, with its problem.

    Raises FileNotFoundError with the next step when a folder is not there.
    """
    found = []
    for folder in folders:
        if not folder.exists():
            raise FileNotFoundError(f"export folder {folder} does not exist. Check --exports, or create it first.")
        base = folder if folder.is_dir() else folder.parent
        paths = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
        for path in paths:
            relative = path.relative_to(base)
            if path.is_dir() or path.name in IGNORED_NAMES or any(part.startswith(".") for part in relative.parts):
                continue
            try:
                stat = path.stat()
            except OSError:
                found.append(FoundFile(path, str(relative), 0, 0))
                continue
            try:
                members = expand(path)
            except ReadError as error:
                found.append(FoundFile(path, str(relative), stat.st_size, stat.st_mtime_ns, str(error)))
                continue
            for member in members:
                size = stat.st_size if member.name is None else member.byte_count
                shown = str(relative) if member.name is None else f"{relative}{MEMBER_SIGN}{member.name}"
                found.append(FoundFile(member.path, shown, size, stat.st_mtime_ns, member.problem))
    return found


def content_id(path: Path) -> str:
    """First 16 hex digits of the SHA-256 of a file's bytes; a file in a zip archive has the id it has outside."""
    digest = hashlib.sha256()
    with open_raw(path) as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def register_files(session: Session, folders: list[Path], catalog: SourceCatalog, catalog_hash: str) -> int:
    """Bring `state.seen_file` up to date with what is in the folders; returns the number of files looked at.

    Files seen on earlier nights stay registered after they are gone: exports are usually moved away once delivered, and
    their parsed copies remain. A file is hashed again only when its path, size or modification time is new; it is
    recognised again when the set of specs has changed or it was not recognised last time.
    """
    if not session.exists("state", "seen_file"):
        session.store("state.main.seen_file", SEEN_FILE.empty_table())
    # A release made before it was written down does not have it.
    session.run("alter table state.main.seen_file add column if not exists column_drift varchar")
    session.run("alter table state.main.seen_file add column if not exists recognition_confidence double")
    specs_changed = catalog_hash != recorded_hash(session, "catalog")
    known = {
        row[0]: row
        for row in session.rows(
            "select path, any_value(byte_count), any_value(modified_ns), any_value(file_id), any_value(status) "
            "from state.main.seen_file group by path"
        )
    }
    found = find_files(folders)
    rows: list[dict[str, object]] = []
    for file in found:
        before = known.get(str(file.path))
        unchanged = before is not None and (before[1], before[2]) == (file.byte_count, file.modified_ns)
        if unchanged and before is not None and before[4] == "recognised" and not specs_changed:
            continue
        if file.problem is None:
            recognition = recognise(file.path, catalog)
        else:
            recognition = Recognition(file.path, "unreadable", message=file.problem)
        status = recognition.status
        file_id = before[3] if unchanged and before is not None else ""
        if status != "unreadable" and not file_id:
            try:
                file_id = content_id(file.path)
            except (OSError, ReadError, zipfile.BadZipFile):
                status = "unreadable"
        # One file may hold the rows of several exports of a system (posts and comments, say): a row for each.
        exports = recognition.exports if status == "recognised" else (None,)
        rows.extend(
            {
                "path": str(file.path),
                "relative_path": file.relative_path,
                "byte_count": file.byte_count,
                "modified_ns": file.modified_ns,
                # A file that cannot be read has no content to be known by: its path stands in.
                "file_id": file_id or "?" + hashlib.sha256(file.relative_path.encode()).hexdigest()[:15],
                "status": status,
                "source_export": export,
                "message": message_of(recognition, export).replace(str(file.path), file.relative_path),
                "format": recognition.detected.format_text,
                "encoding": recognition.detected.encoding,
                "delimiter": recognition.detected.delimiter,
                "compression": recognition.detected.compression,
                "column_drift": column_drift(recognition, export),
                "recognition_confidence": recognition.confidence if export else None,
            }
            for export in exports
        )
    if rows:
        session.store("scratch.main.seen_now", pa.Table.from_pylist(rows, schema=SEEN_FILE))
        session.run("delete from state.main.seen_file where path in (select path from scratch.main.seen_now)")
        session.run("insert into state.main.seen_file by name select * from scratch.main.seen_now")
    if specs_changed:
        reassign_gone_files(session, {file.path for file in found}, catalog)
    return len(found)


def column_drift(recognition: Recognition, export: str | None) -> str | None:
    """How the columns of a file differ from those that its spec knows, as JSON; None where nothing differs."""
    found = recognition.drift
    if found is None or export != recognition.export or not found.text:
        return None
    return json.dumps({name: value for name, value in asdict(found).items() if value}, ensure_ascii=False)


def message_of(recognition: Recognition, export: str | None) -> str:
    """What a night says of a file: what it is, and how its columns differ from those that the spec knows."""
    found = recognition.drift
    if found is None or export != recognition.export or not found.text:
        return recognition.message
    return f"{recognition.message}; {found.text}"


def reassign_gone_files(session: Session, present: set[Path], catalog: SourceCatalog) -> None:
    """A file whose original is gone keeps its export, unless that export no longer exists."""
    for path, export in session.rows(
        "select path, source_export from state.main.seen_file where status = 'recognised'"
    ):
        if Path(path) not in present and export not in catalog.exports:
            message = f"the export {export} is no longer among the sources; put its spec back or drop the file again"
            session.run(
                "update state.main.seen_file set status = 'unrecognised', source_export = null, message = ? "
                "where path = ? and source_export = ?",
                [message, path, export],
            )


def recorded_hash(session: Session, name: str) -> str | None:
    """Hash recorded by the last release under `name`, or None."""
    if not session.exists("state", "night_hash"):
        session.run("create table state.main.night_hash (name varchar, hash varchar)")
    value = session.value("select hash from state.main.night_hash where name = ?", [name])
    return None if value is None else str(value)


def record_hash(session: Session, name: str, value: str) -> None:
    """Remember a hash for the next night."""
    session.run("delete from state.main.night_hash where name = ?", [name])
    session.run("insert into state.main.night_hash values (?, ?)", [name, value])

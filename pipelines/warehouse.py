"""The warehouse folder: where releases, work files, parsed exports and the lock live, and how a release becomes current.

Belongs here: paths, the lock, copying a release into the work folder, publishing, switching, rollback, pruning.
Does not belong here: what is inside the DuckDB files, Dagster, printing.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RELEASE_NAME = re.compile(r"^r(\d{6})$")
DATA_FILE = "customer360.duckdb"
STATE_FILE = "state.duckdb"
RELEASE_FILE = "release.json"
MINIMUM_SALT_BYTES = 16


class WarehouseError(Exception):
    """A user-facing problem with the warehouse folder; the text says what, where and the next step."""


@dataclass(frozen=True)
class Release:
    """One complete release folder."""

    release_id: str
    folder: Path
    summary: dict[str, Any]

    @property
    def data_file(self) -> Path:
        return self.folder / DATA_FILE

    @property
    def state_file(self) -> Path:
        return self.folder / STATE_FILE


@dataclass(frozen=True)
class Warehouse:
    """Paths below one warehouse folder (absolute) and the operations that move releases."""

    root: Path

    @property
    def releases_folder(self) -> Path:
        return self.root / "releases"

    @property
    def work_folder(self) -> Path:
        return self.root / "work"

    @property
    def parsed_folder(self) -> Path:
        return self.root / "parsed"

    @property
    def current_link(self) -> Path:
        return self.root / "current"

    @property
    def dagster_folder(self) -> Path:
        return self.root / "dagster"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the one-night-at-a-time lock; the kernel frees it when the process dies, however it dies.

        Raises WarehouseError when another night holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "night.lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                handle.seek(0)
                holder = handle.read().strip() or "unknown"
                raise WarehouseError(
                    f"another night is running on {self.root} (process {holder}). "
                    "Wait for it to end, or stop that process; nothing was changed."
                ) from error
            handle.seek(0)
            handle.truncate()
            handle.write(str(os.getpid()))
            handle.flush()
            yield

    def releases(self) -> list[Release]:
        """Complete releases, oldest first."""
        if not self.releases_folder.is_dir():
            return []
        found = []
        for folder in sorted(self.releases_folder.iterdir()):
            summary = folder / RELEASE_FILE
            if RELEASE_NAME.match(folder.name) and summary.is_file():
                found.append(Release(folder.name, folder, json.loads(summary.read_text())))
        return found

    def current(self) -> Release | None:
        """The release that `current` points to, or None before the first night."""
        if not self.current_link.is_symlink():
            return None
        folder = self.current_link.resolve()
        summary = folder / RELEASE_FILE
        if not summary.is_file():
            raise WarehouseError(
                f"{self.current_link} points to {folder.name}, which is not a complete release. "
                "Run `touchpoint360 rollback --to RELEASE` with one that `touchpoint360 releases` lists."
            )
        return Release(folder.name, folder, json.loads(summary.read_text()))

    def require_current(self) -> Release:
        """The current release; raises WarehouseError with the next step when there is none."""
        release = self.current()
        if release is None:
            raise WarehouseError(
                f"no release in {self.root} yet. Run `touchpoint360 run --exports DIR --warehouse {self.root}` first."
            )
        return release

    def next_release_id(self) -> str:
        """One more than the highest release folder, complete or not; a killed night's leftover is removed first."""
        numbers = [int(release.release_id[1:]) for release in self.releases()]
        return f"r{max(numbers, default=0) + 1:06d}"

    def start_work(self, empty: bool) -> Release | None:
        """Empty the work folder and copy the current release's two DuckDB files into it (unless `empty`).

        Returns the release that tonight starts from, or None. What a killed night left is deleted here.
        """
        for leftover in self.parsed_folder.glob("*/.*.part"):
            leftover.unlink()
        shutil.rmtree(self.work_folder, ignore_errors=True)
        self.work_folder.mkdir(parents=True)
        if self.releases_folder.is_dir():
            for folder in self.releases_folder.iterdir():
                if not (folder / RELEASE_FILE).is_file():
                    shutil.rmtree(folder, ignore_errors=True)
        base = self.current()
        if base is not None and not empty:
            shutil.copyfile(base.data_file, self.work_folder / DATA_FILE)
            shutil.copyfile(base.state_file, self.work_folder / STATE_FILE)
        return base

    def switch(self, release_id: str) -> None:
        """Point `current` at a complete release, atomically (a new symlink renamed over the old one)."""
        target = self.releases_folder / release_id
        if not (target / RELEASE_FILE).is_file():
            known = ", ".join(release.release_id for release in self.releases()) or "none"
            raise WarehouseError(f"{release_id} is not a complete release of {self.root}; there are: {known}.")
        temporary = self.root / f".current-{secrets.token_hex(4)}"
        temporary.symlink_to(Path("releases") / release_id)
        temporary.replace(self.current_link)
        sync_folder(self.root)

    def prune(self, keep: int) -> list[str]:
        """Delete all but the newest `keep` releases, never the current one; returns the ids deleted."""
        current = self.current()
        removed = []
        for release in self.releases()[: -keep or None]:
            if current is None or release.release_id != current.release_id:
                shutil.rmtree(release.folder)
                removed.append(release.release_id)
        return removed

    def salt(self, file: Path | None = None) -> bytes:
        """The secret for keyed pseudonyms: the content of `file`, else the warehouse's own (made once, mode 0600).

        Never part of a release. Raises WarehouseError when `file` cannot be read or is too short to be a secret.
        """
        if file is not None:
            return read_salt(file)
        path = self.root / "secret" / "salt"
        if not path.is_file():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(handle, secrets.token_hex(32).encode())
            os.close(handle)
            path.with_suffix(".new").replace(path)
        return path.read_bytes().strip()


def read_salt(file: Path) -> bytes:
    """A secret that the company keeps itself (`privacy.salt_file`)."""
    advice = "Write one with `openssl rand -hex 32`, or remove privacy.salt_file: then the warehouse makes its own."
    try:
        content = file.read_bytes().strip()
    except OSError as error:
        raise WarehouseError(f"the salt file {file} cannot be read ({error.strerror}). {advice}") from error
    if len(content) < MINIMUM_SALT_BYTES:
        raise WarehouseError(f"the salt file {file} holds {len(content)} characters, too few for a secret. {advice}")
    return content


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

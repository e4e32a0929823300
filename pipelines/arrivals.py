"""The sensor's question: have complete new exports arrived?

Belongs here: comparing what lies in the export folders with what lay there before, as a pure function. Does not belong here:
Dagster, and reading files.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.night.register import find_files


@dataclass(frozen=True)
class Arrivals:
    """What the last look saw (`listing`) and what the last started night covered (`handled`), both as digests."""

    listing: str = ""
    handled: str = ""

    def to_text(self) -> str:
        """As a sensor cursor."""
        return json.dumps({"listing": self.listing, "handled": self.handled})

    @staticmethod
    def from_text(text: str | None) -> Arrivals:
        """From a sensor cursor; an empty one is the beginning."""
        return Arrivals(**json.loads(text)) if text else Arrivals()


def look(folders: list[Path], before: Arrivals) -> tuple[Arrivals, bool, str]:
    """Look at the folders; returns what to remember, whether to start a night, and why or why not.

    Exports are complete when nothing in the folders (names, sizes, times) has changed since the last look: a file that is
    still being written grows between two looks. A night is started once per state of the folders.
    """
    present = [folder for folder in folders if folder.exists()]
    digest = hashlib.sha256()
    files = find_files(present)
    for file in files:
        digest.update(f"{file.path}\0{file.byte_count}\0{file.modified_ns}\n".encode())
    listing = digest.hexdigest()[:16]
    if not files:
        return Arrivals(listing, before.handled), False, "no files in the export folders"
    if listing == before.handled:
        return Arrivals(listing, before.handled), False, "nothing new since the last night that was started"
    if listing != before.listing:
        return (
            Arrivals(listing, before.handled),
            False,
            "files are arriving; waiting until nothing changes between two looks",
        )
    return Arrivals(listing, listing), True, f"{len(files)} files are complete"

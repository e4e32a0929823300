"""Public and own lists (robots, traffic sources, click ids, channel rules) as data files, and reading them.

Each file is CSV under a header of `# key: value` lines: what it is, where it comes from, version and licence. Does not
belong here: what is concluded from a list (`models/agent.py`, `sql/session/session_source.sql`), making the files
(`models/list_update.py`).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class DataList:
    """One list: its header (`list`, `version`, `licence`, `source`, …) and its rows, column name to text."""

    name: str
    header: dict[str, str]
    rows: tuple[dict[str, str], ...]

    @property
    def version(self) -> str:
        """What the verdicts and channels made with the list name as its version."""
        return self.header["version"]


@cache
def load_list(name: str) -> DataList:
    """The list in `<name>.csv`. Raises ValueError when the header does not say version and licence."""
    lines = (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    header: dict[str, str] = {}
    start = 0
    for start, line in enumerate(lines):
        if not line.startswith("# "):
            break
        key, separator, value = line[2:].partition(": ")
        if not separator:
            raise ValueError(f"models/lists/{name}.csv, line {start + 1}: a header line is '# key: value'")
        header[key] = value
    missing = {"list", "version", "licence", "source"} - set(header)
    if missing:
        raise ValueError(f"models/lists/{name}.csv: the header does not say {', '.join(sorted(missing))}")
    return DataList(name, header, tuple(csv.DictReader(lines[start:])))


def list_names() -> tuple[str, ...]:
    """Names of all lists."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.csv")))

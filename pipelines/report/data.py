"""The queries of the report (`queries/*.sql`) and their results, with the text a reader can run again.

Does not belong here: drawing, words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PARAMETER = re.compile(r"\$([a-z][a-z_0-9]*)")
# Runs SQL with named parameters: (column names, rows).
Run = Callable[[str, Mapping[str, Any]], tuple[list[str], list[tuple[Any, ...]]]]


@dataclass(frozen=True)
class Rows:
    """Result of a query: column names, rows by name, and the query as one can run it on the release."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    query: str

    def only(self, **values: Any) -> Rows:
        """The rows that have these values; the query stays the one behind them all."""
        kept = [row for row in self.rows if all(row[name] == value for name, value in values.items())]
        return Rows(self.columns, kept, self.query)

    def without(self, *names: str) -> Rows:
        """The same rows, these columns left out."""
        kept = tuple(name for name in self.columns if name not in names)
        return Rows(kept, [{name: row[name] for name in kept} for row in self.rows], self.query)

    def first(self, count: int) -> Rows:
        """The first `count` rows."""
        return Rows(self.columns, self.rows[:count], self.query)


REPORT_QUERIES = Path(__file__).parent / "queries"


@cache
def query_text(folder: Path, name: str) -> str:
    """The text of `<folder>/<name>.sql`."""
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


class Data:
    """What a report or an answer reads: one release, by the queries of a folder, each asked once."""

    def __init__(self, run: Run, folder: Path = REPORT_QUERIES) -> None:
        self._run = run
        self._folder = folder
        self._asked: dict[tuple[str, tuple[tuple[str, Any], ...]], Rows] = {}

    def rows(self, name: str, **parameters: Any) -> Rows:
        """The result of query `name`; `$x` in its text is parameter x (text, number, time or None)."""
        key = (name, tuple(sorted(parameters.items())))
        if key not in self._asked:
            text = query_text(self._folder, name)
            columns, rows = self._run(text, parameters)
            named = [dict(zip(columns, row, strict=True)) for row in rows]
            self._asked[key] = Rows(tuple(columns), named, filled(text, parameters))
        return self._asked[key]


def filled(text: str, parameters: Mapping[str, Any]) -> str:
    """A query's text with its parameters written in, for people to copy; what runs uses bound parameters."""

    def value(match: re.Match[str]) -> str:
        found = parameters[match.group(1)]
        if found is None:
            return "NULL"
        if isinstance(found, int | float):
            return str(found)
        return "'" + str(found).replace("'", "''") + "'"

    return PARAMETER.sub(value, text).strip()

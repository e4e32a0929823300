"""What a proposal for an unknown export is made of: the plan of each column, of each label, of the spec as a whole.

Belongs here: the values that the rules (`propose.py` and its neighbours) fill in and `write_spec.py` writes. Does not belong
here: any rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from sources.dialect import Note
from sources.profile import ColumnProfile

# From this score of a name on, a role is given without further evidence.
SURE = 0.6


# A label whose words are covered to this share is mapped without a question.
SURE_LABEL = 0.8


# Labels of a type column that are mapped one by one; a column with more is no type.
MAX_LABELS = 80


@dataclass(frozen=True)
class ColumnPlan:
    """One column of the file in the spec: its name there, keys of its declaration, its role in the mapping, the evidence."""

    name: str
    source: str
    declaration: dict[str, Any]
    role: str
    evidence: str = ""
    is_unsure: bool = False


@dataclass(frozen=True)
class LabelPlan:
    """One value of the type column: what it becomes, by which words; `touchpoint_type` is `unmapped` where none fit."""

    label: str
    row_count: int
    touchpoint_type: str
    phrase: str = ""
    is_unsure: bool = False


@dataclass(frozen=True)
class Moment:
    """A further time in the row that is a touchpoint of its own."""

    touchpoint_type: str
    column: str
    phrase: str
    is_unsure: bool = False


@dataclass(frozen=True)
class ScorePlan:
    """A score column with its scale, and words as numbers where it holds words."""

    column: str
    kind: str
    low: int
    high: int
    evidence: str
    is_unsure: bool
    words: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A spec and a mapping before they are written. Column names are those of the spec (see `ColumnPlan.source`)."""

    system: str
    export: str
    feeds: str
    topic: str
    evidence: str
    read: dict[str, Any]
    recognise: dict[str, Any]
    key: tuple[str, ...]
    version: tuple[str, ...]
    skip: tuple[tuple[str, str, str], ...]
    columns: tuple[ColumnPlan, ...]
    notes: tuple[Note, ...]
    row_type: str = ""
    type_column: str = ""
    labels: tuple[LabelPlan, ...] = ()
    moments: tuple[Moment, ...] = ()
    outcomes: tuple[tuple[str, str], ...] = ()
    directions: tuple[tuple[str, str], ...] = ()
    channels: tuple[tuple[str, str], ...] = ()
    scores: tuple[ScorePlan, ...] = ()
    unmapped_columns: tuple[str, ...] = ()
    currency: str = ""
    time_zone: str = ""
    is_day_only: bool = False
    clock_formats: tuple[str, ...] = ()
    party_type: str = "person"
    own_identifier: tuple[str, str] | None = None
    link_type: str = ""
    link_is_list: bool = False

    def role(self, name: str) -> str:
        """The column of a role, '' where there is none."""
        return next((plan.name for plan in self.columns if plan.role == name), "")

    def roles(self, prefix: str) -> list[ColumnPlan]:
        """The columns whose role begins with a prefix, in order."""
        return [plan for plan in self.columns if plan.role.startswith(prefix)]


@dataclass
class Draft:
    system: str
    export: str
    table: pa.Table
    profiles: dict[str, ColumnProfile]
    roles: dict[str, str] = field(default_factory=dict)
    why: dict[str, tuple[str, bool]] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def of(self, role: str) -> str:
        return next((column for column, known in self.roles.items() if known == role), "")

    def give(self, column: str, role: str, why: str, is_unsure: bool = False) -> None:
        self.roles[column] = role
        self.why[column] = (why, is_unsure)

    def note(self, place: str, text: str) -> None:
        self.notes.append(Note(place, text, True))


def nothing_proposed(draft: Draft, topic: str) -> Proposal:
    return Proposal(draft.system, draft.export, "lookup", topic, "", {}, {}, (), (), (), (), ())


def short_name(name: str) -> str:
    """The name a column has in the spec: its own, unless that is hard to write or lost in a night."""
    if name.startswith("_") or len(name) > 40 or "\n" in name or '"' in name:
        words = re.findall(r"\w+", name.lower())
        return "_".join(words[:6]).strip("_") or "column"
    return name


_RESERVED: frozenset[str] | None = None


def quote_name(name: str) -> str:
    """A column name for SQL: quoted only where it must be."""
    global _RESERVED
    if _RESERVED is None:
        words = duckdb.execute(
            "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
        ).fetchall()
        _RESERVED = frozenset(word for (word,) in words)
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


# Columns that connectors add for themselves; a night leaves out what begins with an underscore.
CONNECTOR = re.compile(r"^_(fivetran|airbyte|dlt|sdc|stitch|segment|rivery|hevo|etl|loaded|extracted)", re.IGNORECASE)

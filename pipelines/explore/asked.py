"""What an address asks for: parameters of the URL as checked values, and the URL that asks for something next to it.

Does not belong here: answers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from models.catalogue import load_catalogue
from models.naming import nearest

STATUSES = ("converted", "exited", "dropped", "open")
DIRECTIONS = ("forward", "backward")
DEEPEST = 6
# What a funnel can be divided by: columns of the touchpoint it was entered with, which the index of a release holds.
DIVIDED = ("channel_detail", "campaign_name", "campaign_source", "campaign_medium", "device", "source_system")
PAGE_ROWS = 100
FIRST_DAY, LAST_DAY = dt.date(1900, 1, 1), dt.date(2199, 12, 31)


class AskedError(ValueError):
    """A parameter that means nothing; the text says which, and what would be valid."""


@dataclass(frozen=True)
class Filter:
    """Which journeys: of a definition, with optional status, days of their start, lifecycle stage and first channel."""

    definition: str
    status: str | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    stage: str | None = None

    def parameters(self) -> dict[str, Any]:
        """As parameters of a query; `until` is the day after the last one asked for."""
        return {
            "definition": self.definition,
            "status": self.status,
            "start": self.start,
            "until": self.end + dt.timedelta(days=1) if self.end else None,
            "stage": self.stage,
        }

    def query(self) -> dict[str, str]:
        """As parameters of a URL."""
        values = {
            "definition": self.definition,
            "status": self.status,
            "from": self.start,
            "to": self.end,
            "stage": self.stage,
        }
        return {name: str(value) for name, value in values.items() if value}


def read_filter(given: Mapping[str, str], definitions: Sequence[str], stages: Sequence[str]) -> Filter:
    """The filter of a request; without a definition the first one."""
    definition = given.get("definition") or (definitions[0] if definitions else "")
    found = Filter(
        one_of("definition", definition, definitions),
        one_of("status", given["status"], STATUSES) if given.get("status") else None,
        read_date("from", given.get("from")),
        read_date("to", given.get("to")),
        one_of("stage", given["stage"], stages) if given.get("stage") else None,
    )
    if found.start and found.end and found.start > found.end:
        raise AskedError(f"from {found.start} is after to {found.end}; swap them.")
    return found


def one_of(name: str, value: str, valid: Sequence[str]) -> str:
    """`value` when it is valid; AskedError with the nearest one otherwise."""
    if value not in valid:
        raise AskedError(f"{name}: {value[:60]!r} is not one of {', '.join(valid)}{nearest(value, valid)}")
    return value


def read_date(name: str, value: str | None) -> dt.date | None:
    """A date, None where none is given."""
    if not value:
        return None
    try:
        found = dt.date.fromisoformat(value)
    except ValueError:
        raise AskedError(f"{name}: {value[:30]!r} is not a date such as 2026-03-31.") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise AskedError(f"{name}: {value[:30]!r} is not a date from {FIRST_DAY} to {LAST_DAY}.")
    return found


def read_number(name: str, value: str | None, default: int, largest: int) -> int:
    """A whole number from 1 to `largest`."""
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= largest or len(value) > 9:
        raise AskedError(f"{name}: {value[:30]!r} is not a number from 1 to {largest}.")
    return int(value)


def read_path(value: str | None) -> list[str]:
    """Touchpoint types in order, at most DEEPEST, from text separated by commas."""
    names = [name for name in (value or "").split(",") if name]
    for name in names:
        one_of_types(name)
    if len(names) > DEEPEST:
        raise AskedError(f"path: {len(names)} touchpoints; a way can be followed {DEEPEST} deep.")
    return names


def one_of_types(name: str) -> str:
    """A touchpoint type of the catalogue."""
    types = list(load_catalogue())
    if name not in types:
        raise AskedError(f"{name[:60]!r} is not a touchpoint type{nearest(name, types)}")
    return name


def address(path: str, query: Mapping[str, Any], /, **changes: Any) -> str:
    """A URL with these parameters; a change to None or '' leaves a parameter out."""
    values = {**query, **changes}
    kept = {name: str(value) for name, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path

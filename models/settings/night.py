"""When a night runs, what it may use, what is kept and kept secret.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from models.settings.base import Section


class Schedule(Section):
    """When the night runs."""

    cron: str
    time_zone: str

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        if len(value.split()) != 5:
            raise ValueError(f"{value!r} has {len(value.split())} fields, a cron expression has 5, such as '0 2 * * *'")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone such as Europe/Amsterdam") from None
        return value


class Release(Section):
    """How many releases are kept for rollback."""

    keep: int = Field(ge=1)


class Resources(Section):
    """What DuckDB may use: `memory_limit` as DuckDB spells it ('4GB', '70%'), `threads` or null for all cores."""

    memory_limit: str
    threads: int | None = Field(default=None, ge=1)


class Privacy(Section):
    """What is masked, and the secret behind keyed hashes (`salt_file`; null: the warehouse makes its own).

    `ipv4_bits`, `ipv6_bits`: how much of a web visitor's address is kept. `visitor_of`: whether a visitor is told by the
    address, hashed before it is masked, or by its masked part only.
    """

    salt_file: Path | None = None
    ipv4_bits: int = Field(ge=0, le=32)
    ipv6_bits: int = Field(ge=0, le=128)
    visitor_of: Literal["address", "masked_address"]

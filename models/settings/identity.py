"""Settings of identity resolution: whom to believe.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, field_validator

from models.settings.base import Section
from models.settings.matching import Matching


class IdentifierType(Section):
    """How much an identifier type is trusted; see the comments in configuration_default.yaml."""

    strength: int = Field(ge=1)
    unique: bool
    device: bool = False
    limit: dict[str, int] = Field(default={})
    window_days: int | None = Field(default=None, ge=1)


class Identity(Section):
    """What identity resolution believes."""

    blocked_values: list[str]
    blocked_patterns: dict[str, list[str]]
    role_mailboxes: list[str]
    record_limit: int = Field(ge=2)
    types: dict[str, IdentifierType]
    decisions: Path | None
    source_priority: list[str]
    household_limit: int = Field(ge=2)
    matching: Matching

    @field_validator("blocked_patterns")
    @classmethod
    def _patterns(cls, patterns: dict[str, list[str]]) -> dict[str, list[str]]:
        for kind, expressions in patterns.items():
            for expression in expressions:
                try:
                    re.compile(expression)
                except re.error as error:
                    raise ValueError(f"{kind}: {expression!r} is not a regular expression ({error})") from None
                if re.search(r"\(\?(<?[=!]|P=)|\\[1-9]", expression):
                    raise ValueError(f"{kind}: {expression!r} looks around or back, which RE2 cannot")
        return patterns

    @field_validator("source_priority")
    @classmethod
    def _once(cls, systems: list[str]) -> list[str]:
        if len(set(systems)) != len(systems):
            raise ValueError("a system is listed twice")
        return systems

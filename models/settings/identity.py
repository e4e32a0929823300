"""Settings of identity resolution: whom to believe.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

from pydantic import Field

from models.settings.base import Section


class IdentifierType(Section):
    """How much an identifier type is trusted; see the comments in configuration_default.yaml."""

    strength: int = Field(ge=1)
    unique: bool
    limit: dict[str, int] = Field(default={})


class Identity(Section):
    """What identity resolution believes."""

    blocked_values: list[str]
    role_mailboxes: list[str]
    types: dict[str, IdentifierType]

"""Settings of the web: what a visit is.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from models.settings.base import Section, known_members


class Session(Section):
    """What a session is: consecutive touchpoints on `channels` with pauses of at most `gap_minutes`."""

    gap_minutes: float = Field(gt=0)
    channels: list[str]

    @field_validator("channels")
    @classmethod
    def _channels(cls, names: list[str]) -> list[str]:
        return known_members("channel", names)

"""Settings of journeys and funnels.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from models.catalogue import UNMAPPED, load_catalogue
from models.settings.base import Section, known_members, known_types

# sql/funnel/funnel_progress.sql spells its levels out; more steps need more levels there.
MAX_FUNNEL_STEPS = 8


class Selection(Section):
    """Touchpoint types by name or by an attribute of the catalogue; the union of all that is named."""

    families: list[str] = Field(default=[])
    types: list[str] = Field(default=[])
    channels: list[str] = Field(default=[])
    phases: list[str] = Field(default=[])

    @field_validator("families")
    @classmethod
    def _families(cls, names: list[str]) -> list[str]:
        return known_members("journey_family", names)

    @field_validator("types")
    @classmethod
    def _type_names(cls, names: list[str]) -> list[str]:
        return known_types(names)

    @field_validator("channels")
    @classmethod
    def _channel_names(cls, names: list[str]) -> list[str]:
        return known_members("channel", names)

    @field_validator("phases")
    @classmethod
    def _phases(cls, names: list[str]) -> list[str]:
        return known_members("journey_phase", names)

    def resolve(self) -> set[str]:
        """Names of the types selected. Channels are those of the catalogue, not of a single touchpoint."""
        return {
            name
            for name, row in load_catalogue().items()
            if name != UNMAPPED
            and (
                name in self.types
                or row.journey_family in self.families
                or row.channel in self.channels
                or row.journey_phase in self.phases
            )
        }


class Journey(Section):
    """A journey definition: which touchpoints belong to it, which start it, which reach its goal, what ends it."""

    label: str = Field(min_length=1)
    starts: Literal["any"] | list[str]
    includes: Literal["all"] | Selection
    excludes: Selection = Selection()
    goals: list[str] = Field(min_length=1)
    gap_days: float = Field(gt=0)
    family: str

    @field_validator("starts", "goals")
    @classmethod
    def _known_types(cls, names: Any) -> Any:
        return names if isinstance(names, str) else known_types(names)

    @field_validator("family")
    @classmethod
    def _family(cls, name: str) -> str:
        return known_members("journey_family", [name])[0]

    def types(self) -> dict[str, tuple[bool, bool]]:
        """Included type → (starts the journey, reaches the goal). Starts and goals are always included."""
        every = {name for name in load_catalogue() if name != UNMAPPED}
        included = every if self.includes == "all" else self.includes.resolve()
        starts = set() if self.starts == "any" else set(self.starts)
        included = (included - self.excludes.resolve()) | starts | set(self.goals)
        return {
            name: (self.starts == "any" or name in starts, name in self.goals)
            for name in load_catalogue()
            if name in included
        }


class Funnel(Section):
    """A funnel: steps of touchpoint types within `window_days` of the entry.

    `journey`, in strict mode: only touchpoints of that journey may not stand between two steps; without it, none may.
    """

    mode: Literal["ordered", "strict", "unordered"]
    window_days: float = Field(gt=0)
    steps: list[str] = Field(min_length=2, max_length=MAX_FUNNEL_STEPS)
    exclusions: list[str] = Field(default=[])
    journey: str | None = None

    @field_validator("steps", "exclusions")
    @classmethod
    def _known_types(cls, names: list[str]) -> list[str]:
        return known_types(names)

    @model_validator(mode="after")
    def _no_step_excluded(self) -> Funnel:
        both = set(self.steps) & set(self.exclusions)
        if both:
            raise ValueError(f"{sorted(both)[0]!r} is both a step and an exclusion")
        if self.journey is not None and self.mode != "strict":
            raise ValueError("journey only means something in mode strict; remove it or set the mode")
        return self

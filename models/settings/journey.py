"""Settings of journeys and funnels.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from models.catalogue import UNMAPPED, load_catalogue
from models.settings.base import Section, known_members, known_types

# sql/funnel/funnel_progress.sql spells its levels out; more steps need more levels there.
MAX_FUNNEL_STEPS = 8
# What the catalogue says of types that occur in every phase.
ANY_PHASE = "any"


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


class JourneyRole(NamedTuple):
    """What one touchpoint type is to a journey: `journey_phase` is None where the catalogue or the definition has none."""

    is_start: bool
    is_goal: bool
    is_exit: bool
    journey_phase: str | None


class Journey(Section):
    """A journey definition: which touchpoints belong to it, start it, reach its goal, leave it for good, what ends it.

    `phases`: the phases of the catalogue (before, during, after) the journey goes through; empty means all that its
    touchpoint types have.
    """

    label: str = Field(min_length=1)
    starts: Literal["any"] | list[str]
    includes: Literal["all"] | Selection
    excludes: Selection = Selection()
    goals: list[str] = Field(min_length=1)
    exits: list[str] = Field(default=[])
    phases: list[str] = Field(default=[])
    gap_days: float = Field(gt=0)
    family: str

    @field_validator("starts", "goals", "exits")
    @classmethod
    def _known_types(cls, names: Any) -> Any:
        return names if isinstance(names, str) else known_types(names)

    @field_validator("phases")
    @classmethod
    def _known_phases(cls, names: list[str]) -> list[str]:
        if ANY_PHASE in names:
            raise ValueError(f"{ANY_PHASE!r} is what types of every phase have; name before, during or after")
        return known_members("journey_phase", names)

    @field_validator("family")
    @classmethod
    def _family(cls, name: str) -> str:
        return known_members("journey_family", [name])[0]

    @model_validator(mode="after")
    def _holds_together(self) -> Journey:
        both = sorted(set(self.goals) & set(self.exits))
        if both:
            raise ValueError(f"{both[0]!r} is both a goal and an exit; a journey that ends there is one or the other")
        if self.starts != "any":
            if not self.starts:
                raise ValueError("starts is empty, so no journey would ever begin; name touchpoint types or 'any'")
            if set(self.starts) <= set(self.exits):
                raise ValueError("every start is an exit too, so no journey could go anywhere; name another start")
        present = {role.journey_phase for role in self.types().values()}
        for phase in self.phases:
            if phase not in present:
                raise ValueError(f"no touchpoint type of the journey is of phase {phase!r}; include one or remove it")
        return self

    def types(self) -> dict[str, JourneyRole]:
        """Included type → what it is to the journey. Starts, goals and exits are always included."""
        catalogue = load_catalogue()
        every = {name for name in catalogue if name != UNMAPPED}
        included = every if self.includes == "all" else self.includes.resolve()
        starts = set() if self.starts == "any" else set(self.starts)
        included = (included - self.excludes.resolve()) | starts | set(self.goals) | set(self.exits)
        return {
            name: JourneyRole(
                is_start=self.starts == "any" or name in starts,
                is_goal=name in self.goals,
                is_exit=name in self.exits,
                journey_phase=row.journey_phase
                if row.journey_phase != ANY_PHASE and row.journey_phase in (self.phases or [row.journey_phase])
                else None,
            )
            for name, row in catalogue.items()
            if name in included
        }


class Paths(Section):
    """How many variants are listed per journey definition, and what counts as a rage or a loop.

    The variants beyond `variant_limit` are counted together as one. A rage is the same page or the same touchpoint at least
    `rage_count` times, each at most `rage_seconds` after the one before; a loop is going back and forth between the same
    two touchpoint types, back to the first at least `loop_count` times.
    """

    variant_limit: int = Field(ge=1)
    rage_count: int = Field(ge=2)
    rage_seconds: int = Field(ge=1)
    loop_count: int = Field(ge=1)


class Funnel(Section):
    """A funnel: steps of touchpoint types within `window_days` of the entry.

    A step in brackets ("[site_search]") is optional: who took it is counted, and nobody has to take it.

    `journey`, in strict mode: only touchpoints of that journey may not stand between two steps; without it, none may.
    """

    mode: Literal["ordered", "strict", "unordered"]
    window_days: float = Field(gt=0)
    steps: list[str]
    exclusions: list[str] = Field(default=[])
    journey: str | None = None

    @field_validator("steps", "exclusions")
    @classmethod
    def _known_types(cls, names: list[str]) -> list[str]:
        known_types([name.strip("[]") for name in names])
        return names

    @property
    def required(self) -> list[str]:
        """The steps that have to be taken, in order."""
        return [name for name in self.steps if not name.startswith("[")]

    @property
    def optional(self) -> dict[str, int]:
        """Optional type → number of the required step it follows."""
        found = {}
        taken = 0
        for name in self.steps:
            if name.startswith("["):
                found[name.strip("[]")] = taken
            else:
                taken += 1
        return found

    @model_validator(mode="after")
    def _no_step_excluded(self) -> Funnel:
        if not 2 <= len(self.required) <= MAX_FUNNEL_STEPS:
            raise ValueError(f"steps: 2 to {MAX_FUNNEL_STEPS} that have to be taken; found {len(self.required)}")
        if self.steps[0].startswith("["):
            raise ValueError(f"steps: {self.steps[0]}: the first step is the entry, so it cannot be optional")
        both = {name.strip("[]") for name in self.steps} & set(self.exclusions)
        if both:
            raise ValueError(f"{sorted(both)[0]!r} is both a step and an exclusion")
        if self.journey is not None and self.mode != "strict":
            raise ValueError("journey only means something in mode strict; remove it or set the mode")
        return self

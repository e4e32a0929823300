"""Settings of what is measured: attribution, effects, evidence, contact rules.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from models.settings.base import Section, known_types

# In the order of models.attribution.MODELS.
AttributionModel = Literal[
    "first_touch", "last_touch", "last_non_direct", "linear", "position_based", "time_decay", "shapley", "markov_1",
    "markov_2", "markov_3",
]  # fmt: skip


class Attribution(Section):
    """By which models conversions are attributed, and which journeys' conversions count as the company's.

    Every journey definition is attributed; `definition` names the one whose conversions stand in channel_daily.
    """

    definition: str
    models: list[AttributionModel] = Field(min_length=1)
    half_life_days: float = Field(gt=0)


class Wait(Section):
    """A wait between two touchpoints whose effect is estimated: the long ones (at_least) or the short ones (at_most)."""

    since: str
    until: str
    at_least_hours: float | None = Field(default=None, gt=0)
    at_most_hours: float | None = Field(default=None, gt=0)

    @field_validator("since", "until")
    @classmethod
    def _known(cls, name: str) -> str:
        return known_types([name])[0]

    @model_validator(mode="after")
    def _one_side(self) -> Wait:
        if (self.at_least_hours is None) == (self.at_most_hours is None):
            raise ValueError("a wait says either at_least_hours or at_most_hours")
        return self


class Effect(Section):
    """How far back from an outcome a touchpoint is seen beside it, which waits and experiments are looked at."""

    window_days: float = Field(gt=0)
    waits: dict[str, Wait]
    experiment_attributes: list[str]
    largest_sample: int = Field(ge=1000)


class Prediction(Section):
    """How far ahead purchases and contract ends are predicted."""

    horizon_days: int = Field(gt=0, le=3650)


class Incident(Section):
    """A time in which the figures were known to be wrong or unusual: it is not tested and trains no model."""

    first_day: date
    last_day: date
    because: str = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Incident:
        if self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} lies before first_day {self.first_day}")
        return self


class Trend(Section):
    """What the weekly alerts have to know: incidents, and the company's own special days beside the public holidays."""

    incidents: list[Incident]
    special_days: list[date]

    def incident_weeks(self) -> list[date]:
        """Mondays of all weeks that an incident touches."""
        mondays = {
            day - timedelta(days=day.weekday())
            for incident in self.incidents
            for day in (
                incident.first_day + timedelta(days=n) for n in range((incident.last_day - incident.first_day).days + 1)
            )
        }
        return sorted(mondays)


class Evidence(Section):
    """What counts as a bad experience beside a drop-off, and how long before the point it may have happened.

    A score at or below, a wait at or above, a request that got no answer within so many hours, a page whose path or title
    matches a pattern.
    """

    low_score: float = Field(ge=0, le=1)
    long_wait_seconds: int = Field(gt=0)
    unanswered_hours: float = Field(gt=0)
    look_back_hours: float = Field(gt=0)
    out_of_stock_pattern: str = Field(min_length=1)

    @field_validator("out_of_stock_pattern")
    @classmethod
    def _pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return pattern


class ContactRule(Section):
    """When a customer is worth a contact, and through which channels; the order of the rules is their priority.

    Fired by the latest trigger, unless an answer came after it. `wait_hours`: leave the customer in peace so long;
    `within_days`: after that it is too late. `weight`: against the other rules (default: the first of n weighs n).
    """

    rule: str = Field(pattern="^[a-z][a-z0-9_]*$")
    reason: str = Field(min_length=1)
    triggers: list[str] = Field(min_length=1)
    answers: list[str]
    wait_hours: float = Field(ge=0)
    within_days: float = Field(gt=0)
    channels: list[Literal["phone", "email", "post"]] = Field(default=["phone", "email", "post"], min_length=1)
    minimum_monetary_score: int | None = Field(default=None, ge=1, le=5)
    maximum_score: float | None = Field(default=None, ge=0, le=1)
    weight: float | None = Field(default=None, gt=0)

    @field_validator("triggers", "answers")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        return known_types(names)

    @model_validator(mode="after")
    def _answer_is_no_trigger(self) -> ContactRule:
        both = set(self.triggers) & set(self.answers)
        if both:
            raise ValueError(f"{sorted(both)[0]!r} is both a trigger and an answer of {self.rule}")
        if len(set(self.channels)) != len(self.channels):
            raise ValueError(f"a channel of {self.rule} is listed twice")
        return self


class ContactCap(Section):
    """How many contacts of ours, of which types, within how many days are enough for anybody."""

    count: int = Field(ge=1)
    days: float = Field(gt=0)
    types: list[str]

    @field_validator("types")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        return known_types(names)

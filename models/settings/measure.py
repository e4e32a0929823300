"""Settings of what is measured: attribution, effects, evidence, contact rules.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from models.settings.base import Section

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


class Effect(Section):
    """How far back from a score a touchpoint is seen beside it."""

    window_days: float = Field(gt=0)


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
    """When a customer is worth a contact; the order of the rules is their priority."""

    rule: Literal["unanswered_complaint", "failed_payment", "abandoned_checkout"]
    wait_hours: float = Field(ge=0)
    within_days: float = Field(gt=0)

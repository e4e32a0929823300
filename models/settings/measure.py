"""Settings of what is measured: attribution, effects, evidence, contact rules.

Does not belong here: the other subjects, reading files, tables.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from models.settings.base import Section


class Attribution(Section):
    """Which journeys give conversions to attribute, and by which models."""

    definition: str
    models: list[Literal["first_touch", "last_touch", "linear"]] = Field(min_length=1)


class Effect(Section):
    """How far back from a score a touchpoint is seen beside it."""

    window_days: float = Field(gt=0)


class Evidence(Section):
    """What counts as a bad experience beside a drop-off: a score at or below, a wait at or above."""

    low_score: float = Field(ge=0, le=1)
    long_wait_seconds: int = Field(gt=0)


class ContactRule(Section):
    """When a customer is worth a contact; the order of the rules is their priority."""

    rule: Literal["unanswered_complaint", "failed_payment", "abandoned_checkout"]
    wait_hours: float = Field(ge=0)
    within_days: float = Field(gt=0)

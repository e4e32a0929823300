"""Settings of the probabilistic tier of identity resolution.

Does not belong here: the deterministic tier (`identity.py`), what is compared (`models/matching`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from models.settings.base import Section

VetoName = Literal["unique_number", "birth_date", "first_name"]


class Matching(Section):
    """When two clusters of records are one person although no identifier says so; see configuration_default.yaml."""

    enabled: bool
    model: Path | None
    link_weight: float
    review_weight: float
    vetoes: list[VetoName]
    birth_date_mistakes: int = Field(ge=0, le=2)
    block_size_limit: int = Field(ge=2)
    comparison_limit: float = Field(gt=0)
    component_limit: int = Field(ge=2, le=2000)
    threads: int = Field(ge=1)
    memory_limit_megabytes: int = Field(ge=200)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.review_weight > self.link_weight:
            raise ValueError(
                f"review_weight {self.review_weight} is above link_weight {self.link_weight}; the review band lies below"
            )
        return self

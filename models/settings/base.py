"""What every section of the configuration shares: closed keys with hints, and names checked against the catalogue.

Does not belong here: a section.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from models.catalogue import UNMAPPED, load_catalogue
from models.naming import nearest


class Section(BaseModel):
    """A group of settings: unknown keys are refused with the nearest valid one."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [key for key in data if key not in cls.model_fields]
            if unknown:
                hints = [f"unknown key {key!r}{nearest(key, cls.model_fields)}" for key in unknown]
                raise ValueError(" and ".join(hints))
        return data


def known_types(names: list[str]) -> list[str]:
    """`names` when each is a touchpoint type of the catalogue; ValueError with the nearest one otherwise."""
    valid = [name for name in load_catalogue() if name != UNMAPPED]
    for name in names:
        if name not in valid:
            raise ValueError(f"{name!r} is not a touchpoint type{nearest(name, valid)}")
    if len(set(names)) != len(names):
        raise ValueError("a touchpoint type is listed twice")
    return names


def known_members(attribute: str, names: list[str]) -> list[str]:
    """`names` when each is a value of `attribute` in the catalogue; ValueError with the nearest one otherwise."""
    valid = dict.fromkeys(getattr(row, attribute) for row in load_catalogue().values())
    for name in names:
        if name not in valid:
            raise ValueError(f"{name!r} is not a {attribute} of the catalogue{nearest(name, valid)}")
    return names

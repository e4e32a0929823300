"""What a company decides about its access logs: formats of its own, who a request names, how much of it is kept.

A spec of format `log` carries these settings under `read.log`; the configuration adds to them (`with_settings`).

Does not belong here: reading, the salt of the visitor hash (a secret, never part of a spec).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sources.log_formats import LogFormat
from sources.log_strings import LogFormatError, apache_format, nginx_format


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LogFormatString(_Strict):
    """A format of the company's own servers: its name and the string from the server's configuration."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    apache: str | None = None
    nginx: str | None = None

    @model_validator(mode="after")
    def _check(self) -> LogFormatString:
        if (self.apache is None) == (self.nginx is None):
            raise ValueError(f"{self.name}: give either apache or nginx, the format string of the server")
        try:
            self.read()
        except LogFormatError as error:
            raise ValueError(str(error)) from None
        return self

    def read(self) -> LogFormat:
        """The format that the string says."""
        return (
            apache_format(self.name, self.apache)
            if self.apache is not None
            else nginx_format(self.name, self.nginx or "")
        )


class LogSettings(_Strict):
    """How the lines of a log are read and what of them is kept.

    `cookies`, `headers`: name → identifier type of the value. `query`: `minimal` keeps campaign parameters, click ids,
    `keep_parameters` and the words of `search_parameters`; `none` and `all` say what they do. `visitor_of`: what the
    visitor's hash is made from, the `address` or only its masked part.
    """

    formats: tuple[LogFormatString, ...] = ()
    cookies: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    query: Literal["minimal", "none", "all"] = "minimal"
    keep_parameters: tuple[str, ...] = ()
    search_parameters: tuple[str, ...] = ()
    ipv4_bits: int = Field(default=16, ge=0, le=32)
    ipv6_bits: int = Field(default=48, ge=0, le=128)
    visitor_of: Literal["address", "masked_address"] = "address"

    @model_validator(mode="after")
    def _check(self) -> LogSettings:
        names = [item.name for item in self.formats]
        if len(set(names)) < len(names):
            raise ValueError("formats: two formats have the same name")
        return self

    @cached_property
    def own_formats(self) -> tuple[LogFormat, ...]:
        """The company's own formats, ready to read."""
        return tuple(item.read() for item in self.formats)

    def with_settings(self, given: Mapping[str, Any]) -> LogSettings:
        """These settings with those of the configuration: lists and mappings are joined, single values replaced."""
        values = self.model_dump()
        for key, value in given.items():
            if isinstance(values.get(key), dict):
                values[key] = {**values[key], **value}
            elif isinstance(values.get(key), list | tuple):
                values[key] = (*values[key], *(item for item in value if item not in values[key]))
            else:
                values[key] = value
        return LogSettings.model_validate(values)

"""Settings of access logs: formats of the company's own servers, cookies and headers that name a person, what is kept.

Does not belong here: what a request is (`web.py`), reading a log or its format strings (`sources/`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.settings.base import Section

IdentifierType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]


class LogFormat(Section):
    """A format by the server's own format string: `LogFormat` of Apache or `log_format` of nginx."""

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    apache: str | None = None
    nginx: str | None = None

    @model_validator(mode="after")
    def _one_string(self) -> LogFormat:
        if (self.apache is None) == (self.nginx is None):
            raise ValueError(f"format {self.name!r}: give either apache or nginx, the format string of the server")
        return self


class AccessLog(Section):
    """How access logs are read. `cookies`, `headers`: name → identifier type of the value. `query`: what is kept of one."""

    formats: list[LogFormat]
    cookies: dict[str, IdentifierType]
    headers: dict[str, IdentifierType]
    query: Literal["minimal", "none", "all"]

    @model_validator(mode="after")
    def _names_once(self) -> AccessLog:
        names = [item.name for item in self.formats]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"formats: {twice!r} is the name of two formats")
        return self

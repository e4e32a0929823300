"""Settings of the web: what a visit is, what a request is, who is a robot, and where a visit came from.

Does not belong here: the other subjects, reading files, tables, the lists (`models/lists/`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

import duckdb
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from models.lists import load_list
from models.naming import nearest
from models.settings.base import Section, known_members, known_types

# Why a request is no touchpoint of its own: the names of the skip rules in the books.
FOLDS = {
    "program": "Made by programs, not by people.",
    "health_check": "A load balancer or a monitor asks whether the site is up.",
    "asset": "Images, styles, scripts and feeds come with a page; nobody asks for them.",
    "redirect": "The browser asks for the new address at once; that request is the touchpoint.",
    "background": "A page fetches data behind the visitor's back.",
    "form_post": "What a form says is exported by the system behind it; the log has only its address.",
}
SOURCE_KINDS = ("search", "social", "video", "shopping", "ai", "mail", "payment")
_STATUS = re.compile(r"[1-5]xx|[1-5]\d\d")


def channel_groups() -> tuple[str, ...]:
    """Names of the channel groups, in the order of the decision table."""
    return tuple(dict.fromkeys(row["channel_group"] for row in load_list("channel_rule").rows))


@lru_cache(maxsize=1024)
def checked_pattern(pattern: str) -> str:
    """`pattern` when DuckDB can use it (RE2: no look-around); ValueError with its complaint otherwise."""
    try:
        duckdb.execute("select regexp_matches('', ?)", [pattern]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
        raise ValueError(f"{pattern!r} is not a regular expression that DuckDB knows ({reason})") from None
    return pattern


def _checked_host(host: str) -> str:
    text = host.strip().lower().removeprefix("www.")
    if "/" in text or ":" in text or " " in text or "." not in text:
        raise ValueError(f"{host!r} is not a host; write it without https:// and path, such as shop.example.com")
    return text


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | int) else value


Pattern = Annotated[str, Field(min_length=1), AfterValidator(checked_pattern)]
Host = Annotated[str, AfterValidator(_checked_host)]


class Session(Section):
    """What a session is: consecutive touchpoints on `channels` with pauses of at most `gap_minutes`.

    A session longer than `max_hours` is cut into pieces of that length. With `new_campaign_starts_session` a touchpoint
    with another campaign than the one before opens a session too.
    """

    gap_minutes: float = Field(gt=0)
    channels: list[str]
    max_hours: float = Field(gt=0)
    new_campaign_starts_session: bool

    @field_validator("channels")
    @classmethod
    def _channels(cls, names: list[str]) -> list[str]:
        return known_members("channel", names)

    @model_validator(mode="after")
    def _longer_than_a_pause(self) -> Session:
        if self.max_hours * 60 < self.gap_minutes:
            raise ValueError(f"max_hours is {self.max_hours:g}, shorter than one pause of {self.gap_minutes:g} minutes")
        return self


class RequestRule(Section):
    """One rule about requests: all conditions that are given must hold; `type` or `fold` says what the request is.

    `methods`, `status` (301 or 3xx) are lists; `path`, `query`, `agent` are regular expressions found anywhere, any case.
    """

    rule: str = Field(pattern="^[a-z][a-z0-9_]*$")
    methods: Annotated[list[str], BeforeValidator(_as_list)] = Field(default=[])
    status: Annotated[list[str], BeforeValidator(_as_list)] = Field(default=[])
    path: Pattern | None = None
    query: Pattern | None = None
    agent: Pattern | None = None
    type: str | None = None
    fold: str | None = None

    @field_validator("methods")
    @classmethod
    def _methods(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"!?[A-Z-]+", name):
                raise ValueError(f"{name!r} is not a method; write GET, POST, … in capitals, or !GET for all others")
        if len({name.startswith("!") for name in names}) > 1:
            raise ValueError("methods are either those meant or, with !, those not meant")
        return names

    @field_validator("status", mode="before")
    @classmethod
    def _status(cls, codes: object) -> object:
        codes = [str(code) for code in codes] if isinstance(codes, list) else [str(codes)]
        for code in codes:
            if not _STATUS.fullmatch(code):
                raise ValueError(f"{code!r} is not a status; write 404 or 4xx")
        return codes

    @field_validator("type")
    @classmethod
    def _type(cls, name: str | None) -> str | None:
        return None if name is None else known_types([name])[0]

    @field_validator("fold")
    @classmethod
    def _fold(cls, name: str | None) -> str | None:
        if name is not None and name not in FOLDS:
            raise ValueError(f"{name!r} is not a reason to fold a request away{nearest(name, FOLDS)}")
        return name

    @model_validator(mode="after")
    def _one_outcome(self) -> RequestRule:
        if (self.type is None) == (self.fold is None):
            raise ValueError(f"rule {self.rule!r}: give either type (a touchpoint type) or fold ({', '.join(FOLDS)})")
        return self


class IdentityParameter(Section):
    """A parameter of an address that carries an identifier of the person, as a mail tool or a shop puts it there."""

    parameter: str = Field(pattern=r"^[\w.\-\[\]]+$")
    type: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")


class SourceHost(Section):
    """A host (its subdomains included) or a word of utm_source, and what kind of source it is."""

    host: str = Field(min_length=1)
    kind: str
    source: str | None = None

    @field_validator("kind")
    @classmethod
    def _kind(cls, name: str) -> str:
        if name not in SOURCE_KINDS:
            raise ValueError(f"{name!r} is not a kind of source{nearest(name, SOURCE_KINDS)}")
        return name


class ChannelRule(Section):
    """A company's own rule for the channel group; all patterns that are given must fit the whole text, any case."""

    rule: str = Field(pattern="^[a-z][a-z0-9_]*$")
    group: str = Field(min_length=1)
    source_kind: str | None = None
    source: Pattern | None = None
    medium: Pattern | None = None
    campaign: Pattern | None = None
    referrer: Pattern | None = None
    click_id: str | None = None

    @field_validator("source_kind")
    @classmethod
    def _kind(cls, name: str | None) -> str | None:
        return None if name is None else SourceHost._kind(name)

    @field_validator("click_id")
    @classmethod
    def _click_id(cls, name: str | None) -> str | None:
        known = [row["click_id_type"] for row in load_list("click_id").rows]
        if name is not None and name not in known:
            raise ValueError(f"{name!r} is not a click id of the list{nearest(name, known)}")
        return name

    @model_validator(mode="after")
    def _some_condition(self) -> ChannelRule:
        conditions = (self.source_kind, self.source, self.medium, self.campaign, self.referrer, self.click_id)
        if not any(conditions):
            raise ValueError(f"rule {self.rule!r} has no condition: it would take every visit")
        return self


class Robots(Section):
    """From when on behaviour is a robot's; every limit is inclusive and counts one visitor on one UTC day.

    `robots_txt_requests`: fetches of robots.txt · `pages_per_minute` · `active_hours`: different hours with pages ·
    `sweep_pages`: different pages of which hardly any (`sweep_referred_share`) was reached by a link · `no_asset_pages`: pages
    without a single asset, on a day on which most visitors fetch assets · `network_visitors`, `network_pages`: a sweep shared
    by so many visitors of one network and agent. `null` switches a rule off.
    """

    robots_txt_requests: int | None = Field(ge=1)
    pages_per_minute: int | None = Field(ge=2)
    active_hours: int | None = Field(ge=2, le=24)
    sweep_pages: int | None = Field(ge=2)
    sweep_referred_share: float = Field(ge=0, le=1)
    no_asset_pages: int | None = Field(ge=2)
    network_visitors: int | None = Field(ge=2)
    network_pages: int = Field(ge=2)


class Web(Section):
    """Requests, robots and sources of visits."""

    rules: list[RequestRule]
    default_rules: list[RequestRule]
    search_parameters: list[str]
    keep_parameters: list[str]
    identity_parameters: list[IdentityParameter]
    robots: Robots
    own_domains: list[Host]
    payment_providers: list[Host]
    sources: list[SourceHost]
    channel_rules: list[ChannelRule]
    last_non_direct_days: float = Field(gt=0)

    @field_validator("search_parameters", "keep_parameters")
    @classmethod
    def _parameters(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"[\w.\-\[\]]+", name):
                raise ValueError(f"{name!r} is not the name of a parameter")
        return names

    @model_validator(mode="after")
    def _rules_end(self) -> Web:
        names = [rule.rule for rule in self.all_rules()]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"rules: {twice!r} is the name of two rules")
        last = self.all_rules()[-1] if names else None
        if last is None or any((last.methods, last.status, last.path, last.query, last.agent)):
            raise ValueError("default_rules: the last rule must take every request (no conditions)")
        own = [rule.rule for rule in self.channel_rules]
        if len(set(own)) != len(own):
            raise ValueError("channel_rules: two rules have the same name")
        return self

    def all_rules(self) -> list[RequestRule]:
        """Rules in the order in which they are asked: a company's own first."""
        return [*self.rules, *self.default_rules]

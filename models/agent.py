"""What a user agent says: browser, operating system, kind of device, and whether it is a robot's.

Pure functions over distinct agents. The parser is ua-parser with its Rust engine; robots are told, in this order, by an empty
agent, the crawler list, the COUNTER list, the parser and our own words (`models/lists/robot_agent*.csv`): texts by one
Aho-Corasick pass over the agent, the rest as one alternation per list. Does not belong here: robots told by what they do
(`sql/visitor/`).
"""

from __future__ import annotations

import importlib.metadata
import re
from functools import cache

import ahocorasick_rs
import polars as pl
import pyarrow as pa
from ua_parser import DefaultedResult, Domain
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from models.lists import load_list

AGENT_SCHEMA = pa.schema(
    [
        ("user_agent", pa.string()),
        ("browser", pa.string()),
        ("browser_version", pa.string()),
        ("operating_system", pa.string()),
        ("operating_system_version", pa.string()),
        ("device", pa.string()),
        ("is_bot", pa.bool_()),
        ("bot_name", pa.string()),
        ("bot_reason", pa.string()),
        ("bot_list_version", pa.string()),
    ]
)
# Devices whose systems are not told apart by a word in the agent.
_TELEVISION = re.compile(
    r"\btv\b|smart-?tv|appletv|apple tv|googletv|hbbtv|bravia|roku|aft[a-z]\b|netcast|web0s|crkey", re.I
)
_CONSOLE = re.compile(r"playstation|xbox|nintendo", re.I)
_WATCH = re.compile(r"watchos|apple ?watch|wear os|sm-r\d{3}", re.I)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|nexus (?:7|9|10)\b|\bsm-t\d|android(?!.*mobi)", re.I)
_MOBILE = re.compile(
    r"mobi|iphone|ipod|android|windows phone|blackberry|\bbb10\b|symbian|opera mini|j2me|midp|nokia|docomo|kaios", re.I
)
_DESKTOP_SYSTEMS = frozenset(
    {"Windows", "Mac OS X", "Mac OS", "Linux", "Ubuntu", "Fedora", "Debian", "Chrome OS", "FreeBSD", "OpenBSD", "NetBSD"}
)  # fmt: skip


def read_agents(agents: pa.Table) -> pa.Table:
    """What each distinct agent says.

    `agents`: one column `user_agent` (text, NULL allowed), distinct. Returns AGENT_SCHEMA, a row per agent; unknown browser or
    system is NULL; versions are major.minor; `device` is desktop, mobile, tablet, tv, console, watch or NULL; `bot_list_version`
    names list and version behind `bot_reason`.
    """
    texts = agents["user_agent"].to_pylist()
    verdicts = robot_verdicts(texts)
    resolve = _resolver()
    rows = []
    for text, (reason, name, version) in zip(texts, verdicts, strict=True):
        found = resolve(text or "", Domain.ALL).complete().with_defaults()
        browser, system, device = found.user_agent, found.os, found.device
        if reason is None and device.family == "Spider":
            reason, name, version = "agent_parser", browser.family, _parser_version()
        rows.append(
            {
                "user_agent": text,
                "browser": _known(browser.family),
                "browser_version": _version(browser.major, browser.minor),
                "operating_system": _known(system.family),
                "operating_system_version": _version(system.major, system.minor),
                "device": device_class(text, system.family, device.family),
                "is_bot": reason is not None,
                "bot_name": name,
                "bot_reason": reason,
                "bot_list_version": version,
            }
        )
    return pa.Table.from_pylist(rows, schema=AGENT_SCHEMA)


def parse_agent(text: str) -> DefaultedResult:
    """Browser, system and device of one agent as ua-parser names them."""
    return _resolver()(text, Domain.ALL).complete().with_defaults()


def device_class(text: str | None, system: str, family: str) -> str | None:
    """Kind of device from the agent, its system and its device family; NULL where nothing says it."""
    if not text:
        return None
    for kind, pattern in (("tv", _TELEVISION), ("console", _CONSOLE), ("watch", _WATCH)):
        if pattern.search(text):
            return kind
    # Windows tablets say "Touch"; a laptop with a touch screen says it too, so they stay desktops.
    if _TABLET.search(text) and not re.search(r"windows nt|iphone", text, re.I):
        return "tablet"
    if _MOBILE.search(text):
        return "mobile"
    if system in _DESKTOP_SYSTEMS or family in ("Mac", "Generic Desktop") or "X11;" in text:
        return "desktop"
    # A device with a name of its own that is none of the others is a telephone from before the word "mobile".
    return None if family in ("Other", "Spider") else "mobile"


def robot_verdicts(agents: list[str | None]) -> list[tuple[str | None, str | None, str | None]]:
    """(reason, name of the robot, list and version) of each agent that a list calls a robot's; Nones for the others."""
    series = pl.Series("agent", [agent or "" for agent in agents], dtype=pl.String)
    lists = _lists()
    by_crawler, by_counter = lists["robot_agent"].find(series), lists["robot_agent_counter"].find(series)
    own = lists["robot_agent_own"]
    by_own, people = own.find(series), lists["person"].find(series)
    verdicts: list[tuple[str | None, str | None, str | None]] = []
    for agent, crawler, counter, word, person in zip(agents, by_crawler, by_counter, by_own, people, strict=True):
        if not (agent or "").strip(" -"):
            verdicts.append(("no_agent", "no agent", own.version))
        elif person is not None:
            verdicts.append((None, None, None))
        elif crawler is not None:
            verdicts.append(("crawler_list", crawler, lists["robot_agent"].version))
        elif counter is not None:
            verdicts.append(("counter_list", counter, lists["robot_agent_counter"].version))
        elif word is not None:
            verdicts.append(("robot_word", word, own.version))
        else:
            verdicts.append((None, None, None))
    return verdicts


class _PatternList:
    """Patterns of one list: texts in one automaton, expressions in one alternation that says only whether to look closer."""

    def __init__(self, rows: list[tuple[str, str]], version: str, any_case: bool) -> None:
        self.version = version
        self.any_case = any_case
        self.names = [name for _, name in rows]
        texts = [literal_text(pattern) for pattern, _ in rows]
        self.text_rows = [row for row, text in enumerate(texts) if text]
        words = [text for text in texts if text]
        self.automaton = ahocorasick_rs.AhoCorasick([word.lower() if any_case else word for word in words])
        self.expressions = [(row, rows[row][0]) for row, text in enumerate(texts) if not text]
        flags = re.IGNORECASE if any_case else 0
        self.compiled = [(row, re.compile(pattern, flags)) for row, pattern in self.expressions]
        prefix = "(?i)" if any_case else ""
        self.alternation = prefix + "|".join(f"(?:{pattern})" for _, pattern in self.expressions)

    def find(self, agents: pl.Series) -> list[str | None]:
        """The name of the first entry (in the order of the list) that each agent matches."""
        looked = agents.str.to_lowercase() if self.any_case else agents
        closer = agents.str.contains(self.alternation).to_list() if self.expressions else [False] * len(agents)
        names: list[str | None] = []
        for agent, text, is_closer in zip(agents.to_list(), looked.to_list(), closer, strict=True):
            found = [
                self.text_rows[index] for index, _, _ in self.automaton.find_matches_as_indexes(text, overlapping=True)
            ]
            if is_closer:
                found += [row for row, expression in self.compiled if expression.search(agent)]
            names.append(self.names[min(found)] if found else None)
        return names


def literal_text(pattern: str) -> str | None:
    """The text a pattern stands for when it is no more than that, else None."""
    text, escaped = "", False
    for character in pattern:
        if escaped:
            if character.isalnum():
                return None
            text, escaped = text + character, False
        elif character == "\\":
            escaped = True
        elif character in ".^$*+?()[]{}|":
            return None
        else:
            text += character
    return text


@cache
def _lists() -> dict[str, _PatternList]:
    found = {}
    for name, any_case in (("robot_agent", False), ("robot_agent_counter", True), ("robot_agent_own", True)):
        rows = load_list(name).rows
        robots = [(row["pattern"], row["name"]) for row in rows if row["purpose"] != "person"]
        found[name] = _PatternList(robots, load_list(name).version, any_case)
        people = [(row["pattern"], row["name"]) for row in rows if row["purpose"] == "person"]
        if people:
            found["person"] = _PatternList(people, load_list(name).version, any_case)
    return found


@cache
def _resolver() -> Resolver:
    return Resolver(load_builtins())


@cache
def _parser_version() -> str:
    return "ua-parser " + importlib.metadata.version("ua-parser-builtins")


def _known(family: str) -> str | None:
    return None if family == "Other" else family


def _version(major: str | None, minor: str | None) -> str | None:
    return ".".join(part for part in (major, minor) if part) or None

"""What mappings of exports about the web may call and join: the rules about requests as SQL functions, and agents.

Functions, made from `web.rules` of the configuration with every pattern written into them, so that each is compiled once:
`web_touchpoint_type(method, path, query, status, user_agent)` is the touchpoint type of a request, NULL for one that is
folded away; `web_fold(…)` the reason it is folded away, NULL for a touchpoint; `web_source_host(referrer)` the host (or the
package of an application) of a referrer; `web_without_address(text)` and `web_without_number(text)` a text without what looks
like an e-mail address, or like a telephone, customer or card number.

Functions for events of trackers: `web_event_type(name)` is the touchpoint type of a usual event name
(`models/lists/event_name.csv`), NULL for others; `web_event_time(happened, sent, received)` the time of an event by the clock of
whoever received it, and `web_event_clock(…)` by which rule (`docs/sources/trackers.md`); `web_path(url)`, `web_query(url)`,
`web_parameter(url, name)` and `web_click_id_type(url)` parts of an address.

Relations: `web_agent` (what each user agent says, `models/agent.py`), `web_visitor` (robots by what they do; a night fills
it) and the configuration tables `web_parameter` and `traffic_source_host`.

Does not belong here: the rules themselves (`models/settings/web.py`), behaviour (`pipelines/night/visitor.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from models.agent import AGENT_SCHEMA, read_agents
from models.configuration import Configuration, configuration_tables, load_configuration
from models.lists import load_list
from models.settings.web import RequestRule
from sources.spec import ExportSpec

ARGUMENTS = "method, path, query, status, user_agent"
# The tables of the configuration that mappings of web exports may join.
CONFIGURATION_TABLES = ("web_parameter", "traffic_source_host", "click_id")
# One row per visitor that is a robot or goes on after midnight; see pipelines/night/visitor.py.
VISITOR_COLUMNS = (
    "visitor varchar, is_bot boolean, bot_reason varchar, bot_name varchar, bot_list_version varchar, "
    "continues_visitor varchar"
)

_SOURCE_HOST = (
    "nullif(regexp_extract(lower(referrer), '^(?:[a-z][a-z0-9+.-]*:)?//(?:[^/@]*@)?(?:www[.])?([^/:?#]+)', 1), '')"
)
# What looks like an e-mail address, and so many digits that they are a telephone, customer or card number.
_ADDRESS = "(?i)[^/\\s=&]*(?:@|%40)[^/\\s=&]*"
_NUMBER = "[+]?(?:[0-9][ .-]?){8,}[0-9]"


# Farther from the time of receipt than this, a device's clock is wrong: ahead by minutes, or behind by weeks.
CLOCK_AHEAD_MINUTES = 5
CLOCK_BEHIND_DAYS = 30


def tracker_functions() -> list[str]:
    """Statements that make the functions for events of trackers, temporary to a connection."""
    names = " ".join(
        f"when {_literal(row['event_name'])} then {_literal(row['touchpoint_type'])}"
        for row in load_list("event_name").rows
    )
    click_ids = "|".join(row["click_id_type"] for row in load_list("click_id").rows)
    # An event waits on the device before it is sent. Both times are read from one clock, so the wait is right even where
    # the clock is not: received less wait (Segment's rule; Snowplow and Amplitude have the same).
    corrected = "coalesce(received - (sent - happened), happened)"
    earliest = f"received - interval {CLOCK_BEHIND_DAYS} day"
    is_possible = f"{corrected} between {earliest} and received + interval {CLOCK_AHEAD_MINUTES} minute"
    return [
        f"create or replace temp macro web_event_type(name) as case {_EVENT_WORDS} {names} end",
        "create or replace temp macro web_event_time(happened, sent, received) as case "
        f"when received is null then happened when happened is null then received when {is_possible} then {corrected} "
        "else received end",
        "create or replace temp macro web_event_clock(happened, sent, received) as case "
        "when received is null then 'device' when happened is null then 'received' "
        f"when not ({is_possible}) then 'replaced' when sent is null then 'device' else 'corrected' end",
        "create or replace temp macro web_path(url) as "
        "nullif(regexp_extract(url, '^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(/[^?#]*)', 1), '')",
        "create or replace temp macro web_query(url) as nullif(regexp_extract(url, '[?]([^#]*)', 1), '')",
        "create or replace temp macro web_parameter(url, name) as "
        "url_decode(replace(nullif(regexp_extract(url, '[?&]' || name || '=([^&#]*)', 1), ''), '+', ' '))",
        "create or replace temp macro web_click_id_type(url) as "
        f"nullif(regexp_extract(url, '[?&]({click_ids})=', 1), '')",
    ]


# An event's name in small letters, its signs as blanks: `$pageview`, `[Amplitude] Page Viewed`, `add_to_cart`, `OrderCompleted`.
_EVENT_WORDS = (
    r"trim(lower(regexp_replace(regexp_replace(regexp_replace(name, '^\[[^\]]*\] *|^\$', ''), "
    r"'([a-z])([A-Z])', '\1 \2', 'g'), '[^A-Za-z0-9]+', ' ', 'g')))"
)


def web_functions(rules: Sequence[RequestRule]) -> list[str]:
    """Statements that make the functions, temporary to a connection."""
    number = " ".join(f"when {_condition(rule)} then {place}" for place, rule in enumerate(rules, start=1))
    found = f"web_rule_number({ARGUMENTS})"
    return [
        f"create or replace temp macro web_rule_number({ARGUMENTS}) as case {number} end",
        f"create or replace temp macro web_fold({ARGUMENTS}) as {_outcome(found, [rule.fold for rule in rules])}",
        f"create or replace temp macro web_touchpoint_type({ARGUMENTS}) as "
        f"{_outcome(found, [rule.type for rule in rules])}",
        f"create or replace temp macro web_source_host(referrer) as {_SOURCE_HOST}",
        f"create or replace temp macro web_without_address(words) as regexp_replace(words, '{_ADDRESS}', '…', 'g')",
        f"create or replace temp macro web_without_number(words) as regexp_replace(words, '{_NUMBER}', '…', 'g')",
    ]


def _outcome(number: str, values: Sequence[str | None]) -> str:
    """The list of outcomes, asked for the number of the rule."""
    listed = ", ".join("null" if value is None else f"'{value}'" for value in values)
    return f"list_extract(cast([{listed}] as varchar[]), {number})"


def _condition(rule: RequestRule) -> str:
    """SQL of one rule; cheap conditions first. A request that cannot be read has no method and is a program's."""
    parts = []
    if rule.methods:
        names = ", ".join(_literal(name.removeprefix("!")) for name in rule.methods)
        inside = f"method in ({names})"
        parts.append(f"coalesce(not ({inside}), true)" if rule.methods[0].startswith("!") else inside)
    if rule.status:
        ranges = [
            f"status between {code[0]}00 and {code[0]}99" if code.endswith("xx") else f"status = {code}"
            for code in rule.status
        ]
        parts.append(f"({' or '.join(ranges)})")
    for name, pattern in (("path", rule.path), ("query", rule.query), ("user_agent", rule.agent)):
        if pattern is not None:
            parts.append(f"regexp_matches({name}, {_literal('(?i)' + pattern)})")
    return " and ".join(parts) or "true"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def missing_agents(known: pa.Table, seen: pa.Table) -> pa.Table:
    """What the agents in `seen` (one column `user_agent`, distinct) say that are not among `known` (AGENT_SCHEMA)."""
    told = set(known["user_agent"].to_pylist())
    new = [agent for agent in seen["user_agent"].to_pylist() if agent not in told]
    return read_agents(pa.table({"user_agent": pa.array(new, pa.string())}))


def offer_web_functions(execute: Callable[[str], object], configuration: Configuration | None = None) -> None:
    """Make the functions on a connection, by default from the default configuration; typing rows may call them too."""
    for statement in (*web_functions((configuration or load_configuration()).web.all_rules()), *tracker_functions()):
        execute(statement)


def offer_web(con: duckdb.DuckDBPyConnection, spec: ExportSpec, configuration: Configuration | None = None) -> None:
    """The relations that the mapping of an export may join, on a connection without a night: `export_row` is there.

    Without a night nobody is known to be a robot by what they do: `web_visitor` is empty. `offer_web_functions` comes first,
    before rows are typed.
    """
    if spec.web is None:
        return
    configuration = configuration or load_configuration()
    column = '"' + spec.web.user_agent.replace('"', '""') + '"'
    seen = con.sql(f"select distinct {column} as user_agent from export_row").to_arrow_table()
    _store(con, "web_agent", missing_agents(AGENT_SCHEMA.empty_table(), seen))
    con.execute(f"create or replace table web_visitor ({VISITOR_COLUMNS})")
    tables = configuration_tables(configuration, datetime(1970, 1, 1))
    for name in CONFIGURATION_TABLES:
        _store(con, name, tables[name])


def _store(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    con.register("arriving_web", table)
    con.execute(f"create or replace table {name} as select * from arriving_web")
    con.unregister("arriving_web")

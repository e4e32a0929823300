"""The web settings and the lists as rows of configuration tables, for SQL models, mappings and analysts.

Does not belong here: the settings themselves (`settings/web.py`), the functions mappings call (`sources/web.py`).
"""

from __future__ import annotations

from typing import Any

from models.lists import load_list
from models.settings.web import Web

# Of two kinds that a host has, the lower rank wins: what the company says about itself comes first.
KIND_RANK = {"own": 0, "payment": 1, "ai": 2, "mail": 3, "video": 4, "shopping": 5, "social": 6, "search": 7}
BEHAVIOUR_VERSION = "touchpoint360 behaviour rules 1"


def web_tables(web: Web) -> dict[str, list[dict[str, Any]]]:
    """Rows of `request_rule`, `web_parameter`, `robot_limit`, `traffic_source_host`, `click_id` and `channel_rule`."""
    return {
        "request_rule": [
            {
                "rule_number": number,
                "request_rule": rule.rule,
                "methods": " ".join(rule.methods) or None,
                "status_codes": " ".join(rule.status) or None,
                "path_pattern": rule.path,
                "query_pattern": rule.query,
                "agent_pattern": rule.agent,
                "touchpoint_type": rule.type,
                "fold": rule.fold,
            }
            for number, rule in enumerate(web.all_rules(), start=1)
        ],
        "web_parameter": _parameters(web),
        "robot_limit": [{**web.robots.model_dump(), "behaviour_version": BEHAVIOUR_VERSION}],
        "traffic_source_host": _hosts(web),
        "click_id": [
            {
                "click_id_type": row["click_id_type"],
                "traffic_source": row["source"],
                "traffic_medium": row["medium"],
                "list_version": load_list("click_id").version,
            }
            for row in load_list("click_id").rows
        ],
        "channel_rule": _channel_rules(web),
    }


def _parameters(web: Web) -> list[dict[str, Any]]:
    """What each parameter of an address is used for; a parameter may have several uses."""
    rows = [{"parameter": name, "parameter_use": "search", "identifier_type": None} for name in web.search_parameters]
    rows += [{"parameter": name, "parameter_use": "keep", "identifier_type": None} for name in web.keep_parameters]
    rows += [
        {"parameter": item.parameter, "parameter_use": "identity", "identifier_type": item.type}
        for item in web.identity_parameters
    ]
    rows += [
        {"parameter": row["click_id_type"], "parameter_use": "click_id", "identifier_type": None}
        for row in load_list("click_id").rows
    ]
    return [{**row, "parameter_rank": number} for number, row in enumerate(rows, start=1)]


def _hosts(web: Web) -> list[dict[str, Any]]:
    """One row per host or word; what the company says wins over our list, and that over the public ones."""
    found: dict[str, dict[str, Any]] = {}

    def add(host: str, source: str, kind: str, is_suffix: bool, version: str) -> None:
        host = host.strip().lower().removeprefix("www.")
        found[host] = {
            "host": host,
            "traffic_source": source.lower(),
            "source_kind": kind,
            "is_suffix": is_suffix,
            "source_rank": KIND_RANK[kind],
            "list_version": version,
        }

    for name in ("traffic_source", "traffic_source_own"):
        listed = load_list(name)
        for row in listed.rows:
            add(row["host"], row["source"], row["source_kind"], row["is_suffix"] == "true", listed.version)
    for source in web.sources:
        add(source.host, source.source or source.host, source.kind, True, "configuration")
    for host in web.payment_providers:
        add(host, host, "payment", True, "configuration")
    for host in web.own_domains:
        add(host, host, "own", True, "configuration")
    return [found[host] for host in sorted(found)]


def _channel_rules(web: Web) -> list[dict[str, Any]]:
    listed = load_list("channel_rule")
    rows = [
        {
            "channel_group": rule.group,
            "channel_rule": rule.rule,
            "source_kind": rule.source_kind,
            "source_pattern": rule.source,
            "medium_pattern": rule.medium,
            "campaign_pattern": rule.campaign,
            "referrer_pattern": rule.referrer,
            "click_id_type": rule.click_id,
            "list_version": "configuration",
        }
        for rule in web.channel_rules
    ]
    rows += [
        {
            "channel_group": row["channel_group"],
            "channel_rule": row["rule"],
            "source_kind": row["source_kind"] or None,
            "source_pattern": row["source_pattern"] or None,
            "medium_pattern": row["medium_pattern"] or None,
            "campaign_pattern": row["campaign_pattern"] or None,
            "referrer_pattern": None,
            "click_id_type": None,
            "list_version": listed.version,
        }
        for row in listed.rows
    ]
    return [{**row, "rule_number": number} for number, row in enumerate(rows, start=1)]

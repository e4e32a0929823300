"""The lists: headers, licences, and every host of the public lists named as its list names it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pytest
import yaml

from models.lists import FOLDER, list_names, load_list
from models.settings.web import SOURCE_KINDS, channel_groups
from tests.sql.runner import Room

SHARED = Path(__file__).parents[3] / "shared" / "data" / "weblogs" / "lists"
needs_lists = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the public lists in {SHARED}")


def test_every_list_says_source_version_and_licence() -> None:
    assert set(list_names()) >= {
        "channel_rule", "click_id", "robot_agent", "robot_agent_counter", "robot_agent_own", "traffic_source",
        "traffic_source_own",
    }  # fmt: skip
    notices = (FOLDER / "LICENCES.md").read_text(encoding="utf-8")
    for name in list_names():
        listed = load_list(name)
        assert listed.rows and listed.version
        licence = listed.header["licence"]
        assert any(known in licence for known in ("MIT", "CC0", "Apache-2.0"))
        if "MIT" in licence:
            assert f"`{name}.csv`" in notices
    assert "Permission is hereby granted" in notices


def test_names_in_the_lists_are_unique_and_of_known_kinds() -> None:
    for name in ("traffic_source", "traffic_source_own"):
        hosts = [row["host"] for row in load_list(name).rows]
        assert len(set(hosts)) == len(hosts)
        assert {row["source_kind"] for row in load_list(name).rows} <= set(SOURCE_KINDS)
    ids = [row["click_id_type"] for row in load_list("click_id").rows]
    assert len(set(ids)) == len(ids) and all(name == name.lower() for name in ids)


def test_the_decision_table_ends_and_has_the_groups_of_google_analytics() -> None:
    rows = load_list("channel_rule").rows
    assert rows[-1]["channel_group"] == "Unassigned"
    assert not any(value for key, value in rows[-1].items() if key.endswith(("pattern", "kind")))
    assert len({row["rule"] for row in rows}) == len(rows)
    assert channel_groups() == (
        "Direct", "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other",
        "AI Assistants", "Organic Shopping", "Organic Social", "Organic Video", "Organic Search", "Email", "Affiliates",
        "Referral", "Audio", "SMS", "Mobile Push Notifications", "Unassigned",
    )  # fmt: skip
    paid = {row["medium_pattern"] for row in rows if row["channel_group"].startswith("Paid")}
    assert paid == {".*cp.*|ppc|retargeting|paid.*"}


def visit_sources(referrers: list[str]) -> dict[str, tuple[str, str, str]]:
    """(source, kind, channel group) of a visit from each referring host."""
    table = pa.table(
        {
            "touchpoint_id": [str(n) for n in range(1, len(referrers) + 1)],
            "customer_id": [str(n) for n in range(1, len(referrers) + 1)],
            "occurred_at": ["2024-01-01 10:00:00"] * len(referrers),
            "touchpoint_type": ["page_view"] * len(referrers),
            "referrer_host": referrers,
        }
    )
    room = Room({"touchpoint_scope": table})
    room.build("session_source")
    rows = room.rows("select session_id, traffic_source, source_kind, channel_group from session_source")
    return {referrers[session - 1]: (source, kind, group) for session, source, kind, group in rows}


def matomo_hosts() -> list[tuple[str, str, str]]:
    """(host, name, kind) of every host that Matomo's lists name, a star filled in, paths left out."""
    found: list[tuple[str, str, str]] = []

    def load(name: str) -> dict[str, Any]:
        listed: dict[str, Any] = yaml.safe_load((SHARED / name).read_text(encoding="utf-8"))
        return listed

    for name, entries in load("matomo_SearchEngines.yml").items():
        found += [(host, name, "search") for entry in entries for host in entry["urls"]]
    for file, kind in (("matomo_Socials.yml", "social"), ("matomo_AIAssistants.yml", "ai")):
        found += [(host, name, kind) for name, hosts in load(file).items() for host in hosts]
    # A star in front stands for a country as a subdomain, one behind for a top-level domain.
    return [
        (host.replace("{}.", "nl.", 1) if host.startswith("{}.") else host.replace("{}", "nl"), name, kind)
        for host, name, kind in found
        if "/" not in host
    ]


@pytest.mark.shared
@needs_lists
def test_every_host_of_the_referrer_lists_is_named_as_there() -> None:
    listed = matomo_hosts()
    names: dict[str, set[str]] = {}
    kinds: dict[str, set[str]] = {}
    for host, name, kind in listed:
        names.setdefault(host, set()).add(unquote(name).lower())
        kinds.setdefault(host, set()).add(kind)
    assert len(names) > 880
    found = visit_sources(sorted(names))
    assert {host: found[host][0] for host in names if found[host][0] not in names[host]} == {}
    # Where Google Analytics has another kind than Matomo it is Google's; www. is the same site as without it.
    other = {host: found[host][1] for host in kinds if found[host][1] not in kinds[host]}
    assert other == {
        "youtube.com": "video", "vimeo.com": "video", "digg.com": "social", "friendfeed.com": "social",
        "www.facebook.com": "social", "www.perplexity.ai": "ai",
    }  # fmt: skip
    groups = {"search": "Organic Search", "social": "Organic Social", "ai": "AI Assistants", "video": "Organic Video"}
    assert all(group == groups[kind] for _, kind, group in found.values())


@pytest.mark.shared
@needs_lists
def test_every_source_of_google_analytics_has_its_category() -> None:
    with (SHARED / "dbt_ga4_source_categories.csv").open(encoding="utf-8", newline="") as handle:
        category = {row["source"]: row["source_category"].rpartition("_")[2].lower() for row in csv.DictReader(handle)}
    known = {row["host"]: row["source_kind"] for row in load_list("traffic_source").rows}
    wrong = {
        source: known.get(source.lower().removeprefix("www."))
        for source, kind in category.items()
        if known.get(source.lower().removeprefix("www.")) != kind
    }
    # 819 sources. Two search engines of Matomo's list are AI assistants of it too.
    assert len(category) >= 818
    assert set(wrong.values()) <= {"ai"}, wrong


def test_a_host_is_not_found_by_a_part_of_its_name() -> None:
    found = visit_sources(["notfacebook.com", "facebook.com.evil.example", "mail.google.com", "google.evil.example"])
    assert found["notfacebook.com"] == ("notfacebook.com", None, "Referral")
    assert found["facebook.com.evil.example"][2] == "Referral"
    assert found["mail.google.com"][1:] == ("mail", "Email")
    assert found["google.evil.example"][2] == "Referral"


def test_patterns_of_the_decision_table_are_ones_that_duckdb_knows() -> None:
    for row in load_list("channel_rule").rows:
        for part in ("source_pattern", "medium_pattern", "campaign_pattern"):
            duckdb.execute("select regexp_matches('', ?)", [row[part]]).fetchall()

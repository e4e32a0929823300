"""User agents: the parser on all public cases, robots on all public instances, kinds of devices, people left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from models.agent import AGENT_SCHEMA, device_class, literal_text, parse_agent, read_agents, robot_verdicts

SHARED = Path(__file__).parents[3] / "shared" / "data" / "weblogs" / "lists"
shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the public lists in {SHARED}"),
]

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.6 Mobile/15E148 Safari/604.1"
)
TABLET = (
    "Mozilla/5.0 (Linux; Android 13; SM-T870) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
PIXEL = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
TV = "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/6.0 TV Safari/537.36"
CUBOT = "Mozilla/5.0 (Linux; U; Android 4.2.2; de-de; CUBOT C10+ Build/JDQ39) AppleWebKit/534.30 Mobile Safari/534.30"


def cases(name: str) -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[dict[str, Any]] = yaml.load((SHARED / name).read_text(encoding="utf-8"), Loader=loader)["test_cases"]
    return found


def text(value: Any) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize(
    ("file", "part", "fields", "count"),
    [
        pytest.param("uap-core_test_ua.yaml", "user_agent", ("family", "major", "minor", "patch"), 1601, marks=shared),
        pytest.param(
            "uap-core_test_os.yaml", "os", ("family", "major", "minor", "patch", "patch_minor"), 483, marks=shared
        ),
        pytest.param("uap-core_test_device.yaml", "device", ("family", "brand", "model"), 16_129, marks=shared),
    ],
)
def test_the_parser_agrees_with_every_public_case(file: str, part: str, fields: tuple[str, ...], count: int) -> None:
    wrong = []
    listed = cases(file)
    for case in listed:
        found = getattr(parse_agent(case["user_agent_string"]), part)
        if any(getattr(found, field) != text(case.get(field)) for field in fields):
            wrong.append((case["user_agent_string"], found))
    assert len(listed) == count
    assert wrong == []


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the public lists in {SHARED}")
def test_every_instance_of_a_crawler_is_recognised_by_its_list() -> None:
    entries = json.loads((SHARED / "crawler-user-agents.json").read_text(encoding="utf-8"))
    instances = [instance for entry in entries for instance in entry.get("instances", [])]
    assert len(instances) == 2116
    assert [
        (agent, v) for agent, v in zip(instances, robot_verdicts(instances), strict=True) if v[0] != "crawler_list"
    ] == []


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the public lists in {SHARED}")
def test_hardly_a_device_of_a_person_is_taken_for_a_robot() -> None:
    """Of 16,056 agents of telephones, tablets and computers: link previews of WhatsApp, and seven with a robot's word."""
    people = [case["user_agent_string"] for case in cases("uap-core_test_device.yaml") if case["family"] != "Spider"]
    taken = [
        (agent, verdict)
        for agent, verdict in zip(people, robot_verdicts(list(people)), strict=True)
        if verdict[0] is not None and verdict[1] != "WhatsApp"
    ]
    assert len(people) == 16_056
    assert len(taken) <= 8, taken


@pytest.mark.parametrize(
    ("agent", "device", "system", "browser"),
    [
        (CHROME, "desktop", "Windows", "Chrome"),
        (IPHONE, "mobile", "iOS", "Mobile Safari"),
        (IPAD, "tablet", "iOS", "Mobile Safari"),
        (TABLET, "tablet", "Android", "Chrome"),
        (PIXEL, "mobile", "Android", "Chrome Mobile"),
        (TV, "tv", "Tizen", None),
        (CUBOT, "mobile", "Android", "Android"),
    ],
)
def test_browser_system_and_kind_of_device(agent: str, device: str, system: str, browser: str | None) -> None:
    (row,) = read_agents(pa.table({"user_agent": [agent]})).to_pylist()
    assert (row["device"], row["operating_system"], row["is_bot"]) == (device, system, False)
    assert browser is None or row["browser"] == browser
    assert row["bot_reason"] is None and row["bot_list_version"] is None


@pytest.mark.parametrize(
    ("agent", "reason", "name"),
    [
        (None, "no_agent", "no agent"),
        ("-", "no_agent", "no agent"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler_list", "Googlebot"),
        ("python-requests/2.32.3", "crawler_list", "python-requests"),
        ("curl/8.5.0", "crawler_list", "curl"),
        ("Mozilla/5.0 (compatible; PolderIndexBot/1.4; +https://bot.example/info)", "robot_word", "robot that says so"),
        ("UptimeMonitor/1.0 (+https://uptime.example)", "robot_word", "monitor"),
        ("Mozilla/5.0", "counter_list", "Mozilla.5.0"),
        (f"{CHROME} HeadlessChrome/130", "crawler_list", "HeadlessChrome"),
    ],
)
def test_a_robot_is_told_with_reason_and_list(agent: str | None, reason: str, name: str) -> None:
    (row,) = read_agents(pa.table({"user_agent": pa.array([agent], pa.string())})).to_pylist()
    assert (row["is_bot"], row["bot_reason"], row["bot_name"]) == (True, reason, name)
    assert row["bot_list_version"]


def test_every_agent_gives_one_row_in_order() -> None:
    agents = [CHROME, None, IPHONE, ""]
    table = read_agents(pa.table({"user_agent": pa.array(agents, pa.string())}))
    assert table.schema.equals(AGENT_SCHEMA)
    assert table["user_agent"].to_pylist() == agents
    assert read_agents(pa.table({"user_agent": pa.array([], pa.string())})).num_rows == 0


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"Googlebot\/", "Googlebot/"),
        (r"a\.b", "a.b"),
        ("[wW]get", None),
        (r"\d", None),
        ("^curl", None),
        ("plain", "plain"),
    ],
)
def test_a_pattern_without_marks_is_a_text(pattern: str, text: str | None) -> None:
    assert literal_text(pattern) == text


def test_nothing_is_guessed_from_nothing() -> None:
    assert device_class(None, "Other", "Other") is None
    assert device_class("Something/1.0", "Other", "Other") is None

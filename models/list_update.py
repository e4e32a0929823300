"""Makes the lists that come from outside anew from the files their projects publish.

    python -m models.list_update FOLDER

FOLDER holds `crawler-user-agents.json`, `COUNTER_Robots_list.json`, `matomo_SearchEngines.yml`, `matomo_Socials.yml`,
`matomo_AIAssistants.yml`, `dbt_ga4_source_categories.csv` and `uap-core_test_device.yaml`; the commits they were taken from
are named in VERSION below, to be changed with them. Does not belong here: lists of our own, which are written by hand.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from models.lists import FOLDER
from models.yaml_text import read_yaml

VERSION = {
    "crawler": "crawler-user-agents 7c7f9f254f16",
    "counter": "COUNTER-Robots 87325c9bd16f",
    "matomo": "searchengine-and-social-list 3b3a82dc83cd",
    "ga4": "dbt-ga4 2d7b1f1c5224",
}
# Hosts with more than one kind in the sources: the first of these that a source says wins.
KIND_ORDER = ("ai", "video", "shopping", "social", "search")


def main(folder: Path) -> None:
    """Write `robot_agent.csv`, `robot_agent_counter.csv` and `traffic_source.csv`."""
    _write(
        "robot_agent",
        {
            "list": "Agents of robots: texts and regular expressions (case as written) and what the robot is for",
            "source": "https://github.com/monperrus/crawler-user-agents (pattern and first tag of every entry)",
            "version": VERSION["crawler"],
            "licence": "MIT, Copyright (c) 2017 Martin Monperrus; see LICENCES.md",
        },
        ["pattern", "name", "purpose"],
        crawler_rows(json.loads((folder / "crawler-user-agents.json").read_text(encoding="utf-8"))),
    )
    people = _people_agents(folder / "uap-core_test_device.yaml")
    _write(
        "robot_agent_counter",
        {
            "list": "Agents of robots by the COUNTER code of practice: regular expressions, any case",
            "source": "https://github.com/atmire/COUNTER-Robots (patterns that match no device of a person in the "
            "test agents of ua-parser/uap-core)",
            "version": VERSION["counter"],
            "licence": "MIT, Copyright (c) 2018 COUNTER ONLINE METRICS; see LICENCES.md",
        },
        ["pattern", "name", "purpose"],
        counter_rows(json.loads((folder / "COUNTER_Robots_list.json").read_text(encoding="utf-8")), people),
    )
    _write(
        "traffic_source",
        {
            "list": "Where visitors come from: hosts (a star stands for any top-level domain) and words of utm_source",
            "source": "https://github.com/matomo-org/searchengine-and-social-list (names, kinds search, social, ai) and "
            "https://github.com/Velir/dbt-ga4 seeds/ga4_source_categories.csv (kinds as Google Analytics has them)",
            "version": f"{VERSION['matomo']}, {VERSION['ga4']}",
            "licence": "CC0-1.0 (Matomo) and MIT, Copyright (c) 2022 Adam Ribaudo (dbt-ga4); see LICENCES.md",
        },
        ["host", "source", "source_kind", "is_suffix"],
        traffic_rows(folder),
    )


def crawler_rows(entries: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the crawler list."""
    return [[e["pattern"], readable(e["pattern"]), (e.get("tags") or [""])[0]] for e in entries]


def counter_rows(entries: list[dict[str, Any]], people: list[str]) -> list[list[str]]:
    """Rows of the COUNTER list without the patterns that also match what people use (google, motor, core)."""
    rows = []
    for entry in entries:
        expression = re.compile(entry["pattern"], re.IGNORECASE)
        if not any(expression.search(agent) for agent in people):
            rows.append([entry["pattern"], readable(entry["pattern"]), ""])
    return rows


def readable(pattern: str) -> str:
    """A name from a pattern: without anchors, escapes and the marks of an expression."""
    text = re.sub(r"\\[sSdDwW][+*]?|\[\\s\\S\]\*", " ", pattern)
    text = re.sub(r"\[(.)[^\]]*\]", r"\1", text)
    text = re.sub(r"\\(.)", r"\1", text)
    text = re.sub(r"\(\^\| \)|\(\[\^-\]\|\$\)", "", text)
    return re.sub(r"[\^$()|?*+]+", " ", text).strip(" /.") or pattern


def traffic_rows(folder: Path) -> list[list[str]]:
    """Rows of the traffic sources: one per host or word, its name and kind, and whether its subdomains count too."""
    named: dict[str, list[tuple[str, str, bool]]] = {}

    def add(host: str, name: str, kind: str) -> None:
        host = host.lower().removeprefix("www.")
        # A path cannot be told from a host alone.
        if "/" in host:
            return
        any_part = host.startswith("{}.")
        host = host.removeprefix("{}.").replace("{}", "*")
        named.setdefault(host, []).append((kind, unquote(name).lower(), any_part or kind != "search"))

    for name, entries in _yaml(folder / "matomo_SearchEngines.yml").items():
        for entry in entries:
            for host in entry["urls"]:
                add(host, name, "search")
    for file, kind in (("matomo_Socials.yml", "social"), ("matomo_AIAssistants.yml", "ai")):
        for name, hosts in _yaml(folder / file).items():
            for host in hosts:
                add(host, name, kind)
    with (folder / "dbt_ga4_source_categories.csv").open(encoding="utf-8", newline="") as handle:
        category = {
            row["source"].lower().removeprefix("www."): row["source_category"].rpartition("_")[2].lower()
            for row in csv.DictReader(handle)
        }
    words = {word for word in category if "." not in word}
    for host, kind in category.items():
        known = [name for _, name, _ in named.get(host, [])] or [
            name for parent in _parents(host) for _, name, any_part in named.get(parent, []) if any_part
        ]
        label = next((part for part in host.split(".") if part in words), host)
        add(host, known[0] if known else label, kind)
    rows = []
    for host, found in sorted(named.items()):
        kind, name, _ = min(found, key=lambda item: (KIND_ORDER.index(item[0]), item[1]))
        # Search engines are named exactly: mail.google.com is not a search.
        is_suffix = kind != "search" or any(suffix for _, _, suffix in found)
        rows.append([host, name, kind, str(is_suffix).lower()])
    return rows


def _parents(host: str) -> list[str]:
    """The domains above a host, the nearest first."""
    labels = host.split(".")
    return [".".join(labels[depth:]) for depth in range(1, len(labels) - 1)]


def _people_agents(path: Path) -> list[str]:
    return [case["user_agent_string"] for case in _yaml(path)["test_cases"] if case["family"] != "Spider"]


def _yaml(path: Path) -> Any:
    return read_yaml(path.read_text(encoding="utf-8"))


def _write(name: str, header: dict[str, str], columns: list[str], rows: list[list[str]]) -> None:
    text = io.StringIO()
    for key, value in header.items():
        text.write(f"# {key}: {value}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    (FOLDER / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

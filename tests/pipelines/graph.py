"""The asset graph as text, for the golden file. `python -m tests.pipelines.graph` writes it anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.nightly import build_definitions

GOLDEN = Path(__file__).parent / "graph.json"


def describe(definitions: dg.Definitions) -> dict[str, Any]:
    """Asset keys with dependencies, group and checks (blocking ones marked !); jobs, schedules and sensors."""
    graph = definitions.resolve_asset_graph()
    checks: dict[str, list[str]] = {}
    for key in graph.asset_check_keys:
        node = graph.get(key)
        checks.setdefault(key.asset_key.to_user_string(), []).append(key.name + ("!" if node.blocking else ""))
    repository = definitions.get_repository_def()
    return {
        "assets": {
            key.to_user_string(): {
                "group": graph.get(key).group_name,
                "deps": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
                "checks": sorted(checks.get(key.to_user_string(), [])),
            }
            for key in sorted(graph.materializable_asset_keys)
        },
        "jobs": sorted(job.name for job in repository.get_all_jobs()),
        "schedules": {
            schedule.name: {
                "cron": schedule.cron_schedule,
                "time_zone": schedule.execution_timezone,
                "status": schedule.default_status.value,
            }
            for schedule in repository.schedule_defs
        },
        "sensors": {sensor.name: sensor.default_status.value for sensor in repository.sensor_defs},
    }


def shipped_definitions() -> dg.Definitions:
    """Definitions of the shipped sources with the default configuration."""
    from models.configuration import load_configuration
    from pipelines.assets.resource import NightResource
    from pipelines.configured import configured_catalog

    configuration = load_configuration(None)
    return build_definitions(configuration, configured_catalog(configuration, None), NightResource())


def as_text(graph: dict[str, Any]) -> str:
    """The description as it stands in the golden file: one line per dependency and check, so that differences read well."""
    return json.dumps(graph, indent=1) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(as_text(describe(shipped_definitions())), encoding="utf-8")

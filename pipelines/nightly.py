"""The Dagster definitions of a configuration: the assets, the `nightly` job, its schedule and the arrival sensor.

Belongs here: what runs and when. Does not belong here: how an asset is made (`pipelines/assets/`), what a step does
(`pipelines/night/`).
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from models.configuration import Configuration
from pipelines.arrivals import Arrivals, look
from pipelines.assets.factory import all_assets
from pipelines.assets.resource import NightResource
from sources.spec import SourceCatalog

JOB_NAME = "nightly"


def build_definitions(configuration: Configuration, catalog: SourceCatalog, night: NightResource) -> dg.Definitions:
    """Definitions for one configuration; `night` carries the run settings that apply when a run gives none."""
    nightly = dg.define_asset_job(
        JOB_NAME,
        selection=dg.AssetSelection.all(),
        description="One night: register, read, map, resolve, derive, check, release.",
        # The steps share one DuckDB session and its files; a second process could not open them.
        executor_def=dg.in_process_executor,
        tags={"dagster/max_retries": "0"},
    )
    schedule = dg.ScheduleDefinition(
        name="nightly_schedule",
        job=nightly,
        cron_schedule=configuration.schedule.cron,
        execution_timezone=configuration.schedule.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Starts a night while the Dagster daemon runs.",
    )

    @dg.sensor(
        name="arrival_sensor",
        job=nightly,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Starts a night when new exports have arrived and nothing in the folders changes any more.",
    )
    def arrival_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        remembered, start, why = look([Path(folder) for folder in night.exports], Arrivals.from_text(context.cursor))
        cursor = remembered.to_text()
        if not start:
            return dg.SensorResult(skip_reason=dg.SkipReason(why), cursor=cursor)
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=remembered.handled)], cursor=cursor)

    return dg.Definitions(
        assets=all_assets(catalog),
        jobs=[nightly],
        schedules=[schedule],
        sensors=[arrival_sensor],
        resources={"night": night},
        executor=dg.in_process_executor,
    )

"""Starting nights and the web UI on one Dagster instance.

Belongs here: instance folder, environment, running the job in this process. Does not belong here: arguments and messages of
the command line, and what a night does.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.warehouse import Release, Warehouse, WarehouseError

if TYPE_CHECKING:
    import dagster as dg

    from pipelines.progress import Reporter

STATE_VARIABLE = "TOUCHPOINT360_STATE"


def instance_home() -> Path:
    """The folder that holds dagster.yaml: the checkout, or the installed package."""
    here = Path(__file__).resolve().parent
    for folder in (here.parent, here):
        if (folder / "dagster.yaml").is_file():
            return folder
    raise FileNotFoundError("dagster.yaml is missing beside the package; install touchpoint360 again.")


def instance_environment(warehouse: Warehouse) -> dict[str, str]:
    """Environment variables that put Dagster's state into the warehouse."""
    warehouse.dagster_folder.mkdir(parents=True, exist_ok=True)
    return {"DAGSTER_HOME": str(instance_home()), STATE_VARIABLE: str(warehouse.dagster_folder)}


def run_night(
    exports: list[Path], warehouse_folder: Path, config: Path | None, as_of: str, full: bool, quiet: bool
) -> Release:
    """Run the `nightly` job in this process; returns the release it switched to.

    Raises the night's own error when it could not begin, and WarehouseError naming the failed steps and checks when
    the release did not switch.
    """
    warehouse = Warehouse(warehouse_folder.absolute())
    os.environ.update(instance_environment(warehouse))
    logging.getLogger("dagster").setLevel(logging.CRITICAL)

    import dagster as dg

    from models.configuration import load_configuration
    from pipelines.assets.resource import NightResource
    from pipelines.configured import configuration_file, configured_catalog
    from pipelines.nightly import build_definitions
    from pipelines.progress import Lines, Silent

    path = config or configuration_file()
    configuration = load_configuration(path)
    catalog = configured_catalog(configuration, path)
    night = NightResource(
        exports=[str(folder.absolute()) for folder in exports],
        warehouse=str(warehouse.root),
        config=str(path.absolute()) if path else "",
        as_of=as_of,
        full=full,
    )
    spare_the_disk()
    # Fail on a busy warehouse before Dagster writes a failed run about it; and one at a time makes Dagster's tables.
    with warehouse.lock():
        before = warehouse.current()
        opened = dg.DagsterInstance.get()
    with opened as instance:
        definitions = build_definitions(configuration, catalog, night)
        steps = len(list(definitions.resolve_all_asset_specs()))
        result = execute_night(definitions, instance, Silent() if quiet else Lines(steps))
    after = warehouse.current()
    if result.success and after is not None and (before is None or after.release_id != before.release_id):
        return after
    raise WarehouseError(failure_text(result, before))


def spare_the_disk() -> None:
    """Let Dagster's SQLite files of this process skip the flush to disk after each of a night's thousands of small writes.

    They hold the history of runs only; a power cut may cost the last lines of a log, never a release.
    """
    from sqlalchemy import Engine, event

    def relax(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("pragma synchronous = off")

    event.listen(Engine, "connect", relax)


def execute_night(
    definitions: dg.Definitions, instance: dg.DagsterInstance, reporter: Reporter
) -> dg.ExecuteInProcessResult:
    """Run the `nightly` job of some definitions in this process; progress to `reporter` instead of Dagster's console."""
    from pipelines.assets.resource import PROCESS_REPORTER
    from pipelines.nightly import JOB_NAME

    before = PROCESS_REPORTER.set(reporter)
    try:
        return definitions.resolve_job_def(JOB_NAME).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    finally:
        PROCESS_REPORTER.reset(before)


def failure_text(result: dg.ExecuteInProcessResult, before: Release | None) -> str:
    """Why a night did not switch: every failed check and step, one line each."""
    import dagster as dg

    lines = []
    for event in result.all_events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            data = event.asset_check_evaluation_data
            if not data.passed and data.severity == dg.AssetCheckSeverity.ERROR:
                rows = data.metadata["offending_rows"].value if "offending_rows" in data.metadata else "?"
                lines.append(f"{data.asset_key.to_user_string()}: {data.description or data.check_name} ({rows} rows)")
        elif event.is_step_failure or event.event_type_value == "PIPELINE_FAILURE":
            error = getattr(event.event_specific_data, "error", None)
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None and "AssetCheckFailed" not in (error.cls_name or ""):
                text = error.message.strip()
                where = f"{event.step_key}: " if event.step_key else ""
                if text not in "\n".join(lines):
                    lines.append(f"{where}{text}")
    kept = f"the current release is still {before.release_id}" if before else "there is no release yet"
    return "\n  ".join([f"the night did not switch; {kept}.", *dict.fromkeys(lines)])


def ui_environment(exports: list[Path], warehouse_folder: Path, config: Path | None) -> dict[str, str]:
    """Environment of the web UI: nights started there use these exports, this warehouse and this configuration."""
    from pipelines.assets.resource import EXPORTS_VARIABLE, WAREHOUSE_VARIABLE
    from pipelines.configured import CONFIGURATION_VARIABLE

    warehouse = Warehouse(warehouse_folder.absolute())
    environment = {**os.environ, **instance_environment(warehouse), WAREHOUSE_VARIABLE: str(warehouse.root)}
    if exports:
        environment[EXPORTS_VARIABLE] = os.pathsep.join(str(path.absolute()) for path in exports)
    if config:
        environment[CONFIGURATION_VARIABLE] = str(config.absolute())
    return environment


def ui_command(host: str, port: int) -> list[str]:
    """The Dagster development server (web UI and daemon) on the project's definitions."""
    return [
        sys.executable, "-m", "dagster", "dev", "-m", "pipelines.definitions", "--host", host, "--port", str(port),
    ]  # fmt: skip

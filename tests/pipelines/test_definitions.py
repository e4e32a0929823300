"""What Dagster shows of the night: everything described, owned and traced; the schedule runs, the sensor waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from models.configuration import load_configuration
from models.contract import load_contracts
from pipelines.assets.factory import SWITCH
from pipelines.assets.resource import NightResource
from pipelines.configured import configured_catalog
from pipelines.definitions import default_definitions
from pipelines.launch import ui_environment
from pipelines.model_files import load_models
from pipelines.nightly import JOB_NAME, build_definitions
from pipelines.warehouse import Warehouse
from tests.pipelines.companies import write_desk, write_lines, write_touchpoints
from tests.pipelines.graph import shipped_definitions
from tests.pipelines.nights import few_sources, query

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """The shipped definitions."""
    return shipped_definitions()


@pytest.fixture(scope="module")
def nodes(definitions: dg.Definitions) -> dict[str, Any]:
    """Asset nodes of the graph by key."""
    graph = definitions.resolve_asset_graph()
    return {key.to_user_string(): graph.get(key) for key in sorted(graph.materializable_asset_keys)}


def tables(nodes: dict[str, Any]) -> dict[str, Any]:
    """The assets that are tables: all but the release steps, which are files."""
    return {name: node for name, node in nodes.items() if not name.startswith("release/")}


def test_every_asset_is_described_owned_grouped_and_tagged(nodes: dict[str, Any]) -> None:
    for name, node in nodes.items():
        assert node.description and len(node.description.split()) >= 4, name
        assert node.owners, name
        assert node.kinds, name
        assert node.tags.get("layer"), name
        assert node.group_name and node.group_name != "default", name


def test_every_table_has_its_columns_with_descriptions(nodes: dict[str, Any]) -> None:
    for name, node in tables(nodes).items():
        schema = node.metadata["dagster/column_schema"]
        schema = getattr(schema, "value", schema)
        assert all(column.description for column in schema.columns), name
        contract = load_contracts().get(name)
        if contract is not None:
            assert [(column.name, column.type) for column in schema.columns] == [
                (column.name, column.type) for column in contract.columns
            ], name


def lineage_of(node: Any) -> dict[str, list[tuple[str, str]]]:
    """Column -> (asset, column) pairs it comes from."""
    found = node.metadata["dagster/column_lineage"]
    found = getattr(found, "value", found)
    return {
        column: [(dep.asset_key.to_user_string(), dep.column_name) for dep in deps]
        for column, deps in found.deps_by_column.items()
    }


def test_every_table_tells_where_its_columns_come_from(nodes: dict[str, Any]) -> None:
    for name, node in tables(nodes).items():
        if name.startswith("source/") or name == "seen_file":
            continue  # the first tables: their columns come from files
        if name in ("customer_id_history", "identity_event"):
            continue  # written by identity resolution, not by a SELECT
        if name == "funnel_reach":
            continue  # a count of rows, by names of the configuration
        lineage = lineage_of(node)
        assert any(lineage.values()), f"{name}: no column is traced"
        parents = {parent.to_user_string() for parent in node.parent_keys}
        for column, deps in lineage.items():
            for parent, source in deps:
                assert parent in nodes, f"{name}.{column} comes from {parent}, which is no asset"
                if name in load_models():
                    assert parent in parents, f"{name}.{column} comes from {parent}, which it does not depend on"
                known = load_contracts().get(parent.removeprefix("canonical/"))
                if known is not None:
                    assert source in known.column_names, f"{name}.{column} comes from {parent}.{source}"


def test_lineage_of_canonical_tables_is_traced_through_the_mappings(nodes: dict[str, Any]) -> None:
    lineage = lineage_of(nodes["canonical/touchpoint"])
    assert ("source/olist/order", "order_delivered_carrier_date") in lineage["occurred_at"], "out of a list of structs"
    assert ("source/canonical/touchpoint", "phone") in lineage["identifiers"]
    assert ("source/mailchimp/campaign", "send_time") in lineage["occurred_at"], "from a lookup"
    assert ("source/google_ads/campaign_stats", "cost_micros") in lineage_of(nodes["channel_cost"])["cost_amount"]


def test_lineage_is_traced_through_the_sql(nodes: dict[str, Any]) -> None:
    assert ("journey_step", "journey_id") in lineage_of(nodes["journey"])["journey_id"]
    assert ("spine", "occurred_at") in lineage_of(nodes["journey_step"])["occurred_at"]
    assert ("canonical/touchpoint", "occurred_at") in lineage_of(nodes["spine"])["occurred_at"]
    # From a published figure all the way back to the canonical table.
    reached = {("customer_360", "customer_id"), ("customer_360", "last_channel")}
    todo = list(reached)
    while todo:
        name, column = todo.pop()
        for parent in lineage_of(nodes[name]).get(column, []) if name in load_models() else []:
            if parent not in reached:
                reached.add(parent)
                todo.append(parent)
    assert any(name == "canonical/touchpoint" for name, _ in reached)


def test_every_check_of_a_contract_is_an_asset_check_and_those_that_fail_block(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    shown = {(key.asset_key.to_user_string(), key.name): graph.get(key).blocking for key in graph.asset_check_keys}
    for name in (
        *load_models(),
        "channel_cost",
        "identifier_link",
        "customer_id_history",
        "identity_event",
        "export_file",
        "quarantine",
        "reconciliation",
        "release",
    ):
        for check in load_contracts()[name].generated_checks():
            assert shown.pop((name, check.name)) == (check.severity == "fail"), f"{name}: {check.name}"
    assert shown == {}
    books = dg.AssetCheckKey(dg.AssetKey("reconciliation"), "rows_read_are_not_all_accounted_for")
    assert graph.get(books).blocking


def test_dependencies_are_those_of_the_sql(nodes: dict[str, Any]) -> None:
    for name, model in load_models().items():
        parents = {parent.to_user_string() for parent in nodes[name].parent_keys}
        assert set(model.inputs) <= parents, name
    assert {parent.to_user_string() for parent in nodes["release/switch"].parent_keys} == {
        "release/parquet",
        "release/report",
    }


def test_the_night_is_one_job_over_everything_in_one_process(
    definitions: dg.Definitions, nodes: dict[str, Any]
) -> None:
    job = definitions.resolve_job_def(JOB_NAME)
    assert job.executor_def.name == dg.in_process_executor.name
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == set(nodes)


def test_the_schedule_runs_at_two_in_the_configured_zone(definitions: dg.Definitions, tmp_path: Path) -> None:
    [schedule] = definitions.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Europe/Amsterdam")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == JOB_NAME
    config = write_lines(tmp_path / "touchpoint360.yaml", "schedule: {time_zone: Europe/Copenhagen}")
    configuration = load_configuration(config)
    own = build_definitions(configuration, configured_catalog(configuration, config), NightResource())
    [schedule] = own.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.execution_timezone == "Europe/Copenhagen"


def test_the_sensor_waits_until_it_is_switched_on_and_until_files_are_complete(tmp_path: Path) -> None:
    configuration = load_configuration(None)
    night = NightResource(exports=[str(tmp_path)], warehouse=str(tmp_path / "warehouse"), config="")
    own = build_definitions(configuration, configured_catalog(configuration, None), night)
    [sensor] = own.sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED

    def look(cursor: str | None) -> tuple[str | None, int]:
        with dg.DagsterInstance.ephemeral() as instance:
            seen = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor, definitions=own))
        return seen.cursor, len(seen.run_requests or ())

    write_lines(tmp_path / "orders.csv", "a")
    cursor, started = look(None)
    assert started == 0, "the file has only just been seen"
    cursor, started = look(cursor)
    assert started == 1
    assert look(cursor)[1] == 0, "once for the same files"


def test_freshness_is_asked_of_the_release(definitions: dg.Definitions) -> None:
    [asset] = [
        asset for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition) and asset.key == SWITCH
    ]
    [spec] = list(asset.specs)
    assert spec.freshness_policy is not None
    assert spec.freshness_policy.deadline_cron == "0 6 * * *"


def test_a_system_of_ones_own_is_an_asset_like_any_other(tmp_path: Path) -> None:
    config = write_desk(tmp_path)
    configuration = load_configuration(config)
    own = build_definitions(configuration, configured_catalog(configuration, config), NightResource())
    graph = own.resolve_asset_graph()
    node = graph.get(dg.AssetKey(["source", "desk", "visit"]))
    assert node.description == "Visits at the front desk, one row a visit. Feeds touchpoint."
    assert dg.AssetKey(["source", "desk", "visit"]) in graph.get(dg.AssetKey(["canonical", "touchpoint"])).parent_keys


def test_the_instance_keeps_quiet_and_its_state_out_of_the_checkout() -> None:
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    assert settings["telemetry"] == {"enabled": False}
    assert settings["concurrency"]["runs"] == {"max_concurrent_runs": 1}, "one night at a time"
    assert settings["run_retries"]["max_retries"] == 0
    text = (ROOT / "dagster.yaml").read_text(encoding="utf-8")
    assert text.count("env: TOUCHPOINT360_STATE") >= 3


def test_a_night_started_from_the_web_ui_is_the_night_of_the_command_line(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The web UI loads pipelines.definitions in the environment that `touchpoint360 ui` sets, and starts its job.
    write_touchpoints(tmp_path / "exports" / "new.csv", "n1,,chat,2026-02-01T10:00:00Z,dora@example.org,,,")
    for name, value in ui_environment([tmp_path / "exports"], warehouse, None).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TOUCHPOINT360_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    with few_sources("canonical"), dg.DagsterInstance.ephemeral() as instance:
        job = default_definitions().resolve_job_def(JOB_NAME)
        assert job.execute_in_process(instance=instance).success
    release = Warehouse(warehouse).require_current()
    assert release.release_id == "r000002"
    assert query(release, "select count(*) from touchpoint") == [(5,)]

# ruff: noqa: E501  (one mistake and its message a line)
"""The configuration: defaults, merging, mistakes with their hints, and the tables made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from models.catalogue import UNMAPPED, load_catalogue
from models.configuration import (
    ConfigurationError,
    configuration_tables,
    journey_id_offset,
    load_configuration,
)
from models.contract import load_contracts

NOW = datetime(2024, 6, 1)


def written(folder: Path, text: str) -> Path:
    path = folder / "touchpoint360.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_hold_and_name_the_journeys_of_the_design() -> None:
    configuration = load_configuration()
    assert set(configuration.journeys) == {
        "purchase", "service", "onboarding", "visit", "administrative", "contract", "campaign",
    }  # fmt: skip
    assert configuration.session.gap_minutes == 30
    assert configuration.session.channels == ["website", "webshop", "portal", "app"]
    assert configuration.release.keep == 7
    assert load_configuration(None) == configuration


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load_configuration(written(tmp_path, "# nothing yet\n")) == load_configuration()


def test_own_values_are_merged_and_named_entries_replaced(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
company: Voorbeeld
session: {gap_minutes: 45}
exchange_rates: {USD: 0.5}
source_folders: [own/systems]
privacy: {salt_file: salt.txt}
journeys:
  service: null
  visit: {label: v, family: visit, starts: any, includes: all, goals: [store_visit], gap_days: 0.5}
""",
    )
    configuration = load_configuration(path)
    assert configuration.company == "Voorbeeld"
    assert configuration.session.gap_minutes == 45
    assert configuration.session.channels == load_configuration().session.channels
    assert configuration.exchange_rates["USD"] == 0.5
    assert configuration.exchange_rates["DKK"] == 0.134
    assert configuration.source_folders == [tmp_path / "own" / "systems"]
    assert configuration.privacy.salt_file == tmp_path / "salt.txt"
    assert "service" not in configuration.journeys
    assert configuration.journeys["visit"].gap_days == 0.5
    assert configuration.journeys["visit"].excludes.resolve() == set()


def test_rates_of_another_base_currency_are_not_kept(tmp_path: Path) -> None:
    configuration = load_configuration(written(tmp_path, "base_currency: DKK\nexchange_rates: {EUR: 7.46}\n"))
    rates = configuration_tables(configuration, NOW)["exchange_rate"].to_pylist()
    assert rates == [{"currency": "DKK", "rate": 1.0}, {"currency": "EUR", "rate": 7.46}]


JOURNEY = (
    "journeys: {purchase: {label: x, family: purchase, starts: any, includes: all, goals: [order_placed], gap_days: 1}}"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sesion: {gap_minutes: 1}", "unknown key 'sesion'; did you mean 'session'?"),
        ("session: {gap_minute: 1}", "session: unknown key 'gap_minute'; did you mean 'gap_minutes'?"),
        ("session: {gap_minutes: 0}", "session.gap_minutes: Input should be greater than 0 (found 0)"),
        ("session: {channels: [websit]}", "session.channels: 'websit' is not a channel of the catalogue; did you mean 'website'?"),
        (JOURNEY.replace("order_placed", "order_plcd"), "journeys.purchase.goals: 'order_plcd' is not a touchpoint type; did you mean 'order_placed'?"),
        (JOURNEY.replace("gap_days: 1", "gap_days: 0"), "journeys.purchase.gap_days: Input should be greater than 0"),
        (JOURNEY.replace("starts: any", "starts: [page_vew]"), "did you mean 'page_view'?"),
        (JOURNEY.replace("starts: any", "starts: some"), "journeys.purchase.starts: Input should be 'any' (found 'some')"),
        (JOURNEY.replace("includes: all", "includes: {familys: [visit]}"), "includes: unknown key 'familys'; did you mean 'families'?"),
        (JOURNEY.replace("includes: all", "includes: {phases: [befor]}"), "'befor' is not a journey_phase of the catalogue; did you mean 'before'?"),
        (JOURNEY.replace("goals: [order_placed]", "goals: []"), "journeys.purchase.goals: List should have at least 1 item"),
        (JOURNEY.replace("purchase:", "Pur chase:", 1), "a name is lower-case letters"),
        ("journeys: {purchase: null}", "attribution.definition: 'purchase' is not a journey"),
        ("attribution: {models: [lineair]}", "attribution.models.0: Input should be"),
        ("funnels: {a: {mode: ordered, window_days: 1, steps: [page_view]}}", "funnels.a: steps: 2 to 8 that have to be taken; found 1"),
        ("funnels: {a: {mode: ordered, window_days: 0, steps: [page_view, chat]}}", "funnels.a.window_days: Input should be greater than 0"),
        ("funnels: {a: {mode: ordered, window_days: 1, steps: [page_view, page_view]}}", "listed twice"),
        ("funnels: {a: {mode: ordered, window_days: 1, steps: [page_view, chat], exclusions: [chat]}}", "both a step and an exclusion"),
        ("funnels: {a: {mode: strict, journey: serice, window_days: 1, steps: [page_view, chat]}}", "did you mean 'service'?"),
        ("exchange_rates: {usd: 1}", "'usd' is not a currency code"),
        ("exchange_rates: {USD: 0}", "the rate of USD is 0"),
        ("exchange_rates: {EUR: 2}", "EUR is the base currency"),
        ("schedule: {cron: '2 * *'}", "schedule.cron: '2 * *' has 3 fields"),
        ("schedule: {time_zone: Europe/Amsterdm}", "schedule.time_zone: 'Europe/Amsterdm' is not a time zone"),
        ("contact_rules: [{rule: failed_payment, wait_hours: -1, within_days: 1}]", "contact_rules.0.wait_hours"),
        ("release: {keep: 0}", "release.keep"),
        ("- a list", "holds a list"),
        ("a: [", "is not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert message in str(caught.value)
    assert "touchpoint360.yaml" in str(caught.value)


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(written(tmp_path, "session: {gap_minutes: 0}\nrelease: {keep: 0}\n"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_configuration(tmp_path / "no.yaml")


def test_tables_are_those_of_their_contracts() -> None:
    tables = configuration_tables(load_configuration(), NOW)
    contracts = load_contracts()
    assert set(tables) == {name for name, contract in contracts.items() if contract.kind == "configuration"}
    for name, table in tables.items():
        schema = contracts[name].arrow_schema()
        assert table.schema.names == schema.names, name
        assert table.schema.types == schema.types, name
        # Whom to believe first has no default: no system is better than another everywhere.
        assert table.num_rows > 0 or name == "source_priority", name
    assert tables["setting"].to_pylist()[0]["data_date_at"] == NOW


def test_an_aware_data_date_becomes_utc() -> None:
    aware = datetime(2024, 6, 1, tzinfo=UTC)
    assert configuration_tables(load_configuration(), aware)["setting"].to_pylist()[0]["data_date_at"] == NOW


def test_goals_and_starts_are_included_and_nothing_unmapped_is() -> None:
    for name, journey in load_configuration().journeys.items():
        types = journey.types()
        assert set(journey.goals) | set(journey.exits) <= set(types), name
        assert UNMAPPED not in types
        assert any(role.is_start for role in types.values())
        assert list(types) == [known for known in load_catalogue() if known in types]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("gap_days: 0", "journeys.service.gap_days: Input should be greater than 0 (found 0)"),
        ("goals: [ticket_resolvd]", "'ticket_resolvd' is not a touchpoint type; did you mean 'ticket_resolved'"),
        ("exits: [contract_ended]", "'contract_ended' is not a touchpoint type; did you mean"),
        ("exits: [ticket_resolved]", "'ticket_resolved' is both a goal and an exit"),
        ("phases: [befor]", "'befor' is not a journey_phase of the catalogue; did you mean 'before'"),
        ("phases: [during]", "no touchpoint type of the journey is of phase 'during'"),
        ("phases: [any]", "name before, during or after"),
        ("starts: []", "starts is empty, so no journey would ever begin"),
        ("starts: [contract_terminated]\nexits: [contract_terminated]", "every start is an exit too"),
        ("exit: [contract_terminated]", "unknown key 'exit'; did you mean 'exits'"),
    ],
)
def test_a_wrong_journey_is_told_with_the_nearest_valid_name(tmp_path: Path, entry: str, message: str) -> None:
    definition = {
        "label": "To a solution", "family": "service", "starts": ["ticket_opened"], "includes": {"types": ["chat"]},
        "goals": ["ticket_resolved"], "gap_days": 14, **yaml.safe_load(entry),
    }  # fmt: skip
    path = written(tmp_path, yaml.safe_dump({"journeys": {"service": definition}}))
    with pytest.raises(ConfigurationError) as error:
        load_configuration(path)
    assert message in str(error.value)
    assert "journeys.service" in str(error.value)


def test_phases_of_a_journey_are_those_named_or_those_its_types_have() -> None:
    tables = configuration_tables(load_configuration(), NOW)
    phases = {row["journey_definition"]: row["journey_phases"] for row in tables["journey_definition"].to_pylist()}
    assert phases["purchase"] == "before > during"
    assert phases["onboarding"] == "after"
    # Not named in the defaults: those of its types.
    assert phases["visit"] == "before > during"


def test_optional_steps_of_a_funnel_are_counted_and_not_required(tmp_path: Path) -> None:
    funnel = "{mode: ordered, window_days: 1, steps: [page_view, '[site_search]', cart_updated, order_placed]}"
    path = written(tmp_path, f"funnels:\n  shop: {funnel}\n")
    tables = configuration_tables(load_configuration(path), NOW)
    steps = [row["touchpoint_type"] for row in tables["funnel_definition"].to_pylist() if row["funnel"] == "shop"]
    assert steps == ["page_view", "cart_updated", "order_placed"]
    roles = [row for row in tables["funnel_touchpoint_type"].to_pylist() if row["funnel"] == "shop"]
    assert [row["step_number"] for row in roles if row["funnel_role"] == "optional"] == [1]
    for wrong, message in (
        ("['[page_view]', cart_updated, order_placed]", "cannot be optional"),
        (
            "[page_view, '[site_serch]', cart_updated]",
            "'site_serch' is not a touchpoint type; did you mean 'site_search'",
        ),
    ):
        with pytest.raises(ConfigurationError, match=r"funnels\.shop") as error:
            load_configuration(
                written(tmp_path, f"funnels:\n  shop: {{mode: ordered, window_days: 1, steps: {wrong}}}\n")
            )
        assert message in str(error.value)


def test_offsets_leave_room_for_a_touchpoint_id() -> None:
    offsets = [journey_id_offset(name) for name in load_configuration().journeys]
    assert len(set(offsets)) == len(offsets)
    # Both below 2^62, so the sum is a BIGINT.
    assert all(0 <= offset < 2**62 for offset in offsets)
    assert journey_id_offset("purchase") == journey_id_offset("purchase")


def test_strict_funnel_looks_at_what_may_not_stand_between(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
funnels:
  a: {mode: strict, window_days: 1, steps: [page_view, chat], exclusions: [complaint]}
  b: {mode: strict, window_days: 1, steps: [page_view, chat], journey: administrative}
""",
    )
    rows = configuration_tables(load_configuration(path), NOW)["funnel_touchpoint_type"].to_pylist()
    roles = {
        name: {row["touchpoint_type_code"]: row["funnel_role"] for row in rows if row["funnel"] == name}
        for name in "ab"
    }
    catalogue = load_catalogue()
    assert len(roles["a"]) == len(catalogue)
    assert roles["a"][catalogue["complaint"].code] == "exclusion"
    assert roles["a"][catalogue["email_sent"].code] == "between"
    assert roles["b"][catalogue["invoice_sent"].code] == "between"
    assert catalogue["email_sent"].code not in roles["b"]
    assert roles["b"][catalogue["chat"].code] == "step"

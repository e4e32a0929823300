"""What every spec and mapping of these systems must hold to, whatever its data."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from models.catalogue import load_catalogue
from models.contract import load_contracts
from sources.spec import ExportSpec, SourceCatalog, load_catalog
from sources.typed import lookup_columns, mapping_query, typed_select
from sources.web import offer_web, offer_web_functions

ROOT = Path(__file__).parents[3]
OWN = (
    "activecampaign",
    "amazon_connect",
    "amplitude",
    "asterisk",
    "brevo",
    "case_log",
    "drupal",
    "dynamics365",
    "exact",
    "flamingo",
    "ga4",
    "google_ads",
    "gravity_forms",
    "hubspot",
    "intercom",
    "klaviyo",
    "mailchimp",
    "marketo",
    "matomo",
    "meta_ads",
    "netsuite",
    "ocel",
    "odoo",
    "olist",
    "olist_funnel",
    "posthog",
    "qualtrics",
    "salesforce",
    "sap",
    "segment",
    "shopify",
    "snowplow",
    "social",
    "square",
    "surveymonkey",
    "twilio",
    "typeform",
    "wabo",
    "woocommerce",
    "wordpress",
    "xes",
    "zendesk",
)
CATALOG = load_catalog()
SPECS = [spec for spec in CATALOG.exports.values() if spec.system in OWN]
MAPPED = [spec for spec in SPECS if spec.feeds != "lookup"]


def export_row(con: duckdb.DuckDBPyConnection, spec: ExportSpec) -> None:
    """Empty relations of the right shape: a mapping must run on a file that has none of the optional columns."""
    parsed = (
        "(select 1 as _row, 1 as _line, null as _raw, null as _problem, null as _decimal, null as _time_zone, "
        "'f' as file_id)"
    )
    con.execute(f"create table export_row as {typed_select(spec, parsed, [])} limit 0").fetchall()
    for lookup in spec.lookups:
        other = CATALOG.exports[f"{spec.system}.{lookup}"]
        columns = ", ".join(f'"{name}" {kind}' for name, kind in lookup_columns(other))
        con.execute(f"create table lookup_{lookup} ({columns})").fetchall()


@pytest.mark.parametrize("spec", MAPPED, ids=lambda spec: spec.name)
def test_mapping_runs_without_the_optional_columns_and_returns_only_what_the_contract_knows(spec: ExportSpec) -> None:
    with duckdb.connect() as con:
        offer_web_functions(con.execute)
        export_row(con, spec)
        offer_web(con, spec)
        names = [column[0] for column in con.execute(mapping_query(spec)).description or []]
    known = set(load_contracts()[spec.feeds].column_names) | {"row_id", "part", "score_min", "score_max"}
    assert set(names) <= known
    assert "row_id" in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("spec", MAPPED, ids=lambda spec: spec.name)
def test_mapping_names_only_touchpoint_types_of_the_catalogue(spec: ExportSpec) -> None:
    if spec.feeds != "touchpoint":
        return
    words = {word.strip("'") for word in spec.mapping_sql.replace(",", " ").split() if word.startswith("'")}
    types = words & set(load_catalogue())
    assert types, "no type of the catalogue in this mapping"
    # An older spelling would silently become unmapped.
    nearly = {word for word in words if word.endswith(("_placed", "_sent", "_opened", "_received"))} - set(
        load_catalogue()
    )
    assert not nearly


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_lookup_columns_have_one_name_on_both_sides(spec: ExportSpec, catalog: SourceCatalog) -> None:
    # A changed lookup row finds the rows to map again by this column, in both exports.
    for lookup, column in spec.lookups.items():
        assert column in spec.declared_columns
        assert column in catalog.exports[f"{spec.system}.{lookup}"].declared_columns


@pytest.mark.parametrize("system", OWN)
def test_system_has_a_page_that_names_each_export_and_rule(system: str) -> None:
    page = (ROOT / "docs" / "sources" / f"{system}.md").read_text(encoding="utf-8")
    for spec in SPECS:
        if spec.system == system:
            assert f"`{spec.name}`" in page
            for rule in spec.skip:
                assert f"`{rule.rule}`" in page, f"{spec.name}: rule {rule.rule} is not explained"

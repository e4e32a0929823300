"""The catalogue of sources in words, and the schema that editors use."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from sources.catalogue_text import WIDTH, catalogue_rows, catalogue_text, export_text, find_exports
from sources.spec import SpecError, load_catalog, spec_schema

ROOT = Path(__file__).parents[3]
CATALOG = load_catalog()


def test_the_list_names_every_export_and_fits_a_page() -> None:
    lines = catalogue_text(CATALOG).splitlines()
    assert max(map(len, lines)) <= WIDTH
    listed = {(line.split()[0]) for line in lines if line.startswith("  ")}
    assert listed == {spec.export for spec in CATALOG.exports.values()}
    assert len(catalogue_rows(CATALOG)) == len(CATALOG.exports)


@pytest.mark.parametrize("name", sorted(CATALOG.exports))
def test_an_export_is_explained(name: str) -> None:
    spec = CATALOG.exports[name]
    text = export_text(spec)
    assert text.startswith(name)
    assert f"feeds           {spec.feeds}" in text
    for rule in spec.skip:
        assert (rule.rule or "by rule") in text


def test_a_system_stands_for_its_exports_and_a_wrong_name_gets_the_nearest() -> None:
    assert {spec.name for spec in find_exports(CATALOG, "twilio")} == {"twilio.call", "twilio.message"}
    with pytest.raises(SpecError, match="did you mean 'zendesk'"):
        find_exports(CATALOG, "zendsk")


def test_the_published_schema_is_current_and_every_shipped_spec_follows_it() -> None:
    published = json.loads((ROOT / "docs" / "spec.schema.json").read_text(encoding="utf-8"))
    assert published == spec_schema(), "write it anew: touchpoint360 sources --schema > docs/spec.schema.json"
    validator = jsonschema.Draft202012Validator(published)
    for spec in CATALOG.exports.values():
        content = yaml.safe_load(spec.path.read_text(encoding="utf-8"))
        content["columns"] = {k: v or {} for k, v in (content.get("columns") or {}).items()}
        assert [error.message for error in validator.iter_errors(content)] == [], spec.name


def test_the_schema_finds_a_wrong_key() -> None:
    spec = CATALOG.exports["olist.order"]
    content = yaml.safe_load(spec.path.read_text(encoding="utf-8")) | {"feds": "touchpoint"}
    assert [error.message for error in jsonschema.Draft202012Validator(spec_schema()).iter_errors(content)]

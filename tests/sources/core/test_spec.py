"""Specs are read strictly and complain helpfully."""

from __future__ import annotations

import pytest

from sources.spec import SpecError, load_catalog, load_spec
from sources.typed import lookup_columns, mapping_query
from tests.sources.core.helpers import make_spec


def write(folder, text, name="visit", sql="select row_id from export_row"):
    system = folder / "shop"
    system.mkdir(exist_ok=True)
    path = system / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    if sql is not None:
        path.with_suffix(".sql").write_text(sql, encoding="utf-8")
    return path


GOOD = """\
description: Visits.
feeds: touchpoint
recognise:
  columns: [id, at]
read:
  format: csv
key: [id]
columns:
  at: {type: timestamp}
"""


def test_the_repository_s_own_specs_are_right():
    catalog = load_catalog()
    assert list(catalog.exports) == sorted(catalog.exports)
    assert {"access_log.request", "canonical.touchpoint"} <= set(catalog.exports)
    for spec in catalog.exports.values():
        if spec.feeds != "lookup":
            assert mapping_query(spec)


@pytest.mark.parametrize(
    ("wrong", "right", "line", "says"),
    [
        ("recognize:", "recognise:", 3, "did you mean recognise?"),
        ("feeds: touchpoints", "feeds: touchpoint", 2, "did you mean touchpoint?"),
        ("  format: ods", "  format: csv", 6, "'ods'"),
        ("  format: csv\n  delimeter: ;", "  format: csv", 7, "did you mean delimiter?"),
        ("  at: {type: timestamp, time_zone: Europe/Amsterdm}", "  at: {type: timestamp}", 9, "Europe/Amsterdam"),
        ("  at: {type: datetime}", "  at: {type: timestamp}", 9, "'datetime'"),
        ("  row_id: {type: text}", "  at: {type: timestamp}", None, "taken"),
        ("  format: csv\n  header_rows: 0\n  columns: [id, at]", "  format: csv", None, "give content or path"),
    ],
)
def test_a_wrong_key_names_file_line_and_the_nearest_right_one(tmp_path, wrong, right, line, says):
    path = write(tmp_path, GOOD.replace(right, wrong))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    message = str(caught.value)
    assert says in message
    assert str(path) in message
    if line:
        assert f"line {line}:" in message


def test_text_that_is_no_yaml_names_the_line(tmp_path):
    path = write(tmp_path, "description: x\nread: [csv\nfeeds: y\n")
    with pytest.raises(SpecError, match=r"line \d+: not YAML"):
        load_spec(path)


def test_a_missing_mapping_and_one_too_many_are_told(tmp_path):
    with pytest.raises(SpecError, match=r"visit\.sql is not beside it"):
        load_spec(write(tmp_path, GOOD, sql=None))
    with pytest.raises(SpecError, match="not mapped"):
        load_spec(write(tmp_path, GOOD.replace("touchpoint", "lookup")))


def test_two_exports_of_one_name_are_refused(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        write(folder, GOOD)
    assert "shop.visit" in load_catalog([one]).exports
    with pytest.raises(SpecError, match=r"shop\.visit is already defined"):
        load_catalog([one, two])


def test_a_lookup_must_exist_with_the_column(tmp_path):
    write(tmp_path, GOOD + "lookups: {item: visit_id}\n")
    with pytest.raises(SpecError, match="no such export"):
        load_catalog([tmp_path])
    write(tmp_path, GOOD.replace("touchpoint", "lookup"), name="item", sql=None)
    with pytest.raises(SpecError, match="not a declared column"):
        load_catalog([tmp_path])
    write(tmp_path, GOOD + "lookups: {item: id}\n")
    catalog = load_catalog([tmp_path])
    assert lookup_columns(catalog.exports["shop.item"]) == [("at", "TIMESTAMP"), ("id", "VARCHAR")]


def test_hashes_follow_what_they_stand_for(tmp_path):
    plain = load_spec(write(tmp_path, GOOD))
    typed = load_spec(write(tmp_path, GOOD.replace("timestamp", "date")))
    assert (plain.read_hash, len(plain.read_hash)) == (typed.read_hash, 8)
    assert plain.spec_hash != typed.spec_hash
    other = load_spec(write(tmp_path, GOOD.replace("format: csv", "format: csv\n  delimiter: ;")))
    assert other.read_hash != plain.read_hash
    mapped = load_spec(write(tmp_path, GOOD, sql="select row_id, 1 as amount from export_row"))
    assert mapped.spec_hash != plain.spec_hash
    assert mapped.read_hash == plain.read_hash
    (tmp_path / "shop" / "system.yaml").write_text("time_zone: Europe/Amsterdam\n", encoding="utf-8")
    assert load_spec(write(tmp_path, GOOD)).spec_hash != plain.spec_hash


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select 1 as x from export_row", "must return row_id"),
        ("select row_id from export_row; select 2", "one SELECT"),
        ("create table x as select row_id from export_row", "one SELECT"),
        ("select row_id from (", "visit.sql"),
    ],
)
def test_a_mapping_is_one_select_with_row_id(tmp_path, sql, says):
    spec = make_spec(tmp_path, {"format": "csv"}, sql=sql)
    with pytest.raises(SpecError) as caught:
        mapping_query(spec)
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)

"""The report on one file: right counts, no personal values, no traceback."""

from __future__ import annotations

import json

import pytest

from sources.inspect import inspect_file, main
from sources.spec import SourceCatalog
from tests.sources.core.helpers import make_spec

SQL = """select row_id, case when n > 1 then 'order_placed' else 'page_view' end as touchpoint_type,
    "at" as occurred_at,
    [{'type': 'email', 'value': mail}, {'type': 'phone', 'value': null}] as identifiers
from export_row left join lookup_kind using (kind)"""
CONTENT = (
    "id,at,mail,n,kind,more\n1,2026-01-01 10:00,a@example.org,1,x,\n2,2026-01-02 10:00,b@example.org,2,x,\n"
    "2,2026-01-02 10:00,b@example.org,2,x,\n3,2026-01-03 10:00,b@example.org,two,x,\n4,b@example.org,,1,x,\n5\n"
    "6,2026-01-02 10:00,b@example.org,0,x,\n"
)


@pytest.fixture
def catalog(tmp_path):
    kind = make_spec(tmp_path, {"format": "csv"}, "kind", feeds="lookup", recognise={"columns": ["kind", "label"]})
    visit = make_spec(
        tmp_path,
        {"format": "csv"},
        "visit",
        SQL,
        recognise={"columns": ["id", "at", "mail"]},
        key=["id"],
        lookups={"kind": "kind"},
        skip=[{"rule": "none", "when": "n = 0", "because": "Nothing happened."}],
        columns={
            "at": {"type": "timestamp"},
            "n": {"type": "integer", "optional": True},
            "kind": {},
            "gone": {"type": "date"},
        },
    )
    return SourceCatalog({spec.name: spec for spec in (kind, visit)})


def test_a_recognised_file(tmp_path, catalog):
    path = tmp_path / "a.csv"
    path.write_text(CONTENT)
    report = inspect_file(path, catalog)
    (reading,) = report.readings
    assert report.is_usable
    assert (reading.export, reading.row_count, reading.quarantined_count, reading.skipped) == (
        "shop.visit", 7, 2, {"none": 1},
    )  # fmt: skip
    assert (reading.duplicate_count, reading.nulled_value_count, reading.mapped) == (1, 1, 3)
    assert reading.touchpoint_types == {"page_view": 2, "order_placed": 1}
    assert reading.identifiers == {"email": 2}
    assert (reading.time_from, reading.time_through) == ("2026-01-01T10:00:00", "2026-01-03T10:00:00")
    assert (reading.undeclared_columns, reading.absent_columns) == (("more",), ("gone",))
    assert [(item.row, item.line, item.column, item.value) for item in reading.examples] == [
        (5, 6, "at", "b…@…"), (6, 7, None, None),
    ]  # fmt: skip
    text = report.to_text()
    assert "order_placed 1" in text and "example.org" not in text
    assert max(map(len, text.splitlines()[1:])) <= 120
    assert json.loads(json.dumps(report.to_json()))["readings"][0]["identifiers"] == {"email": 2}


def test_a_mapping_that_does_not_fit_is_told_with_its_file(tmp_path, catalog):
    path = tmp_path / "a.csv"
    path.write_text(CONTENT)
    sql = "select row_id, nme from export_row"
    bad = make_spec(tmp_path, {"format": "csv"}, "bad", sql, recognise={"columns": ["id", "at"]})
    report = inspect_file(path, SourceCatalog({bad.name: bad}))
    assert not report.is_usable
    assert "bad.sql" in report.readings[0].error and "nme" in report.readings[0].error


def test_other_files_tell_why(tmp_path, catalog):
    path = tmp_path / "a.csv"
    path.write_text("id,at\n1,2\n")
    report = inspect_file(path, catalog)
    assert not report.is_usable
    assert "missing       mail" in report.to_text()
    assert inspect_file(tmp_path, catalog).to_json()["status"] == "unreadable"


def test_the_command(tmp_path, catalog, capsys):
    files = tmp_path / "files"
    files.mkdir()
    (files / "good.csv").write_text(CONTENT)
    assert main([str(files), "--sources", str(tmp_path)]) == 0
    assert "shop.visit" in capsys.readouterr().out
    (files / "other.bin").write_bytes(bytes(100))
    assert main([str(files), "--sources", str(tmp_path), "--json"]) == 1
    assert [item["status"] for item in json.loads(capsys.readouterr().out)] == ["recognised", "empty"]
    (tmp_path / "shop" / "visit.yaml").write_text("feeds: nothing\n")
    assert main([str(files), "--sources", str(tmp_path)]) == 2
    assert "visit.yaml" in capsys.readouterr().err

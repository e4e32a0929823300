"""Typing: casting rules, identity, content, local times, problems and skip rules."""

from __future__ import annotations

import json
from datetime import date, datetime

import duckdb
import pytest

from sources.typed import typed_select
from tests.sources.core.helpers import make_spec, read_rows, type_rows

CSV = {"format": "csv", "delimiter": "|", "quote": ""}


def typed_values(tmp_path, column, values, **read):
    """The typed value of each text in a column `v`, with what is wrong with it."""
    path = tmp_path / "a.csv"
    path.write_text("id|v\n" + "".join(f"{n}|{value}\n" for n, value in enumerate(values)), encoding="utf-8")
    spec = make_spec(tmp_path, {**CSV, **read}, columns={"v": column})
    return [(row["v"], row["problem"] and row["problem"]["reason"]) for row in type_rows(path, spec)]


WRONG = object()


@pytest.mark.parametrize(
    ("column", "read", "cases"),
    [
        (
            {"type": "integer"},
            {},
            {"7": 7, "-7": -7, "+7": 7, "12.0": 12, "9007199254740993": 9007199254740993, "": None}
            | dict.fromkeys(["1.5", "1e3", "1_000", "0x1", "x", "1,000", "99999999999999999999", "٣"], WRONG),
        ),
        (
            {"type": "decimal"},
            {},
            {"1.5": 1.5, "-.5": -0.5, "1e3": 1000.0, "2.": 2.0}
            | dict.fromkeys(["1,5", "nan", "inf", "1_0", "€1"], WRONG),
        ),
        (
            {"type": "decimal", "strip": ["€", "kr."]},
            {"decimal": ",", "thousands": "."},
            {"€ 1.234,50": 1234.5, "1234,5": 1234.5, "-€5": -5.0, "kr. 7": 7.0, "1.234": 1234.0}
            | dict.fromkeys(["1.23", "12.34,5", "1,234.5", "1.2345"], WRONG),
        ),
        (
            {"type": "decimal"},
            {"decimal": ",", "thousands": " "},
            {"1 234,5": 1234.5, "1\u00a0234": 1234.0, "1 23": WRONG},
        ),
        (
            {"type": "boolean"},
            {},
            {"true": True, "JA": True, "1": True, "nej": False, "Nee": False, "f": False, "0": False, "maybe": WRONG},
        ),
        ({"type": "boolean", "true_words": ["x"], "false_words": ["-"]}, {}, {"X": True, "-": False, "true": WRONG}),
        (
            {"type": "date"},
            {},
            {"2026-03-04": date(2026, 3, 4), "2026-03-04 00:00:00": date(2026, 3, 4)}
            | dict.fromkeys(["03/04/2026", "2026-3-4", "2026-02-30", "2026-03-04 10:00"], WRONG),
        ),
        ({"type": "date", "format": "%d.%m.%Y"}, {}, {"04.03.2026": date(2026, 3, 4), "2026-03-04": WRONG}),
        (
            {"type": "timestamp"},
            {},
            {
                "2026-03-04T10:00:00Z": datetime(2026, 3, 4, 10),
                "2026-03-04 10:00:00 UTC": datetime(2026, 3, 4, 10),
                "2026-03-04 10:00:00+02:00": datetime(2026, 3, 4, 8),
                "2026-03-04T10:00:00.250-0330": datetime(2026, 3, 4, 13, 30, 0, 250_000),
                "2026-03-04 10:00:00 +0100": datetime(2026, 3, 4, 9),
                "2026-03-04T10:00": datetime(2026, 3, 4, 10),
                "2026-03-04 10:00:00,5": datetime(2026, 3, 4, 10, 0, 0, 500_000),
                "2026-03-04": datetime(2026, 3, 4),
            }
            | dict.fromkeys(
                ["03/04/2026", "2026-3-4", "infinity", "epoch", "2026-03-04 25:00", "2026-02-30 10:00", "10:00"], WRONG
            ),
        ),
        (
            {"type": "timestamp", "format": ["%d-%m-%Y %H:%M", "%d/%b/%Y:%H:%M:%S %z"]},
            {},
            {
                "04-03-2026 10:00": datetime(2026, 3, 4, 10),
                "04/Mar/2026:10:00:00 +0200": datetime(2026, 3, 4, 8),
                "2026-03-04": WRONG,
            },
        ),
        (
            {"type": "timestamp", "format": ["epoch"]},
            {},
            {
                "1772618400": datetime(2026, 3, 4, 10),
                "1772618400.5": datetime(2026, 3, 4, 10, 0, 0, 500_000),
                "x": WRONG,
            },
        ),
        ({"type": "timestamp", "format": "epoch_ms"}, {}, {"1772618400250": datetime(2026, 3, 4, 10, 0, 0, 250_000)}),
        ({"type": "json"}, {}, {'{"a":1}': '{"a":1}', "{a": WRONG}),
        ({"type": "text", "empty": ["--"]}, {"empty": "n/a"}, {"--": None, "n/a": None, " x ": "x", "-": "-"}),
    ],
)
def test_casting(tmp_path, column, read, cases):
    found = typed_values(tmp_path, column, cases, **read)
    for (text, want), (value, reason) in zip(cases.items(), found, strict=True):
        if want is WRONG:
            assert value is None and reason and reason.startswith("not a"), text
        else:
            assert (value, reason) == (want, None), text


@pytest.mark.parametrize(
    ("zone", "local", "utc", "kind"),
    [
        ("Europe/Amsterdam", "2024-07-01 12:00:00", datetime(2024, 7, 1, 10), None),
        # Clocks go back at 03:00: the first occurrence, daylight saving.
        ("Europe/Amsterdam", "2024-10-27 01:59:59", datetime(2024, 10, 26, 23, 59, 59), None),
        ("Europe/Amsterdam", "2024-10-27 02:00:00", datetime(2024, 10, 27, 0), "ambiguous"),
        ("Europe/Amsterdam", "2024-10-27 02:59:59", datetime(2024, 10, 27, 0, 59, 59), "ambiguous"),
        ("Europe/Amsterdam", "2024-10-27 03:00:00", datetime(2024, 10, 27, 2), None),
        # Clocks go forward at 02:00: moved forward by the gap.
        ("Europe/Amsterdam", "2024-03-31 01:59:59", datetime(2024, 3, 31, 0, 59, 59), None),
        ("Europe/Amsterdam", "2024-03-31 02:30:00", datetime(2024, 3, 31, 1, 30), "impossible"),
        ("Europe/Amsterdam", "2024-03-31 03:00:00", datetime(2024, 3, 31, 1), None),
        # A half-hour change, the southern half of the year, a change at midnight, and a zone without any.
        ("Australia/Lord_Howe", "2024-04-07 01:45:00", datetime(2024, 4, 6, 14, 45), "ambiguous"),
        ("Australia/Lord_Howe", "2024-10-06 02:15:00", datetime(2024, 10, 5, 15, 45), "impossible"),
        ("America/Sao_Paulo", "2018-11-04 00:30:00", datetime(2018, 11, 4, 3, 30), "impossible"),
        ("America/Sao_Paulo", "2018-02-17 23:30:00", datetime(2018, 2, 18, 1, 30), "ambiguous"),
        ("Asia/Kolkata", "2024-10-27 02:30:00", datetime(2024, 10, 26, 21), None),
        # An offset leaves nothing to resolve.
        ("Europe/Amsterdam", "2024-10-27 02:30:00+01:00", datetime(2024, 10, 27, 1, 30), None),
    ],
)
def test_local_times_that_clock_changes_make_ambiguous_or_impossible(tmp_path, zone, local, utc, kind):
    path = tmp_path / "a.csv"
    path.write_text(f"id|v\n1|{local}\n")
    spec = make_spec(tmp_path, {**CSV, "time_zone": zone}, columns={"v": {"type": "timestamp"}})
    row = type_rows(path, spec)[0]
    assert row["v"] == utc
    assert row["ambiguous_time_count"] == (kind == "ambiguous")
    assert row["impossible_time_count"] == (kind == "impossible")


def test_a_column_s_zone_goes_before_the_file_s(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id|v|w\n1|2024-07-01 12:00:00|2024-07-01 12:00:00\n")
    columns = {"v": {"type": "timestamp"}, "w": {"type": "timestamp", "time_zone": "UTC"}}
    row = type_rows(path, make_spec(tmp_path, {**CSV, "time_zone": "Europe/Copenhagen"}, columns=columns))[0]
    assert (row["v"].hour, row["w"].hour) == (10, 12)
    assert (row["time_from"].hour, row["time_through"].hour) == (10, 12)


def test_problems_name_column_value_and_what_to_do(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "id|at|n|note\n1|2026-01-01|1|x\n|2026-01-01|1|x\n3||1|x\n4|yesterday|1|x\n5|2026-01-01|one|x\n6|x\n"
    )
    spec = make_spec(
        tmp_path,
        CSV,
        key=["id"],
        columns={"at": {"type": "timestamp", "required": True}, "n": {"type": "integer", "optional": True}},
    )
    rows = type_rows(path, spec)
    told = [row["problem"] and tuple(row["problem"][name] for name in ("column", "value", "reason")) for row in rows]
    assert told == [
        None,
        ("id", None, "empty key"),
        ("at", None, "required and empty"),
        ("at", "yesterday", "not a timestamp (ISO 8601)"),
        None,
        (None, None, "wrong number of fields: 2, the header has 4"),
    ]
    assert [row["nulled_value_count"] for row in rows] == [0, 0, 0, 0, 1, 0]
    assert json.loads(rows[3]["raw"]) == {"id": "4", "at": "yesterday", "n": "1", "note": "x"}
    assert (rows[5]["raw"], rows[0]["raw"]) == ("6|x", None)
    assert all(row["problem"]["advice"] for row in rows if row["problem"])


def test_a_skip_rule_goes_before_other_problems_and_may_name_an_absent_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id|at\nTotal|\n1|2026-01-01\n\n2|\n3\n")
    spec = make_spec(
        tmp_path,
        CSV,
        key=["id"],
        columns={"at": {"type": "date", "required": True}},
        skip=[
            {"rule": "total", "when": "id = 'Total'", "because": "A line of totals."},
            {"rule": "test", "when": "is_test = 'yes'", "because": "Staff try things."},
        ],
    )
    rows = type_rows(path, spec)
    assert [row["skip_rule"] for row in rows] == ["total", None, None, None]
    assert [row["problem"] is not None for row in rows] == [False, False, True, True]


def test_identity_is_the_key_whatever_else_the_row_says(tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("id|name\n1|Ann\n2|Bo\n1|Ann\n")
    two.write_text("extra|name|id\n|Ann|1\nx|Bo|2\n|Cy|1\n")
    spec = make_spec(tmp_path, CSV, key=["id"])
    first, second = type_rows(one, spec), type_rows(two, spec)
    assert [row["row_id"] for row in first] == [row["row_id"] for row in second[:2]] + [first[0]["row_id"]]
    assert second[2]["row_id"] == first[0]["row_id"]
    # Column order and columns that are empty are no content.
    assert first[0]["content_hash"] == first[2]["content_hash"] == second[0]["content_hash"]
    assert first[1]["content_hash"] != second[1]["content_hash"]
    other = make_spec(tmp_path, CSV, "call", key=["id"])
    assert type_rows(one, other)[0]["row_id"] != first[0]["row_id"]


def test_without_a_key_identical_rows_are_one_or_by_declaration_several(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id|name\n1|Ann\n2|Bo\n1|Ann\n1|Ann\n")
    once = type_rows(path, make_spec(tmp_path, CSV))
    assert len({row["row_id"] for row in once}) == 2
    spec = make_spec(tmp_path, CSV, "hit", repeats=True)
    several = type_rows(path, spec)
    assert len({row["row_id"] for row in several}) == 4
    # The second file holds the first one's rows again: the same events, and one more.
    longer = tmp_path / "b.csv"
    longer.write_text("id|name\n1|Ann\n1|Ann\n2|Bo\n1|Ann\n1|Ann\n")
    again = {row["row_id"] for row in type_rows(longer, spec)}
    assert {row["row_id"] for row in several} < again
    assert len(again) == 5


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("integer", ["-9223372036854775808", "-10", "-9", "0", "9", "10", "9223372036854775807"]),
        ("decimal", ["-1000.5", "-2", "-0.5", "0", "0.25", "3", "20"]),
        ("timestamp", ["2025-12-31T23:00:00Z", "2026-01-01T00:30:00+01:00", "2026-01-01T00:00:00.5Z"]),
        ("date", ["2025-12-31", "2026-01-01"]),
        ("boolean", ["no", "yes"]),
        ("text", ["1", "2", "a"]),
    ],
)
def test_version_keys_sort_as_their_values(tmp_path, kind, values):
    path = tmp_path / "a.csv"
    path.write_text("id|v\nx|\n" + "".join(f"x|{value}\n" for value in values))
    spec = make_spec(tmp_path, CSV, key=["id"], version="v", columns={"v": {"type": kind}})
    keys = [row["version_key"] for row in type_rows(path, spec)]
    assert keys[0] == ""
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_columns_that_a_file_lacks_are_there_with_their_types(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n")
    spec = make_spec(tmp_path, CSV, columns={"at": {"type": "timestamp"}, "n": {"type": "integer"}})
    result, _ = read_rows(path, spec)
    con = duckdb.connect(":memory:")
    con.execute(f"create view p as select 'f' as file_id, * from read_parquet('{path}.parsed.parquet')")
    types = {row[0]: row[1] for row in con.execute(f"describe {typed_select(spec, 'p', result.columns)}").fetchall()}
    assert (types["at"], types["n"], types["id"]) == ("TIMESTAMP", "BIGINT", "VARCHAR")
    assert types["problem"] == 'STRUCT("column" VARCHAR, "value" VARCHAR, reason VARCHAR, advice VARCHAR)'
    assert (types["row_id"], types["content_hash"], types["version_key"]) == ("BIGINT", "BIGINT", "VARCHAR")
    assert (types["row_number"], types["time_from"], types["nulled_value_count"]) == ("INTEGER", "TIMESTAMP", "INTEGER")

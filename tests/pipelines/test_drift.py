"""A known export that changes: the night says so per file, goes on where it can, quarantines where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

from tests.pipelines.companies import write_lines
from tests.pipelines.nights import query, quick_night

SPEC = """\
description: Visits to a front desk.
feeds: touchpoint
recognise: {columns: [visit_no, arrived]}
read: {format: csv}
key: [visit_no]
columns:
  arrived: {type: timestamp, required: true}
  visitor_mail: {type: email}
  minutes: {type: integer, optional: true}
  fee: {type: decimal}
  kind: {values: [visit, call]}
  outcome: {values: [helped, "Sent on"]}
"""
# A kind that is not known is no touchpoint type either; an outcome that is not known gives nothing.
SELECT = """\
select row_id, case kind when 'visit' then 'reception' when 'call' then 'call_inbound' else kind end as touchpoint_type,
  arrived as occurred_at, fee as amount, duration.seconds as duration_seconds,
  [{'type': 'email', 'value': visitor_mail}] as identifiers
from export_row, lateral (select minutes * 60 as seconds) as duration
where lower(outcome) in ('helped', 'sent on')
"""
KNOWN = """\
visit_no,arrived,visitor_mail,minutes,fee,kind,outcome
1,2026-03-02T10:00:00Z,a@example.org,5,1.50,visit,helped
2,2026-03-02T11:00:00Z,b@example.org,6,2.50,call,SENT ON"""
# The mail is renamed, the floor is new, minutes are texts now, one fee has a comma, a kind and an outcome are new.
CHANGED = """\
visit_no;arrived;visitor_e_mail;minutes;fee;kind;outcome;floor
3;2026-03-03T10:00:00Z;a@example.org;five;1.50;seance;helped;1
4;2026-03-03T11:00:00Z;b@example.org;six;2,50;visit;helped;1
5;2026-03-03T12:00:00Z;b@example.org;seven;2.50;visit;ghosted;2
6;2026-03-03T13:00:00Z;b@example.org;;2.50;visit;helped;2"""
# Without the time nothing is a touchpoint.
TIMELESS = "visit_no,arrived,visitor_mail\n7,,c@example.org"


def test_a_changed_export_is_told_per_file_and_what_can_be_used_is(tmp_path: Path) -> None:
    own = tmp_path / "own" / "desk"
    write_lines(own / "visit.yaml", SPEC)
    write_lines(own / "visit.sql", SELECT)
    config = write_lines(tmp_path / "touchpoint360.yaml", "source_folders: [own]")
    exports = tmp_path / "exports"
    for name, text in (("known.csv", KNOWN), ("changed.csv", CHANGED), ("timeless.csv", TIMELESS)):
        write_lines(exports / name, text)
    release = quick_night([exports], tmp_path / "warehouse", config, systems=("desk",))

    sure = dict(query(release, "select path, recognition_confidence from export_file"))
    # 7, 6 and 3 of the 7 columns that the spec knows.
    assert sure == {"known.csv": 1.0, "changed.csv": 0.93, "timeless.csv": 0.71}
    files = {
        row[0]: row[1:] for row in query(release, "select path, message, drift, delimiter, encoding from export_file")
    }
    message, drift, *_ = files["known.csv"]
    assert drift is None and "values" not in message
    message, drift, delimiter, encoding = files["changed.csv"]
    assert (delimiter, encoding) == (";", "utf-8")
    for said in (
        "missing: visitor_mail",
        "new columns: visitor_e_mail, floor",
        "perhaps renamed: visitor_mail to visitor_e_mail",
        "values of another type: minutes (3 of 3), fee (1 of 4)",
        "unknown values: kind seance (1), outcome ghosted (1)",
        "words not in the catalogue: seance (1)",
    ):
        assert said in message
    found = json.loads(drift)
    assert found["missing_optional"] == ["visitor_mail"]
    assert found["renamed_candidates"] == [["visitor_mail", "visitor_e_mail"]]
    assert [(item["column"], item["count"], item["share"]) for item in found["retyped"]] == [
        ("minutes", 3, 1.0),
        ("fee", 1, 0.25),
    ]
    assert [(item["column"], item["value"]) for item in found["unknown_value"]] == [
        ("kind", "seance"),
        ("outcome", "ghosted"),
    ]

    assert query(release, "select touchpoint_type, raw_type, amount from touchpoint order by occurred_at") == [
        ("reception", None, 1.5),
        ("call_inbound", None, 2.5),
        ("unmapped", "seance", 1.5),
        ("reception", None, 2.5),
    ]
    assert query(release, "select row_number, column_name, value from quarantine order by row_number, value") == [
        (1, "arrived", None),
        (2, "fee", "2,50"),
        (3, "outcome", "ghosted"),
    ]
    assert query(release, "select count(*) from reconciliation where difference_count <> 0") == [(0,)]
    assert query(
        release, "select sum(touchpoint_count) from touchpoint_inventory where touchpoint_type = 'unmapped'"
    ) == [(1,)]

"""Small inputs for nights: canonical touchpoint files and a company with a system of its own.

People are invented; addresses are in reserved domains.
"""

from __future__ import annotations

from pathlib import Path

TOUCHPOINT_HEADER = "id,updated_at,touchpoint_type,occurred_at,email,customer_number,amount,currency"

# Anna looks and orders, Bram has a question that nobody answers, Cees has only just looked.
FIRST_ROWS = (
    "a1,,page_view,2026-01-05T10:00:00Z,anna@example.org,,,",
    "a2,,order_placed,2026-01-06T11:00:00Z,anna@example.org,10001,20.50,EUR",
    "b1,,ticket_opened,2026-01-08T09:00:00Z,bram@example.org,10002,,",
    "c1,,page_view,2026-01-20T09:00:00Z,cees@example.org,,,",
)

DESK_HEADER = "visit_no;visitor_mail;arrived;changed;state"

DESK_SPEC = """\
description: Visits at the front desk, one row a visit.
feeds: touchpoint
recognise:
  columns: [visit_no, visitor_mail, arrived, changed, state]
read:
  format: csv
  delimiter: ";"
key: [visit_no]
version: changed
skip:
  - {rule: cancelled, when: "state = 'cancelled'", because: "A cancelled visit did not take place."}
columns:
  arrived: {type: timestamp, required: true}
  changed: {type: timestamp}
"""

DESK_SELECT = """\
-- desk.visit: one touchpoint a visit.
select
  row_id,
  'reception' as touchpoint_type,
  arrived as occurred_at,
  [{'type': 'email', 'value': visitor_mail}] as identifiers
from export_row
"""


def write_lines(path: Path, *lines: str) -> Path:
    """A UTF-8 file of lines; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_touchpoints(path: Path, *rows: str) -> Path:
    """A canonical touchpoint file with rows in the order of TOUCHPOINT_HEADER."""
    return write_lines(path, TOUCHPOINT_HEADER, *rows)


def write_desk(folder: Path, select: str = DESK_SELECT, configuration: str = "") -> Path:
    """A company with a front desk as a system of its own, outside the repository; returns its configuration file."""
    write_lines(
        folder / "own" / "desk" / "system.yaml", "label: Front desk", "kind: desk", "time_zone: Europe/Copenhagen"
    )
    write_lines(folder / "own" / "desk" / "visit.yaml", DESK_SPEC)
    write_lines(folder / "own" / "desk" / "visit.sql", select)
    return write_lines(folder / "touchpoint360.yaml", "source_folders: [own]", configuration)

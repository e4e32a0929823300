"""The review file: pairs that are alike enough for a person to look at, as a CSV to fill in and feed back.

Belongs here: writing the file, and adding to it what came since. Does not belong here: reading what was decided
(`pipelines/night/decisions.py`).
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import duckdb

from pipelines.night.decisions import csv_delimiter
from pipelines.warehouse import Warehouse

COLUMNS = (
    "left", "right", "decision", "match_weight", "why", "left_name", "right_name", "left_birth_date", "right_birth_date",
    "left_address", "right_address", "left_identifiers", "right_identifiers",
)  # fmt: skip
QUERY = """
    with pair as (
        select left_type || ':' || left_value as left_name_of, right_type || ':' || right_value as right_name_of,
            l.customer_id as left_id, r.customer_id as right_id, e.match_weight, e.reason
        from identity_event as e
        join customer_identifier as l on l.identifier_type = e.left_type and l.identifier_value = e.left_value and l.is_link
        join customer_identifier as r on r.identifier_type = e.right_type and r.identifier_value = e.right_value and r.is_link
        where e.identity_event = 'review'
    ),
    known as (
        select customer_id, string_agg(identifier_type || ':' || identifier_value, ' '
            order by identifier_type, identifier_value) filter (where is_link) as identifiers
        from customer_identifier
        where customer_id in (select left_id from pair union select right_id from pair)
        group by customer_id
    ),
    told as (
        select k.customer_id, k.identifiers, c.full_name, cast(c.birth_date as varchar) as birth_date,
            trim(concat_ws(' ', c.street, c.house_number, c.postal_code, c.city)) as address
        from known as k left join customer as c on c.customer_id = k.customer_id
    )
    select p.left_name_of, p.right_name_of, '' as decision, round(p.match_weight, 1), p.reason, l.full_name, r.full_name,
        l.birth_date, r.birth_date, l.address, r.address, l.identifiers, r.identifiers
    from pair as p
    join told as l on l.customer_id = p.left_id
    join told as r on r.customer_id = p.right_id
    order by p.match_weight desc, p.left_name_of, p.right_name_of
"""


class ReviewError(ValueError):
    """A review file that cannot be written; the text says why and what to do."""


def review_rows(warehouse: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """Pairs of the review band of the current release, likeliest first, with what a person needs to decide."""
    release = Warehouse(warehouse.absolute()).require_current()
    with duckdb.connect(str(release.data_file), read_only=True) as con:
        try:
            found = con.execute(QUERY + (f" limit {limit}" if limit is not None else "")).fetchall()
        except duckdb.CatalogException as error:
            raise ReviewError(
                f"release {release.release_id} was made by an earlier version, which kept no review band. Run a night first."
            ) from error
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def write_review(rows: list[dict[str, Any]], path: Path) -> tuple[int, int]:
    """Write the file for its owner alone (it names people), or add to one the pairs that it does not have yet.

    What stands in the file stays as it is, decided or not, with its columns, delimiter and order. Returns how many pairs were
    added, and how many lines it had. Raises ReviewError.
    """
    try:
        before = path.read_bytes() if path.exists() else b""
        text = before.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReviewError(
            f"{path}: not UTF-8 at byte {error.start}. Name another file, or save this one as UTF-8."
        ) from None
    except OSError as error:
        raise ReviewError(f"{path} cannot be read ({error.strerror}).") from None
    delimiter = csv_delimiter(text)
    try:
        lines = [
            line for line in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in line)
        ]
    except csv.Error as error:
        raise ReviewError(f"{path} is not CSV ({error}). Name another file.") from None
    header = [cell.strip().lower() for cell in lines[0]] if lines else list(COLUMNS)
    missing = [name for name in COLUMNS[:3] if name not in header]
    if missing:
        raise ReviewError(
            f"{path} is there already and is no file of decisions: its header lacks {', '.join(missing)}. Name another file."
        )
    ends = [header.index(name) for name in COLUMNS[:2]]
    known = {frozenset(line[place].strip() for place in ends) for line in lines[1:] if len(line) > max(ends)}
    new = [row for row in rows if frozenset((row["left"], row["right"])) not in known]
    added = io.StringIO(newline="")
    writer = csv.writer(added, delimiter=delimiter)
    if not lines:
        writer.writerow(header)
    writer.writerows([harmless(row[name]) if name in COLUMNS else "" for name in header] for row in new)
    if new or not lines:
        gap = b"\r\n" if lines and not before.endswith(b"\n") else b""
        replace_file(path, before + gap + added.getvalue().encode())
    return len(new), max(len(lines) - 1, 0)


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, with an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def replace_file(path: Path, content: bytes) -> None:
    """Put a whole new file in the place of the old one, readable by its owner alone; raises ReviewError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ReviewError(f"{path} cannot be written ({error.strerror}).") from None

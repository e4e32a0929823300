"""The review file: pairs that are alike enough for a person to look at, as a CSV to fill in and feed back.

Belongs here: writing the file. Does not belong here: reading what was decided (`pipelines/night/decisions.py`).
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import duckdb

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


def write_review(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the file for its owner alone (it names people); an existing one is kept, for it may be filled in.

    Raises ReviewError.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ReviewError(
            f"{path} is there already, and may hold decisions. Name another file; lines that are decided can be moved over."
        ) from None
    except OSError as error:
        raise ReviewError(f"{path} cannot be written ({error.strerror}).") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)

"""Step 6 of a night: the canonical delta of all exports, and the canonical tables that need no customer.

Belongs here: what is new, changed and removed in `touchpoint`, `party_record`, `channel_cost` and `identifier_link`.
Does not belong here: how a row was mapped (`ingest.py`), whose it is (`identity.py`).
"""

from __future__ import annotations

from models.contract import load_contracts
from pipelines.night.build import comment_table
from pipelines.night.ingest import canonical_columns
from pipelines.night.session import Session, quoted


def collect_with_customer(session: Session, table: str) -> tuple[int, int]:
    """Settle tonight's delta of `touchpoint` or `party_record`; returns rows new or changed, and rows removed.

    The published rows that their source no longer gives are noted in `scratch.main.<table>_removed` (id, customer_id) and
    deleted; the new ones wait in `scratch.ingest.<table>_new` for their customer.
    """
    ensure_table(session, table)
    key = load_contracts()[table].key[0]
    session.run(
        f"""
        create or replace table scratch.main.{table}_removed as
        select {key} as record_id, customer_id from work.main.{table}
        where source_row_id in (select source_row_id from scratch.ingest.removed_row where feeds = '{table}')
        """
    )
    session.run(f"delete from work.main.{table} where {key} in (select record_id from scratch.main.{table}_removed)")
    new = int(session.value(f"select count(*) from scratch.ingest.{table}_new") or 0)
    removed = int(
        session.value(
            f"select count(*) from scratch.main.{table}_removed "
            f"where record_id not in (select {key} from scratch.ingest.{table}_new)"
        )
        or 0
    )
    return new, removed


def collect_published(session: Session, table: str) -> tuple[int, int]:
    """Bring `channel_cost` or `identifier_link` up to date; returns rows new or changed, and rows removed.

    For links the removed rows are kept in `scratch.main.identifier_link_removed` too: their evidence has to go.
    """
    ensure_table(session, table)
    key = load_contracts()[table].key[0]
    gone = f"source_row_id in (select source_row_id from scratch.ingest.removed_row where feeds = '{table}')"
    session.run(
        f"create or replace table scratch.main.{table}_removed as "
        f"select {key} as record_id from work.main.{table} where {gone}"
    )
    session.run(f"delete from work.main.{table} where {gone}")
    columns = ", ".join(quoted(name) for name, _ in canonical_columns(load_contracts()[table]))
    session.run(f"insert into work.main.{table} by name select {columns} from scratch.ingest.{table}_new")
    new = int(session.value(f"select count(*) from scratch.ingest.{table}_new") or 0)
    removed = int(session.value(f"select count(*) from scratch.main.{table}_removed") or 0)
    return new, removed


def ensure_table(session: Session, table: str) -> None:
    """Create an empty published table from its contract when it is not there, and describe it as the contract does today."""
    contract = load_contracts()[table]
    if not session.exists("work", table):
        session.run(f"create table work.main.{table} ({contract.ddl()})")
    comment_table(session, contract, f"work.main.{table}")

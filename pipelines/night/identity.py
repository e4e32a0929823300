"""Step 7 of a night: resolve customers, and say which customers are affected.

Belongs here: the order of the parts, whose records move, the scope relations that per-customer models read. Does not belong
here: the evidence (`evidence.py`), what follows from it (`resolution.py`, and its rules in `models/identity.py`), shared devices
(`device.py`), what became of earlier ids (`id_history.py`).
"""

from __future__ import annotations

import datetime as dt

from models.configuration import Configuration
from models.contract import load_contracts
from pipelines.night.decisions import prepare_decisions, take_decisions, unmet_decisions
from pipelines.night.device import LESSER, RANK, assign_records, attribute_sessions, prepare_devices
from pipelines.night.evidence import collect_evidence, prepare_evidence
from pipelines.night.id_history import TABLE as HISTORY
from pipelines.night.id_history import note_changes, prepare_history
from pipelines.night.ingest import canonical_columns
from pipelines.night.likeness import EVIDENCE_TEXT, join_alike, prepare_likeness
from pipelines.night.resolution import prepare_resolution, resolve_customers
from pipelines.night.session import Session, quoted
from sources.spec import SourceCatalog


def prepare_identity(session: Session) -> None:
    """Create the tables of a new warehouse."""
    prepare_evidence(session)
    prepare_decisions(session)
    prepare_resolution(session)
    prepare_likeness(session)
    prepare_devices(session)
    prepare_history(session)


def resolve_night(
    session: Session,
    configuration: Configuration,
    catalog: SourceCatalog,
    secret: bytes,
    release_id: str,
    data_date: dt.datetime,
) -> tuple[int, list[str]]:
    """Bring identities up to date; returns the number of customers, and warnings about what was left out.

    Fills `scratch.main.changed_code` (identifiers whose customer or guard changed) and `scratch.main.moved_record`.
    """
    warnings = collect_evidence(session, configuration, catalog)
    warnings += take_decisions(session, configuration)
    resolve_customers(session, configuration, secret)
    warnings += join_alike(session, configuration)
    warnings += unmet_decisions(session, configuration)
    session.run(
        """
        create or replace table scratch.main.changed_code as
        select coalesce(n.identifier_code, o.identifier_code) as identifier_code,
            o.customer_id as old_customer_id, n.customer_id as new_customer_id
        from (
            select a.* from state.main.identifier_customer as a
            semi join scratch.main.reached_code as r on r.identifier_code = a.identifier_code
        ) as n
        full join scratch.main.old_assignment as o on o.identifier_code = n.identifier_code
        where (n.customer_id, n.is_guarded) is distinct from (o.customer_id, o.is_guarded)
        """
    )
    note_changes(session, release_id, data_date)
    attribute_sessions(session, configuration)
    return int(session.value(f"select count(*) from work.main.{HISTORY} where valid_to is null") or 0), warnings


def mark_affected(session: Session, before: dt.datetime | None, now: dt.datetime) -> int | None:
    """Fill `affected_customer` and the scope tables; returns how many customers are affected.

    Affected are customers with new, changed or removed records, of identifiers that changed hands and of those they occur
    with, of records that a shared device gave to somebody else, with touchpoints or party records that the data date now
    reaches, and with an open journey that time has closed. `before` and `now` are the data dates of the last release and of
    tonight.
    """
    journeys = (
        f"union select customer_id from work.main.journey where status = 'open' and open_until_at < timestamp '{now}'"
        if session.exists("work", "journey")
        else ""
    )
    reached = (
        f"union select customer_id from work.main.touchpoint where occurred_at > timestamp '{before}' "
        f"and occurred_at <= timestamp '{now}' "
        f"union select customer_id from work.main.party_record where valid_from > timestamp '{before}' "
        f"and valid_from <= timestamp '{now}'"
        if before is not None
        else ""
    )
    # A record may follow another of its identifiers when one changes hands.
    neighbours = (
        """
        union select a.customer_id from state.main.identifier_customer as a semi join (
            select p.right_code as identifier_code from state.main.identifier_pair as p
                semi join scratch.main.changed_code as c on c.identifier_code = p.left_code
            union select p.left_code from state.main.identifier_pair as p
                semi join scratch.main.changed_code as c on c.identifier_code = p.right_code
        ) as n on n.identifier_code = a.identifier_code
        """
        if before is not None
        else ""
    )
    everybody = "union select customer_id from work.main.customer" if before is not None and now < before else ""
    session.run(
        f"""
        create or replace table scratch.main.affected_before as
        select customer_id from (
            select old_customer_id as customer_id from scratch.main.changed_code
            union select new_customer_id from scratch.main.changed_code
            union select customer_id from scratch.main.touchpoint_removed
            union select customer_id from scratch.main.party_record_removed
            union select a.customer_id from state.main.identifier_customer as a
                join scratch.main.touched_code as t using (identifier_code)
            union select a.customer_id from state.main.identifier_customer as a
                join scratch.main.decided_code as d using (identifier_code)
            union select a.customer_id from state.main.identifier_customer as a
                join scratch.main.changed_link_cluster as l using (cluster_id)
            union select customer_id from scratch.main.moved_record
            union select customer_id from work.main.touchpoint
                where touchpoint_id in (select record_id from scratch.main.moved_record)
            {neighbours}
            {journeys}
            {reached}
            {everybody}
        ) where customer_id is not null
        """
    )
    for table in ("touchpoint", "party_record"):
        gather_scope(session, table)
    session.run(
        """
        create or replace table scratch.main.scope_record as
        select touchpoint_id as record_id from scratch.ingest.touchpoint_new
        union all select party_record_id from scratch.ingest.party_record_new
        """
    )
    assign_records(session, "scratch.main.scope_record", "scratch.main.record_customer")
    session.run(
        """
        create or replace table scratch.main.affected_customer as
        select customer_id from scratch.main.affected_before
        union
        select customer_id from scratch.main.record_customer
        """
    )
    for table in ("touchpoint", "party_record"):
        key = load_contracts()[table].key[0]
        session.run(
            f"create or replace view scratch.main.{table}_scope as select n.* exclude (problem), c.customer_id "
            f"from scratch.ingest.{table}_new as n "
            f"left join scratch.main.record_customer as c on c.record_id = n.{key}"
        )
    session.run(
        """
        create or replace view scratch.main.identifier_evidence as
        select c.customer_id, i.identifier_type, i.identifier_value, r.source_system,
            min(r.seen_at) as first_seen_at, max(r.seen_at) as last_seen_at, count(*) as record_count,
            bool_and(not a.is_guarded and a.customer_id = c.customer_id) as is_link
        from scratch.main.record_customer as c
        join state.main.identifier_record as r on r.record_id = c.record_id
        join state.main.identifier as i on i.identifier_code = r.identifier_code
        join state.main.identifier_customer as a on a.identifier_code = r.identifier_code
        group by c.customer_id, i.identifier_type, i.identifier_value, r.source_system
        """
    )
    session.run(
        f"""
        create or replace view scratch.main.identity_link_evidence as
        with member as (
            select a.customer_id, a.identifier_code, i.identifier_type, i.identifier_value
            from state.main.identifier_customer as a
            semi join scratch.main.affected_customer as c on c.customer_id = a.customer_id
            join state.main.identifier as i on i.identifier_code = a.identifier_code
            where not a.is_guarded
        ),
        -- a cluster shows itself by its strongest identifier
        face as (
            select a.cluster_id, m.customer_id, m.identifier_type, m.identifier_value
            from member as m
            join state.main.identifier_customer as a on a.identifier_code = m.identifier_code
            join state.main.identifier as i on i.identifier_code = m.identifier_code
            join scratch.main.type_rule as s on s.identifier_type = m.identifier_type
            qualify row_number() over (partition by a.cluster_id order by {RANK}) = 1
        ),
        -- records with one identifier join nothing, and are most of them
        several as (
            select r.record_id, r.identifier_code, r.is_link, r.seen_at, r.source_system, m.customer_id,
                m.identifier_type, m.identifier_value
            from state.main.identifier_record as r join member as m on m.identifier_code = r.identifier_code
            qualify count(*) over (partition by r.record_id) > 1
        ),
        joined as (
            select l.customer_id, l.identifier_type as left_type, l.identifier_value as left_value,
                r.identifier_type as right_type, r.identifier_value as right_value,
                case when l.is_link then 'system_link' else 'record' end as link_rule, l.source_system,
                min(l.seen_at) as first_seen_at, max(l.seen_at) as last_seen_at, count(*) as record_count
            from several as l
            join several as r on r.record_id = l.record_id and r.customer_id = l.customer_id
                and (l.identifier_type, l.identifier_value) < (r.identifier_type, r.identifier_value)
            group by all
        ),
        told as (
            select left_code, right_code, 'digest' as link_rule from state.main.identifier_digest
            union all select left_code, right_code, 'decision' from state.main.decision where decision = 'same'
        )
        select *, cast(null as double) as match_weight, cast(null as varchar) as reason from joined
        union all by name
        select l.customer_id, {LESSER}, t.link_rule, 0 as record_count
        from told as t
        join member as l on l.identifier_code = t.left_code
        join member as r on r.identifier_code = t.right_code and r.customer_id = l.customer_id
        union all by name
        select l.customer_id, {LESSER}, 'likeness' as link_rule, 0 as record_count, k.match_weight,
            {EVIDENCE_TEXT} as reason
        from state.main.cluster_link as k
        join face as l on l.cluster_id = k.cluster_a
        join face as r on r.cluster_id = k.cluster_b and r.customer_id = l.customer_id
        where k.status = 'link'
        """
    )
    return int(session.value("select count(*) from scratch.main.affected_customer") or 0)


def gather_scope(session: Session, table: str) -> None:
    """Move the published rows of affected customers that stay as they are next to tonight's new ones."""
    key = load_contracts()[table].key[0]
    columns = ", ".join(quoted(name) for name, _ in canonical_columns(load_contracts()[table]))
    session.run(
        f"""
        insert into scratch.ingest.{table}_new by name
        select {columns} from work.main.{table}
        where customer_id in (select customer_id from scratch.main.affected_before)
        """
    )
    session.run(f"delete from work.main.{table} where {key} in (select {key} from scratch.ingest.{table}_new)")

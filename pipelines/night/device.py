"""Whose a record is, and whose a session on a shared device is.

Belongs here: the customer of each record by its identifiers, and of records that name nothing but a shared device. Does not
belong here: when a device counts as shared (`models/identity.py`, `resolution.py`), and the sessions that are published
(`sql/session/session.sql`).
"""

from __future__ import annotations

from models.configuration import Configuration
from pipelines.night.session import Session

MICROSECONDS_PER_MINUTE = 60_000_000
# Strongest identifier first; of two equally strong ones always the same.
RANK = "(cast(s.strength as hugeint) << 62) + i.identifier_key"

# The ends l and r of a pair in the order of type and value, whatever their codes.
IN_ORDER = "(l.identifier_type, l.identifier_value) <= (r.identifier_type, r.identifier_value)"
LESSER = ", ".join(
    f"case when {IN_ORDER} then {first}.identifier_{part} else {second}.identifier_{part} end as {side}_{part}"
    for side, first, second in (("left", "l", "r"), ("right", "r", "l"))
    for part in ("type", "value")
)


def prepare_devices(session: Session) -> None:
    """Create the table of a new warehouse: records that a session on a shared device gives to a customer."""
    session.run(
        "create table if not exists state.main.session_customer "
        "(record_id bigint, identifier_code integer, customer_id bigint)"
    )


def attribute_sessions(session: Session, configuration: Configuration) -> None:
    """Bring `state.session_customer` up to date; fills `scratch.main.moved_record` (record_id, customer_id) with its changes.

    A shared device joins nobody, but who uses it is known while somebody is logged in. Within a session of the device (pauses
    up to the configured gap), a record that names nobody belongs to whoever was named last before it, else to whoever is named
    first after it. A session in which nobody is named stays with the device itself.

    Looked at are the devices that tonight touched, and those that occur with an identifier that changed hands.
    """
    gap = round(configuration.session.gap_minutes * MICROSECONDS_PER_MINUTE)
    session.run(
        """
        create or replace table scratch.main.device_code as
        with shared as (
            select a.identifier_code, true as is_shared
            from state.main.identifier_customer as a
            join state.main.identifier as i on i.identifier_code = a.identifier_code
            where a.is_device and a.is_guarded and not i.is_blocked
        ),
        device as (
            select identifier_code, bool_or(is_shared) as is_shared from (
                from shared union all select distinct identifier_code, false from state.main.session_customer
            ) group by identifier_code
        ),
        near as (
            select p.left_code as identifier_code, p.right_code as other_code from state.main.identifier_pair as p
                semi join device as d on d.identifier_code = p.left_code
            union all
            select p.right_code, p.left_code from state.main.identifier_pair as p
                semi join device as d on d.identifier_code = p.right_code
        ),
        reached as (
            select identifier_code from scratch.main.touched_code
            union all select identifier_code from scratch.main.changed_code
            union all select n.identifier_code from near as n
                semi join scratch.main.changed_code as c on c.identifier_code = n.other_code
        )
        select d.identifier_code, d.is_shared from device as d
        semi join reached as r on r.identifier_code = d.identifier_code
        """
    )
    session.run(
        f"""
        create or replace table scratch.main.new_session_customer as
        with mine as (
            select r.record_id, r.identifier_code, r.seen_at
            from state.main.identifier_record as r
            join scratch.main.device_code as d on d.identifier_code = r.identifier_code and d.is_shared
            where r.is_timed and r.seen_at is not null
        ),
        named as (
            select r.record_id, arg_min(a.customer_id, {RANK}) as customer_id
            from state.main.identifier_record as r
            semi join mine as m on m.record_id = r.record_id
            join state.main.identifier_customer as a on a.identifier_code = r.identifier_code and not a.is_guarded
            join state.main.identifier as i on i.identifier_code = r.identifier_code
            join scratch.main.type_rule as s on s.identifier_type = i.identifier_type
            group by r.record_id
        ),
        paused as (
            select m.record_id, m.identifier_code, m.seen_at, n.customer_id,
                coalesce(
                    date_diff('microsecond', lag(m.seen_at) over device_run, m.seen_at) > {gap}, true) as is_opening
            from mine as m left join named as n on n.record_id = m.record_id
            window device_run as (partition by m.identifier_code order by m.seen_at, m.record_id)
        ),
        numbered as (
            select record_id, identifier_code, seen_at, customer_id,
                sum(case when is_opening then 1 else 0 end) over (
                    partition by identifier_code order by seen_at, record_id rows unbounded preceding) as session_number
            from paused
        ),
        attributed as (
            select record_id, identifier_code, customer_id as own_customer_id,
                coalesce(
                    last_value(customer_id ignore nulls) over (
                        partition by identifier_code, session_number order by seen_at, record_id
                        rows between unbounded preceding and current row),
                    first_value(customer_id ignore nulls) over (
                        partition by identifier_code, session_number order by seen_at, record_id
                        rows between current row and unbounded following)
                ) as customer_id
            from numbered
        )
        select record_id, identifier_code, customer_id from attributed
        where own_customer_id is null and customer_id is not null
        """
    )
    session.run(
        """
        create or replace table scratch.main.session_change as
        select distinct record_id from (
            select n.record_id from scratch.main.new_session_customer as n
            anti join state.main.session_customer as o on o.record_id = n.record_id
                and o.identifier_code = n.identifier_code and o.customer_id = n.customer_id
            union all
            select o.record_id from state.main.session_customer as o
            semi join scratch.main.device_code as d on d.identifier_code = o.identifier_code
            anti join scratch.main.new_session_customer as n on n.record_id = o.record_id
                and n.identifier_code = o.identifier_code and n.customer_id = o.customer_id
        )
        """
    )
    session.run(
        "delete from state.main.session_customer "
        "where identifier_code in (select identifier_code from scratch.main.device_code)"
    )
    session.run("insert into state.main.session_customer select * from scratch.main.new_session_customer")
    assign_records(session, "scratch.main.session_change", "scratch.main.moved_record")


def assign_records(session: Session, records: str, target: str) -> None:
    """Make `target` (record_id, customer_id) of every record of `records` that has a customer.

    A record belongs to the customer of its strongest identifier that may link; one that has none of those to whom its session
    on a shared device names; else to its strongest guarded identifier, which is a customer of its own.
    """
    session.run(
        f"""
        create or replace table {target} as
        with evidence as (
            select r.record_id, a.customer_id, a.is_guarded, {RANK} as rank
            from state.main.identifier_record as r
            semi join {records} as n on n.record_id = r.record_id
            join state.main.identifier_customer as a on a.identifier_code = r.identifier_code
            join state.main.identifier as i on i.identifier_code = r.identifier_code
            join scratch.main.type_rule as s on s.identifier_type = i.identifier_type
        ),
        by_identifier as (
            select record_id,
                arg_min(customer_id, rank) filter (where not is_guarded) as linked_customer_id,
                arg_min(customer_id, rank) filter (where is_guarded) as guarded_customer_id
            from evidence group by record_id
        ),
        by_session as (
            select c.record_id, arg_min(c.customer_id, {RANK}) as session_customer_id
            from state.main.session_customer as c
            semi join {records} as n on n.record_id = c.record_id
            join state.main.identifier as i on i.identifier_code = c.identifier_code
            join scratch.main.type_rule as s on s.identifier_type = i.identifier_type
            group by c.record_id
        )
        select b.record_id, coalesce(linked_customer_id, session_customer_id, guarded_customer_id) as customer_id
        from by_identifier as b left join by_session as s on s.record_id = b.record_id
        """
    )

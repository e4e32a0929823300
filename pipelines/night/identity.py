"""Step 7 of a night: keep the identifier evidence, resolve customers, and say which customers are affected.

Belongs here: the evidence tables in `state` (`identifier`, `identifier_record`, `identifier_pair`, `identifier_customer`),
the scope relations that per-customer models read. Does not belong here: the rules of resolution (`models/identity.py`).

Evidence is kept as integers: `identifier_record` (which record showed which identifier, when) and `identifier_pair`
(how many records show two identifiers together). A night changes only what its records touch; the components are
recomputed from the distinct pairs, which costs a second per five million.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa

from models.configuration import Configuration
from models.contract import load_contracts
from models.identity import TypeRule, resolve
from models.normalise import normalise_identifiers, type_rule
from pipelines.night.ingest import canonical_columns
from pipelines.night.session import Session, quoted
from sources.spec import SourceCatalog


def prepare_identity(session: Session) -> None:
    """Create the evidence tables of a new warehouse."""
    session.run(
        "create table if not exists state.main.identifier (identifier_code integer, identifier_type varchar, "
        "identifier_value varchar, is_blocked boolean, first_seen_at timestamp, first_record_id bigint)"
    )
    session.run(
        "create table if not exists state.main.identifier_record (record_id bigint, identifier_code integer, "
        "seen_at timestamp, source_system varchar)"
    )
    session.run(
        "create table if not exists state.main.identifier_pair (left_code integer, right_code integer, "
        "record_count integer)"
    )
    session.run(
        "create table if not exists state.main.identifier_customer (identifier_code integer, customer_id bigint, "
        "is_guarded boolean, guard_reason varchar)"
    )


def collect_evidence(session: Session, configuration: Configuration, catalog: SourceCatalog) -> None:
    """Bring identifiers, records and pairs up to date with tonight's delta; fills `scratch.main.touched_code`."""
    session.run(
        """
        create or replace table scratch.main.removed_record as
        select record_id from scratch.main.touchpoint_removed
        union all select record_id from scratch.main.party_record_removed
        union all select record_id from scratch.main.identifier_link_removed
        """
    )
    countries = [
        (spec.system, spec.export, spec.country or configuration.default_country) for spec in catalog.exports.values()
    ]
    session.store(
        "scratch.main.export_country",
        pa.table(
            {
                "source_system": pa.array([row[0] for row in countries], pa.string()),
                "source_export": pa.array([row[1] for row in countries], pa.string()),
                "country": pa.array([row[2] for row in countries], pa.string()),
            }
        ),
    )
    session.run(
        """
        create or replace table scratch.main.evidence as
        with record as (
            select touchpoint_id as record_id, occurred_at as seen_at, source_system, source_export, identifiers,
                cast(null as varchar) as country
            from scratch.ingest.touchpoint_new where identifiers is not null
            union all
            select party_record_id, valid_from, source_system, source_export, identifiers,
                -- a phone number without country code is read in the country of the address beside it
                case when regexp_full_match(country, '[A-Za-z]{2}') then upper(country) end
            from scratch.ingest.party_record_new where identifiers is not null
            union all
            select identifier_link_id, linked_at, source_system, source_export,
                [{'type': left_type, 'value': left_value}, {'type': right_type, 'value': right_value}], null
            from scratch.ingest.identifier_link_new
        ),
        item as (
            select record_id, seen_at, source_system, source_export, country, unnest(identifiers) as identifier
            from record
        )
        select i.record_id, i.seen_at, i.source_system,
            i.identifier."type" as identifier_type, i.identifier."value" as raw_value,
            -- only phone numbers read differently by country; for all else one distinct value is one value
            case when i.identifier."type" = 'phone' then coalesce(i.country, c.country) end as country
        from item as i
        left join scratch.main.export_country as c using (source_system, source_export)
        """
    )
    distinct = session.arrow("select distinct identifier_type, raw_value, country from scratch.main.evidence")
    normal = normalise_identifiers(
        distinct, configuration.identity.blocked_values, configuration.identity.role_mailboxes
    )
    session.store("scratch.main.normal_identifier", normal)
    session.run(
        """
        insert into state.main.identifier
        select
            (select coalesce(max(identifier_code), -1) from state.main.identifier)
                + row_number() over (order by n.identifier_type, n.identifier_value),
            n.identifier_type, n.identifier_value, n.is_blocked, null, null
        from (
            select identifier_type, identifier_value, bool_or(is_blocked) as is_blocked
            from scratch.main.normal_identifier where identifier_value is not null
            group by identifier_type, identifier_value
        ) as n
        where not exists (
            select 1 from state.main.identifier as i
            where i.identifier_type = n.identifier_type and i.identifier_value = n.identifier_value)
        """
    )
    session.run(
        """
        create or replace table scratch.main.new_evidence as
        with coded as (
            select n.identifier_type, n.raw_value, n.country, i.identifier_code
            from scratch.main.normal_identifier as n
            join state.main.identifier as i
                on i.identifier_type = n.identifier_type and i.identifier_value = n.identifier_value
        )
        select distinct e.record_id, c.identifier_code, e.seen_at, e.source_system
        from scratch.main.evidence as e
        join coded as c
            on c.raw_value = e.raw_value and c.identifier_type = e.identifier_type
            and c.country is not distinct from e.country
        """
    )
    session.run(
        """
        create or replace table scratch.main.old_evidence as
        select * from state.main.identifier_record
        where record_id in (select record_id from scratch.main.removed_record)
        """
    )
    session.run(
        """
        create or replace table scratch.main.touched_code as
        select identifier_code from scratch.main.old_evidence
        union select identifier_code from scratch.main.new_evidence
        """
    )
    session.run(
        "delete from state.main.identifier_record where record_id in (select record_id from scratch.main.old_evidence)"
    )
    session.run("insert into state.main.identifier_record select * from scratch.main.new_evidence")
    update_pairs(session)
    session.run(
        """
        create or replace table scratch.main.identifier_stat as
        select identifier_code, min(seen_at) as first_seen_at,
            -- a record without a time comes last, and ties go to the lowest id
            arg_min(record_id, {'t': coalesce(seen_at, timestamp '9999-12-31'), 'r': record_id}) as first_record_id
        from state.main.identifier_record
        where identifier_code in (select identifier_code from scratch.main.touched_code)
        group by identifier_code
        """
    )
    session.run(
        """
        create or replace table scratch.main.touched_identifier as
        select i.identifier_code, i.identifier_type, i.identifier_value, i.is_blocked, s.first_seen_at, s.first_record_id
        from state.main.identifier as i
        join scratch.main.touched_code as t using (identifier_code)
        left join scratch.main.identifier_stat as s using (identifier_code)
        """
    )
    session.run(
        "delete from state.main.identifier where identifier_code in (select identifier_code from scratch.main.touched_code)"
    )
    session.run("insert into state.main.identifier by name select * from scratch.main.touched_identifier")


def update_pairs(session: Session) -> None:
    """Add tonight's pairs of identifiers and take away those of removed records, by counts."""
    session.run(
        """
        create or replace table scratch.main.pair_change as
        with new_pair as (
            select l.identifier_code as left_code, r.identifier_code as right_code, count(*) as record_count
            from scratch.main.new_evidence as l
            join scratch.main.new_evidence as r
                on r.record_id = l.record_id and l.identifier_code < r.identifier_code
            group by l.identifier_code, r.identifier_code
        ),
        old_pair as (
            select l.identifier_code as left_code, r.identifier_code as right_code, -count(*) as record_count
            from scratch.main.old_evidence as l
            join scratch.main.old_evidence as r
                on r.record_id = l.record_id and l.identifier_code < r.identifier_code
            group by l.identifier_code, r.identifier_code
        ),
        change as (select * from new_pair union all select * from old_pair)
        select left_code, right_code, cast(sum(record_count) as integer) as record_count
        from change group by left_code, right_code having sum(record_count) <> 0
        """
    )
    session.run(
        """
        create or replace table scratch.main.changed_pair as
        select left_code, right_code, cast(sum(record_count) as integer) as record_count from (
            select left_code, right_code, record_count from scratch.main.pair_change
            union all
            select p.left_code, p.right_code, p.record_count from state.main.identifier_pair as p
            semi join scratch.main.pair_change as c on c.left_code = p.left_code and c.right_code = p.right_code
        ) group by left_code, right_code
        """
    )
    session.run(
        """
        delete from state.main.identifier_pair where (left_code, right_code) in (
            select (left_code, right_code) from scratch.main.pair_change)
        """
    )
    session.run("insert into state.main.identifier_pair select * from scratch.main.changed_pair where record_count > 0")


def resolve_customers(session: Session, configuration: Configuration) -> int:
    """Run the resolution over all evidence; fills `scratch.main.changed_code`; returns the number of customers.

    An e-mail address and its MD5 (the member id of some mail tools) are joined here: the join is free and exact.
    """
    # Identifiers whose last record went have no evidence left; they keep their code and take no part.
    identifiers = session.arrow(
        """
        select cast(row_number() over (order by identifier_code) - 1 as integer) as dense_code,
            identifier_code, identifier_type, identifier_value, is_blocked, first_seen_at, first_record_id
        from state.main.identifier where first_record_id is not null
        """
    )
    session.store("scratch.main.live_identifier", identifiers)
    pairs = session.arrow(
        """
        select l.dense_code as left_code, r.dense_code as right_code
        from state.main.identifier_pair as p
        join scratch.main.live_identifier as l on l.identifier_code = p.left_code
        join scratch.main.live_identifier as r on r.identifier_code = p.right_code
        union
        select m.dense_code, e.dense_code
        from scratch.main.live_identifier as e
        join scratch.main.live_identifier as m
            on m.identifier_type = 'email_md5' and m.identifier_value = md5(e.identifier_value)
        where e.identifier_type = 'email' and not e.is_blocked
        """
    )
    ordered = session.arrow(
        """
        select dense_code as identifier_code, identifier_type, is_blocked, first_seen_at, first_record_id
        from scratch.main.live_identifier order by dense_code
        """
    )
    types = ordered["identifier_type"].unique().to_pylist()
    resolved = resolve(ordered, pairs, type_rules(configuration, types))
    session.store("scratch.main.resolved", resolved)
    session.run(
        """
        create or replace table scratch.main.new_assignment as
        select l.identifier_code, r.customer_id, r.is_guarded, r.guard_reason
        from scratch.main.resolved as r join scratch.main.live_identifier as l on l.dense_code = r.identifier_code
        """
    )
    session.run(
        """
        create or replace table scratch.main.changed_code as
        select coalesce(n.identifier_code, o.identifier_code) as identifier_code,
            o.customer_id as old_customer_id, n.customer_id as new_customer_id
        from scratch.main.new_assignment as n
        full join state.main.identifier_customer as o on o.identifier_code = n.identifier_code
        where (n.customer_id, n.is_guarded) is distinct from (o.customer_id, o.is_guarded)
        """
    )
    session.run("create or replace table state.main.identifier_customer as select * from scratch.main.new_assignment")
    session.drop(["scratch.main.resolved", "scratch.main.live_identifier"])
    return int(session.value("select count(distinct customer_id) from state.main.identifier_customer") or 0)


def type_rules(configuration: Configuration, types: Sequence[str]) -> dict[str, TypeRule]:
    """The configured rule of every identifier type that occurs; an unknown type is the weakest link without limits."""
    configured = configuration.identity.types
    rules = {}
    for name in types:
        pattern = type_rule(name, list(configured))
        rule = configured[pattern] if pattern else None
        rules[name] = TypeRule(rule.strength, tuple(sorted(rule.limit.items()))) if rule else TypeRule(99)
    return rules


def mark_affected(
    session: Session, configuration: Configuration, before: dt.datetime | None, now: dt.datetime
) -> int | None:
    """Fill `affected_customer` and the scope tables; returns how many customers are affected.

    Affected are customers with new, changed or removed records, of identifiers that changed hands, with touchpoints or
    party records that the data date now reaches, and with an open journey that time has closed. `before` and `now` are
    the data dates of the last release and of tonight.
    """
    type_strength = {
        name: rule.strength
        for name, rule in type_rules(
            configuration,
            [row[0] for row in session.rows("select distinct identifier_type from state.main.identifier")],
        ).items()
    }
    session.store(
        "scratch.main.type_strength",
        pa.table(
            {
                "identifier_type": pa.array(list(type_strength), pa.string()),
                "strength": pa.array(list(type_strength.values()), pa.int32()),
            }
        ),
    )
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
            {journeys}
            {reached}
            {everybody}
        ) where customer_id is not null
        """
    )
    for table in ("touchpoint", "party_record"):
        gather_scope(session, table)
    assign_records(session)
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
            not coalesce(bool_or(a.is_guarded), false) as is_link
        from scratch.main.record_customer as c
        join state.main.identifier_record as r on r.record_id = c.record_id
        join state.main.identifier as i on i.identifier_code = r.identifier_code
        join state.main.identifier_customer as a on a.identifier_code = r.identifier_code
        group by c.customer_id, i.identifier_type, i.identifier_value, r.source_system
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


def assign_records(session: Session) -> None:
    """`record_customer` (record_id, customer_id) of every record in scope.

    Identifiers that may link all lead to one customer; a record that has none of those takes the customer of its strongest
    guarded identifier. A record of which no identifier is usable has no customer.
    """
    session.run(
        """
        create or replace table scratch.main.scope_record as
        select touchpoint_id as record_id from scratch.ingest.touchpoint_new
        union all select party_record_id from scratch.ingest.party_record_new
        """
    )
    session.run(
        """
        create or replace table scratch.main.record_customer as
        with evidence as (
            select r.record_id, a.customer_id, a.is_guarded, s.strength, r.identifier_code
            from state.main.identifier_record as r
            semi join scratch.main.scope_record as n on n.record_id = r.record_id
            join state.main.identifier_customer as a on a.identifier_code = r.identifier_code
            join state.main.identifier as i on i.identifier_code = r.identifier_code
            join scratch.main.type_strength as s on s.identifier_type = i.identifier_type
        ),
        linked as (
            select record_id, min(customer_id) as customer_id from evidence where not is_guarded group by record_id
        ),
        guarded as (
            select e.record_id, e.customer_id, e.strength, i.identifier_type, i.identifier_value
            from evidence as e join state.main.identifier as i on i.identifier_code = e.identifier_code
            where e.is_guarded and e.record_id not in (select record_id from linked)
            qualify row_number() over (
                partition by e.record_id order by e.strength, i.identifier_type, i.identifier_value) = 1
        )
        select record_id, customer_id from linked
        union all
        select record_id, customer_id from guarded
        """
    )

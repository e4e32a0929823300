"""First half of step 7: keep the evidence of who is who up to date with tonight's records.

Belongs here: the tables in `state` that say which record showed which identifier, which identifiers occur together, and what
could not be taken as an identifier. Does not belong here: what follows from them (`resolution.py`), how a value is normalised
(`models/normalise.py`).

Evidence is kept as integers; a night changes only what its records touch.
"""

from __future__ import annotations

import pyarrow as pa

from models.configuration import Configuration
from models.normalise import normalise_identifiers
from pipelines.night.session import Session
from sources.spec import SourceCatalog

TABLES = {
    # is_blocked is a matter of the value alone; first_* are NULL while no record shows the identifier.
    "identifier": "identifier_code integer, identifier_type varchar, identifier_value varchar, identifier_key bigint, "
    "is_blocked boolean, block_reason varchar, first_seen_at timestamp, first_record_id bigint",
    # is_timed: the record says the time of day, so it can be part of a session.
    "identifier_record": "record_id bigint, identifier_code integer, seen_at timestamp, is_timed boolean, is_link boolean, "
    "source_system varchar",
    # link_count: how many of the records are links that a system recorded itself (a merge).
    "identifier_pair": "left_code integer, right_code integer, record_count integer, link_count integer",
    # An e-mail address and its MD5 (the member id of some mail tools) are the same thing: joined for free and exactly.
    "identifier_digest": "left_code integer, right_code integer",
    "identifier_refusal": "record_id bigint, source_system varchar, event_type varchar, identifier_type varchar, "
    "identifier_value varchar, reason varchar",
}
# A refused value is kept as far as a person can still recognise it.
SHOWN_LENGTH = 80


def prepare_evidence(session: Session) -> None:
    """Create the evidence tables of a new warehouse."""
    for table, columns in TABLES.items():
        session.run(f"create table if not exists state.main.{table} ({columns})")


def collect_evidence(session: Session, configuration: Configuration, catalog: SourceCatalog) -> None:
    """Bring identifiers, records and pairs up to date with tonight's delta; fills `scratch.main.touched_code`.

    Touched are the identifiers of every record that is new, changed or gone tonight.
    """
    gather_records(session, configuration, catalog)
    distinct = session.arrow("select distinct identifier_type, raw_value, country from scratch.main.evidence")
    session.store(
        "scratch.main.normal_identifier",
        normalise_identifiers(distinct, configuration.identity.blocked_values, configuration.identity.role_mailboxes),
    )
    patterns = configuration.identity.blocked_patterns
    session.store(
        "scratch.main.blocked_pattern",
        pa.table(
            {
                "identifier_type": pa.array([kind for kind, found in patterns.items() for _ in found], pa.string()),
                "pattern": pa.array([pattern for found in patterns.values() for pattern in found], pa.string()),
            }
        ),
    )
    add_identifiers(session)
    change_records(session, configuration.identity.record_limit)
    change_pairs(session)
    describe_touched(session)


def gather_records(session: Session, configuration: Configuration, catalog: SourceCatalog) -> None:
    """`scratch.main.evidence`: one row per new record and identifier as the source has it; and the records that went."""
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
            select touchpoint_id as record_id, occurred_at as seen_at, occurred_at_precision <> 'day' as is_timed,
                false as is_link, source_system, source_export, identifiers, cast(null as varchar) as country
            from scratch.ingest.touchpoint_new where identifiers is not null
            union all
            select party_record_id, valid_from, false, false, source_system, source_export, identifiers,
                -- a phone number without country code is read in the country of the address beside it
                case when regexp_full_match(country, '[A-Za-z]{2}') then upper(country) end
            from scratch.ingest.party_record_new where identifiers is not null
            union all
            select identifier_link_id, linked_at, false, true, source_system, source_export,
                [{'type': left_type, 'value': left_value}, {'type': right_type, 'value': right_value}], null
            from scratch.ingest.identifier_link_new
        ),
        item as (
            select record_id, seen_at, is_timed, is_link, source_system, source_export, country,
                unnest(identifiers) as identifier
            from record
        )
        select i.record_id, i.seen_at, i.is_timed, i.is_link, i.source_system,
            i.identifier."type" as identifier_type, i.identifier."value" as raw_value,
            -- only phone numbers read differently by country; for all else one distinct value is one value
            case when i.identifier."type" = 'phone' then coalesce(i.country, c.country) end as country
        from item as i
        left join scratch.main.export_country as c using (source_system, source_export)
        """
    )


def add_identifiers(session: Session) -> None:
    """Give identifiers that were never seen before a code, and join new e-mail addresses and MD5 values."""
    session.run(
        """
        create or replace table scratch.main.new_identifier as
        with found as (
            select identifier_type, identifier_value, bool_or(is_blocked) as is_blocked,
                min(case when is_blocked then reason end) as block_reason
            from scratch.main.normal_identifier where identifier_value is not null
            group by identifier_type, identifier_value
        )
        select
            cast((select coalesce(max(identifier_code), -1) from state.main.identifier)
                + row_number() over (order by n.identifier_type, n.identifier_value) as integer) as identifier_code,
            n.identifier_type, n.identifier_value,
            cast(md5_number_lower(n.identifier_type || chr(31) || n.identifier_value) >> 2 as bigint) as identifier_key,
            n.is_blocked or b.pattern is not null as is_blocked,
            case when n.is_blocked then n.block_reason when b.pattern is not null then 'blocked pattern ' || b.pattern end
                as block_reason
        from found as n
        left join (
            select f.identifier_type, f.identifier_value, min(p.pattern) as pattern
            from found as f
            join scratch.main.blocked_pattern as p
                on f.identifier_type glob p.identifier_type and regexp_matches(f.identifier_value, p.pattern, 'i')
            group by f.identifier_type, f.identifier_value
        ) as b on b.identifier_type = n.identifier_type and b.identifier_value = n.identifier_value
        anti join state.main.identifier as i
            on i.identifier_type = n.identifier_type and i.identifier_value = n.identifier_value
        """
    )
    session.run(
        "insert into state.main.identifier by name "
        "select *, null as first_seen_at, null as first_record_id from scratch.main.new_identifier"
    )
    digest = "md5(e.identifier_value) = m.identifier_value and m.identifier_type = 'email_md5'"
    session.run(
        f"""
        insert into state.main.identifier_digest
        select e.identifier_code, m.identifier_code
        from scratch.main.new_identifier as e join state.main.identifier as m on {digest}
        where e.identifier_type = 'email' and not e.is_blocked and not m.is_blocked
        union
        select e.identifier_code, m.identifier_code
        from state.main.identifier as e join scratch.main.new_identifier as m on {digest}
        where e.identifier_type = 'email' and not e.is_blocked and not m.is_blocked
        """
    )


def change_records(session: Session, record_limit: int) -> None:
    """Take the evidence of removed records away, add that of the new ones, and note what could not be taken.

    A record that names more than `record_limit` identifiers is about a crowd, not a person: it is noted and says nothing.
    """
    session.run(
        f"""
        create or replace table scratch.main.taken_evidence as
        with coded as (
            select n.identifier_type, n.raw_value, n.country, n.reason, n.identifier_value, i.identifier_code
            from scratch.main.normal_identifier as n
            left join state.main.identifier as i
                on i.identifier_type = n.identifier_type and i.identifier_value = n.identifier_value
        )
        select e.record_id, c.identifier_code, e.seen_at, e.is_timed, e.is_link, e.source_system, e.identifier_type,
            case when c.identifier_code is null then c.reason end as reason,
            case when c.identifier_code is null then e.raw_value end as raw_value,
            count(*) over (partition by e.record_id) > {record_limit} as is_wide
        from scratch.main.evidence as e
        join coded as c
            on c.raw_value = e.raw_value and c.identifier_type = e.identifier_type
            and c.country is not distinct from e.country
        """
    )
    session.run(
        """
        create or replace table scratch.main.new_evidence as
        select distinct record_id, identifier_code, seen_at, is_timed, is_link, source_system
        from scratch.main.taken_evidence where identifier_code is not null and not is_wide
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
    session.run("insert into state.main.identifier_record by name select * from scratch.main.new_evidence")
    session.run(
        "delete from state.main.identifier_refusal where record_id in (select record_id from scratch.main.removed_record)"
    )
    session.run(
        f"""
        insert into state.main.identifier_refusal
        select record_id, source_system, 'rejected', identifier_type,
            case when length(raw_value) > {SHOWN_LENGTH} then left(raw_value, {SHOWN_LENGTH}) || '…' else raw_value end,
            reason
        from scratch.main.taken_evidence where identifier_code is null and raw_value is not null and trim(raw_value) <> ''
        union all
        select distinct record_id, source_system, 'crowd', null, null, 'a record names more than {record_limit} identifiers'
        from scratch.main.taken_evidence where is_wide
        """
    )
    session.drop(["scratch.main.taken_evidence"])


def change_pairs(session: Session) -> None:
    """Add tonight's pairs of identifiers and take away those of removed records, by counts.

    Blocked values pair with nobody: `info@` would meet everyone.
    """
    session.run(
        """
        create or replace table scratch.main.pair_change as
        with evidence as (
            select record_id, identifier_code, is_link, 1 as sign from scratch.main.new_evidence
            union all
            select record_id, identifier_code, is_link, -1 from scratch.main.old_evidence
        ),
        -- most records name one identifier only, and have no part in this
        several as (
            select e.record_id, e.identifier_code, e.is_link, e.sign
            from evidence as e
            join (select record_id, sign from evidence group by record_id, sign having count(*) > 1) as r
                on r.record_id = e.record_id and r.sign = e.sign
            anti join (select identifier_code from state.main.identifier where is_blocked) as b
                on b.identifier_code = e.identifier_code
        )
        select l.identifier_code as left_code, r.identifier_code as right_code,
            cast(sum(l.sign) as integer) as record_count,
            cast(sum(case when l.is_link then l.sign else 0 end) as integer) as link_count
        from several as l
        join several as r
            on r.record_id = l.record_id and r.sign = l.sign and l.identifier_code < r.identifier_code
        group by l.identifier_code, r.identifier_code
        having sum(l.sign) <> 0 or sum(case when l.is_link then l.sign else 0 end) <> 0
        """
    )
    session.run(
        """
        create or replace table scratch.main.changed_pair as
        select c.left_code, c.right_code, cast(c.record_count + coalesce(p.record_count, 0) as integer) as record_count,
            cast(c.link_count + coalesce(p.link_count, 0) as integer) as link_count, p.left_code is not null as was_there
        from scratch.main.pair_change as c
        left join state.main.identifier_pair as p on p.left_code = c.left_code and p.right_code = c.right_code
        """
    )
    session.run(
        """
        delete from state.main.identifier_pair as p using scratch.main.changed_pair as c
        where c.was_there and p.left_code = c.left_code and p.right_code = c.right_code
        """
    )
    session.run(
        "insert into state.main.identifier_pair by name "
        "select * exclude (was_there) from scratch.main.changed_pair where record_count > 0"
    )


def describe_touched(session: Session) -> None:
    """When and in which record each touched identifier was seen first; NULL for those without a record left."""
    session.run(
        """
        create or replace table scratch.main.touched_identifier as
        with stat as (
            select identifier_code, min(seen_at) as first_seen_at,
                -- a record without a time comes last, and ties go to the lowest id
                arg_min(record_id, {'t': coalesce(seen_at, timestamp '9999-12-31'), 'r': record_id}) as first_record_id
            from state.main.identifier_record
            semi join scratch.main.touched_code using (identifier_code)
            group by identifier_code
        )
        select i.* exclude (first_seen_at, first_record_id), s.first_seen_at, s.first_record_id
        from state.main.identifier as i
        join scratch.main.touched_code as t using (identifier_code)
        left join stat as s using (identifier_code)
        """
    )
    session.run(
        "delete from state.main.identifier "
        "where identifier_code in (select identifier_code from scratch.main.touched_identifier)"
    )
    session.run("insert into state.main.identifier by name select * from scratch.main.touched_identifier")

"""First half of step 7: keep the evidence of who is who up to date with tonight's records.

Belongs here: the tables in `state` that say which record showed which identifier, which identifiers occur together, and what
could not be taken as an identifier. Does not belong here: what follows from them (`resolution.py`), how a value is normalised
(`models/normalise.py`).

Evidence is kept as integers; a night changes only what its records touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from models.configuration import Configuration
from models.normalise import normalise_identifiers
from pipelines.night.session import Session, literal
from sources.spec import SourceCatalog

TABLES = {
    # A value keeps its code for ever; is_blocked is a matter of the value alone.
    "identifier": "identifier_code integer, identifier_type varchar, identifier_value varchar, identifier_key bigint, "
    "is_blocked boolean, block_reason varchar",
    # One row while some record shows the identifier.
    "identifier_seen": "identifier_code integer, first_seen_at timestamp, first_record_id bigint",
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
# Number of a raw value within one night: fast, or one that no two values share.
VALUE_KEYS = (
    "hash(identifier_type, country, raw_value)",
    "md5_number_lower(identifier_type || chr(31) || coalesce(country, '') || chr(31) || raw_value)",
)


def prepare_evidence(session: Session) -> None:
    """Create the evidence tables of a new warehouse."""
    for table, columns in TABLES.items():
        session.run(f"create table if not exists state.main.{table} ({columns})")


def collect_evidence(session: Session, configuration: Configuration, catalog: SourceCatalog) -> None:
    """Bring identifiers, records and pairs up to date with tonight's delta; fills `scratch.main.touched_code`.

    Touched are the identifiers of every record that is new, changed or gone tonight.
    """
    gather_records(session, configuration, catalog)
    distinct = distinct_values(session)
    normal = normalise_identifiers(
        distinct.drop_columns(["value_key"]),
        configuration.identity.blocked_values,
        configuration.identity.role_mailboxes,
    )
    # Read where it lies: a table of it would be the largest one of the step.
    session.con.register("normal_identifier", normal.append_column("value_key", distinct["value_key"]))
    try:
        add_identifiers(session, configuration.identity.blocked_patterns)
    finally:
        session.con.unregister("normal_identifier")
    change_records(session, configuration.identity.record_limit)
    change_pairs(session)
    describe_touched(session)


def gather_records(session: Session, configuration: Configuration, catalog: SourceCatalog) -> None:
    """`scratch.main.new_item`: one row per new record and identifier as the source has it; and the records that went."""
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
        f"""
        create or replace view scratch.main.new_item as
        with record as (
            select touchpoint_id as record_id, occurred_at as seen_at, occurred_at_precision <> 'day' as is_timed,
                false as is_link, source_system, source_export, identifiers, cast(null as varchar) as country
            from scratch.ingest.touchpoint_new where identifiers is not null
            union all
            select party_record_id, valid_from, false, false, source_system, source_export, identifiers,
                -- a phone number without country code is read in the country of the address beside it
                case when regexp_full_match(country, '[A-Za-z][A-Za-z]') then upper(country) end
            from scratch.ingest.party_record_new where identifiers is not null
            union all
            select identifier_link_id, linked_at, false, true, source_system, source_export,
                [{{'type': left_type, 'value': left_value}}, {{'type': right_type, 'value': right_value}}], null
            from scratch.ingest.identifier_link_new
        ),
        item as (
            select record_id, seen_at, is_timed, is_link, source_system, source_export, country,
                len(identifiers) > {configuration.identity.record_limit} as is_wide,
                len(identifiers) = 1 as is_single, unnest(identifiers) as identifier
            from record
        ),
        placed as (
            select i.record_id, i.seen_at, i.is_timed, i.is_link, i.source_system, i.is_wide, i.is_single,
                i.identifier."type" as identifier_type, i.identifier."value" as raw_value,
                -- only phone numbers read differently by country; for all else one distinct value is one value
                case when i.identifier."type" = 'phone' then coalesce(i.country, c.country) end as country
            from item as i
            left join scratch.main.export_country as c using (source_system, source_export)
        )
        select *, {VALUE_KEYS[0]} as value_key from placed where raw_value is not null
        """
    )


def distinct_values(session: Session) -> pa.Table:
    """Every value of tonight's records once: `identifier_type`, `raw_value`, `country`, and `value_key`, its number for tonight.

    The number is a fast hash, checked to be one per value; should two values ever share theirs, the slow one is taken instead.
    """
    definition = session.value(
        "select sql from duckdb_views() where database_name = 'scratch' and view_name = 'new_item'"
    )
    columns = "identifier_type, raw_value, country, value_key"
    distinct = session.arrow(f"select {columns} from scratch.main.new_item group by all")
    if pc.count_distinct(distinct["value_key"]).as_py() != distinct.num_rows:
        session.run(definition.replace("CREATE VIEW", "create or replace view").replace(*VALUE_KEYS))
        distinct = session.arrow(f"select {columns} from scratch.main.new_item group by all")
    return distinct


def add_identifiers(session: Session, blocked_patterns: Mapping[str, Sequence[str]]) -> None:
    """Give identifiers that were never seen before a code, and join new e-mail addresses and MD5 values."""
    # Patterns as constants: one from a column would be compiled again for every row.
    tests = " ".join(
        f"when identifier_type glob {literal(kind)} and regexp_matches(identifier_value, {literal(pattern)}, 'i') "
        f"then {literal('blocked pattern ' + pattern)}"
        for kind, patterns in blocked_patterns.items()
        for pattern in patterns
    )
    session.run(
        """
        create or replace table scratch.main.value_identifier as
        with said as (
            select value_key, identifier_type, identifier_value from normal_identifier where identifier_value is not null
            union all
            -- a mail tool hashes the address as it was typed, which the normal form may no longer show
            select value_key, 'email_md5', typed_md5 from normal_identifier
            where typed_md5 is not null and not is_blocked and lower(trim(raw_value)) <> identifier_value
        )
        select value_key, cast(md5_number_lower(identifier_type || chr(31) || identifier_value) >> 2 as bigint)
                as identifier_key, identifier_type = 'email_md5' as is_digest
        from said
        """
    )
    session.run(
        f"""
        create or replace table scratch.main.new_identifier as
        with new as (
            select v.identifier_key, min(v.value_key) as value_key, bool_and(v.is_digest) as is_digest
            from scratch.main.value_identifier as v
            anti join state.main.identifier as i on i.identifier_key = v.identifier_key
            group by v.identifier_key
        ),
        found as (
            select v.identifier_key, case when v.is_digest then 'email_md5' else n.identifier_type end as identifier_type,
                case when v.is_digest and n.identifier_type = 'email' then n.typed_md5 else n.identifier_value end
                    as identifier_value,
                coalesce(
                    case when n.is_blocked then n.reason end, {f"case {tests} end" if tests else "null"}
                ) as block_reason
            from new as v join normal_identifier as n on n.value_key = v.value_key
        )
        select
            cast((select coalesce(max(identifier_code), -1) from state.main.identifier)
                + row_number() over () as integer) as identifier_code,
            identifier_type, identifier_value, identifier_key, block_reason is not null as is_blocked, block_reason
        from found
        """
    )
    session.run("insert into state.main.identifier by name select * from scratch.main.new_identifier")
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
    session.run(
        """
        create or replace table scratch.main.value_code as
        select v.value_key, i.identifier_code, count(*) over (partition by v.value_key) = 1 as is_plain
        from scratch.main.value_identifier as v
        join state.main.identifier as i on i.identifier_key = v.identifier_key
        """
    )
    session.run(
        f"""
        create or replace table scratch.main.rejected_value as
        select value_key, identifier_type, reason,
            case when length(raw_value) > {SHOWN_LENGTH} then left(raw_value, {SHOWN_LENGTH}) || '…' else raw_value end
                as identifier_value
        from normal_identifier where identifier_value is null and trim(raw_value) <> ''
        """
    )
    session.drop(["scratch.main.value_identifier"])


def change_records(session: Session, record_limit: int) -> None:
    """Take the evidence of removed records away, add that of the new ones, and note what could not be taken.

    A record that names more than `record_limit` identifiers is about a crowd, not a person: it is noted and says nothing.
    """
    session.run(
        """
        create or replace table scratch.main.coded_item as
        select e.record_id, c.identifier_code, e.seen_at, e.is_timed, e.is_link, e.source_system,
            e.is_single and c.is_plain as is_alone
        from scratch.main.new_item as e
        join scratch.main.value_code as c on c.value_key = e.value_key
        where not e.is_wide
        """
    )
    # Most records name one identifier; only of the others two spellings may turn out to be one.
    session.run(
        """
        create or replace table scratch.main.new_several as
        select record_id, identifier_code, any_value(seen_at) as seen_at, any_value(is_timed) as is_timed,
            any_value(is_link) as is_link, any_value(source_system) as source_system
        from scratch.main.coded_item where not is_alone
        group by record_id, identifier_code
        """
    )
    session.run(
        """
        create or replace view scratch.main.new_evidence as
        select * exclude (is_alone) from scratch.main.coded_item where is_alone
        union all by name
        from scratch.main.new_several
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
        union select identifier_code from scratch.main.coded_item
        """
    )
    if session.value("select count(*) from scratch.main.removed_record"):
        for table in ("identifier_record", "identifier_refusal"):
            session.run(
                f"delete from state.main.{table} where record_id in (select record_id from scratch.main.removed_record)"
            )
    session.run("insert into state.main.identifier_record by name select * from scratch.main.new_evidence")
    session.run(
        """
        insert into state.main.identifier_refusal
        select e.record_id, e.source_system, 'rejected', r.identifier_type, r.identifier_value, r.reason
        from scratch.main.new_item as e join scratch.main.rejected_value as r on r.value_key = e.value_key
        """
    )
    session.run(
        f"""
        insert into state.main.identifier_refusal
        select distinct record_id, source_system, 'crowd', null, null, 'a record names more than {record_limit} identifiers'
        from scratch.main.new_item where is_wide
        """
    )
    session.drop(["scratch.main.value_code", "scratch.main.rejected_value"])


def change_pairs(session: Session) -> None:
    """Add tonight's pairs of identifiers and take away those of removed records, by counts.

    Blocked values pair with nobody: `info@` would meet everyone.
    """
    session.run(
        """
        create or replace table scratch.main.pair_change as
        with evidence as (
            select record_id, identifier_code, is_link, 1 as sign from scratch.main.new_several
            union all
            select record_id, identifier_code, is_link, -1 from scratch.main.old_evidence
        ),
        several as (
            select e.record_id, e.identifier_code, e.is_link, e.sign
            from evidence as e
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
    """When and in which record each touched identifier was seen first; no row for those without a record left."""
    session.run(
        """
        create or replace table scratch.main.touched_seen as
        -- Time and record in one number (record ids are below 2^62), because the least of numbers is found fastest:
        -- a record without a time comes last, and ties go to the lowest id.
        select identifier_code, min(seen_at) as first_seen_at,
            min(cast(epoch_us(coalesce(seen_at, timestamp '9999-12-31')) as hugeint) * 4611686018427387904 + record_id)
                as first_place
        from state.main.identifier_record
        semi join scratch.main.touched_code using (identifier_code)
        group by identifier_code
        """
    )
    session.run(
        "delete from state.main.identifier_seen "
        "where identifier_code in (select identifier_code from scratch.main.touched_code)"
    )
    session.run(
        """
        insert into state.main.identifier_seen
        select identifier_code, first_seen_at,
            cast((first_place % 4611686018427387904 + 4611686018427387904) % 4611686018427387904 as bigint)
        from scratch.main.touched_seen
        """
    )

"""First half of step 7: keep the evidence of who is who up to date with tonight's records.

Belongs here: the tables in `state` that say which record showed which identifier, which identifiers occur together, and what
could not be taken as an identifier. Does not belong here: what follows from them (`resolution.py`), how a value is normalised
(`models/normalise.py`).

Evidence is kept as integers; a night changes only what its records touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.configuration import Configuration
from models.normalise import normalise_identifiers
from pipelines.night.session import Session, in_batches, literal
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
# Values normalised at a time: what is made on the way takes some 400 bytes each.
PART = 100_000
# Number of a raw value within one night: fast, or one that no two values share.
VALUE_KEY = "hash(identifier_type, country, raw_value)"
EXACT_VALUE_KEY = "md5_number_lower(identifier_type || chr(31) || coalesce(country, '') || chr(31) || raw_value)"


def prepare_evidence(session: Session) -> None:
    """Create the evidence tables of a new warehouse."""
    for table, columns in TABLES.items():
        session.run(f"create table if not exists state.main.{table} ({columns})")


def collect_evidence(session: Session, configuration: Configuration, catalog: SourceCatalog) -> list[str]:
    """Bring identifiers, records and pairs up to date with tonight's delta; fills `scratch.main.touched_code`.

    Returns what is odd about tonight's links of systems, in words without values.

    Touched are the identifiers of every record that is new, changed or gone tonight.
    """
    gather_records(session, configuration, catalog)
    normal = normal_values(distinct_values(session), configuration)
    codes = add_identifiers(session, normal, configuration.identity.blocked_patterns)
    change_records(session, codes, normal.rejected, configuration.identity.record_limit)
    del normal, codes
    # The largest tables of the step are gone; what they took is for DuckDB now.
    pa.default_memory_pool().release_unused()
    change_pairs(session)
    describe_touched(session)
    return odd_links(session)


def gather_records(session: Session, configuration: Configuration, catalog: SourceCatalog) -> None:
    """Tonight's records, and the records that went.

    `scratch.main.new_record`: as the sources have them; `new_single` and `new_member`: one row per record and identifier, of
    records that name one and of those that name several.
    """
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
        create or replace view scratch.main.new_record as
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
            [{'type': left_type, 'value': left_value}, {'type': right_type, 'value': right_value}], null
        from scratch.ingest.identifier_link_new
        """
    )
    # Most records name one identifier: those need no list taken apart.
    for view, kept, named in (
        ("new_single", "len(identifiers) = 1", "identifiers[1]"),
        ("new_member", f"len(identifiers) between 2 and {configuration.identity.record_limit}", "unnest(identifiers)"),
    ):
        session.run(
            f"""
            create or replace view scratch.main.{view} as
            with item as (
                select record_id, seen_at, is_timed, is_link, source_system, source_export, country, {named} as identifier
                from scratch.main.new_record where {kept}
            ),
            placed as (
                select i.record_id, i.seen_at, i.is_timed, i.is_link, i.source_system,
                    i.identifier."type" as identifier_type, i.identifier."value" as raw_value,
                    -- only phone numbers read differently by country; for all else one distinct value is one value
                    case when i.identifier."type" = 'phone' then coalesce(i.country, c.country) end as country
                from item as i
                left join scratch.main.export_country as c using (source_system, source_export)
            )
            select *, {VALUE_KEY} as value_key from placed where raw_value is not null
            """
        )


def distinct_values(session: Session) -> pa.Table:
    """Every value of tonight's records once: `identifier_type`, `raw_value`, `country`, and `value_key`, its number for tonight.

    The number is a fast hash, checked to be one per value; should two values ever share theirs, the slow one is taken instead.
    """
    columns = "identifier_type, raw_value, country, value_key"
    query = (
        f"select {columns} from (select {columns} from scratch.main.new_single "
        f"union all select {columns} from scratch.main.new_member) group by all"
    )
    distinct = session.arrow(query)
    if pc.count_distinct(distinct["value_key"]).as_py() != distinct.num_rows:
        for view in ("new_single", "new_member"):
            definition = session.value(
                "select sql from duckdb_views() where database_name = 'scratch' and view_name = ?", [view]
            )
            session.run(definition.replace("CREATE VIEW", "create or replace view").replace(VALUE_KEY, EXACT_VALUE_KEY))
        distinct = session.arrow(query)
    return distinct


@dataclass(frozen=True)
class NormalValues:
    """Tonight's values in normal form.

    `said`: `value_key`, `identifier_type`, `identifier_value`, `block_reason`; a value may say two. `several`: keys of those that
    do. `rejected`: `value_key`, `identifier_type`, `raw_value`, `reason` of values that say nothing.
    """

    said: pl.DataFrame
    several: pl.Series
    rejected: pa.Table


def normal_values(distinct: pa.Table, configuration: Configuration) -> NormalValues:
    """Normal forms of `distinct`, a part at a time: only what is needed of them stays in memory."""
    said, several, rejected = [], [], []
    for at in range(0, max(distinct.num_rows, 1), PART):
        part = distinct.slice(at, PART)
        values = pl.from_arrow(
            normalise_identifiers(
                part.drop_columns(["value_key"]),
                configuration.identity.blocked_values,
                configuration.identity.role_mailboxes,
            ).append_column("value_key", part["value_key"])
        )
        assert isinstance(values, pl.DataFrame)
        known = pl.col("identifier_value").is_not_null()
        # A mail tool hashes the address as it was typed, which the normal form may no longer show.
        typed = values.filter(pl.col("typed_md5").is_not_null() & ~pl.col("is_blocked"))
        said += [
            values.filter(known).select(
                "value_key", "identifier_type", "identifier_value", block_reason=pl.when("is_blocked").then("reason")
            ),
            typed.select(
                "value_key",
                identifier_type=pl.lit("email_md5"),
                identifier_value="typed_md5",
                block_reason=pl.lit(None, dtype=pl.String),
            ),
        ]
        several.append(typed["value_key"])
        rejected.append(
            values.filter(~known & (pl.col("raw_value").str.strip_chars() != "")).select(
                "value_key", "identifier_type", "raw_value", "reason"
            )
        )
    return NormalValues(pl.concat(said), pl.concat(several), pl.concat(rejected).to_arrow())


def add_identifiers(session: Session, normal: NormalValues, blocked_patterns: Mapping[str, Sequence[str]]) -> pa.Table:
    """Give identifiers that were never seen before a code, and join new e-mail addresses and MD5 values.

    Returns the codes of every value: `value_key`, `identifier_code`, `is_plain` (the value has no other).
    """
    said = normal.said
    key, code = known_codes(session, said)
    first_new = session.value("select coalesce(max(identifier_code) + 1, 0) from state.main.identifier")
    is_first = give_codes(key, code, first_new)
    new = said.filter(pl.Series(is_first)).select(
        "identifier_type",
        "identifier_value",
        "block_reason",
        identifier_code=pl.Series(code[is_first]),
        identifier_key=pl.Series(key[is_first]),
    )
    # Patterns as constants: one from a column would be compiled again for every row.
    tests = " ".join(
        f"when identifier_type glob {literal(kind)} and regexp_matches(identifier_value, {literal(pattern)}, 'i') "
        f"then {literal('blocked pattern ' + pattern)}"
        for kind, patterns in blocked_patterns.items()
        for pattern in patterns
    )
    session.con.register("new_identifier", in_batches(new.to_arrow()))
    try:
        session.run(
            f"""
            insert into state.main.identifier by name
            with found as (
                select * replace (coalesce(block_reason, {f"case {tests} end" if tests else "null"}) as block_reason)
                from new_identifier
            )
            select *, block_reason is not null as is_blocked from found
            """
        )
    finally:
        session.con.unregister("new_identifier")
    join_digests(session, first_new)
    return pa.table(
        {
            "value_key": said["value_key"].to_arrow(),
            "identifier_code": pa.array(code, pa.int32()),
            "is_plain": (~said["value_key"].is_in(normal.several.implode())).to_arrow(),
        }
    )


def known_codes(session: Session, said: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """`identifier_key` (int64) and `identifier_code` (int32, -1 when never seen) of `said`, row by row."""
    session.con.register(
        "said_identifier",
        in_batches(said.select("identifier_type", "identifier_value").with_row_index("row").to_arrow()),
    )
    try:
        found = session.arrow(
            """
            with keyed as (
                select "row",
                    cast(md5_number_lower(identifier_type || chr(31) || identifier_value) >> 2 as bigint) as identifier_key
                from said_identifier
            )
            select k."row", k.identifier_key, coalesce(i.identifier_code, -1) as identifier_code
            from keyed as k left join state.main.identifier as i on i.identifier_key = k.identifier_key
            """
        )
    finally:
        session.con.unregister("said_identifier")
    row = found["row"].to_numpy()
    key, code = np.empty(len(row), dtype=np.int64), np.empty(len(row), dtype=np.int32)
    key[row], code[row] = found["identifier_key"].to_numpy(), found["identifier_code"].to_numpy()
    return key, code


def give_codes(key: np.ndarray, code: np.ndarray, first_new: int) -> np.ndarray:
    """Replace -1 in `code` by new codes from `first_new` on, equal for equal keys; returns which rows are the first of theirs."""
    fresh = np.flatnonzero(code < 0)
    again = pl.Series(key[fresh]).is_duplicated().to_numpy()
    # Few values have several spellings, and only those need sorting.
    alone, several = fresh[~again], fresh[again]
    code[alone] = np.arange(first_new, first_new + len(alone), dtype=np.int32)
    _, first, place = np.unique(key[several], return_index=True, return_inverse=True)
    code[several] = (first_new + len(alone) + place).astype(np.int32)
    is_first = np.zeros(len(key), dtype=bool)
    is_first[alone] = True
    is_first[several[first]] = True
    return is_first


def join_digests(session: Session, first_new: int) -> None:
    """Join e-mail addresses and their MD5 values of which one is new (its code is at least `first_new`)."""
    if not session.value("select count(*) from state.main.identifier where identifier_type = 'email_md5'"):
        return
    digest = "md5(e.identifier_value) = m.identifier_value"
    usable = "e.identifier_type = 'email' and m.identifier_type = 'email_md5' and not e.is_blocked and not m.is_blocked"
    session.run(
        f"""
        insert into state.main.identifier_digest
        select e.identifier_code, m.identifier_code
        from state.main.identifier as e join state.main.identifier as m on {digest}
        where {usable} and e.identifier_code >= {first_new}
        union
        select e.identifier_code, m.identifier_code
        from state.main.identifier as e join state.main.identifier as m on {digest}
        where {usable} and m.identifier_code >= {first_new}
        """
    )


def change_records(session: Session, codes: pa.Table, rejected: pa.Table, record_limit: int) -> None:
    """Take the evidence of removed records away, add that of the new ones, and note what could not be taken.

    `codes`: of tonight's values (`add_identifiers`); `rejected`: those that say nothing. A record that names more than
    `record_limit` identifiers is about a crowd, not a person: it is noted and says nothing. Fills `scratch.main.new_several`:
    what records say that name several identifiers.
    """
    session.run(
        """
        create or replace table scratch.main.old_evidence as
        select * from state.main.identifier_record
        where record_id in (select record_id from scratch.main.removed_record)
        """
    )
    if session.value("select count(*) from scratch.main.removed_record"):
        for table in ("identifier_record", "identifier_refusal"):
            session.run(
                f"delete from state.main.{table} where record_id in (select record_id from scratch.main.removed_record)"
            )
    session.con.register("value_code", codes)
    columns = "record_id, identifier_code, seen_at, is_timed, is_link, source_system"
    try:
        session.run(
            f"""
            insert into state.main.identifier_record by name
            select {columns} from scratch.main.new_single as s join value_code as c on c.value_key = s.value_key
            where c.is_plain
            """
        )
        # Of records with several identifiers two spellings may turn out to be one.
        session.run(
            f"""
            create or replace table scratch.main.new_several as
            with item as (
                select {columns} from scratch.main.new_member as s join value_code as c on c.value_key = s.value_key
                union all
                select {columns} from scratch.main.new_single as s join value_code as c on c.value_key = s.value_key
                where not c.is_plain
            )
            select record_id, identifier_code, any_value(seen_at) as seen_at, any_value(is_timed) as is_timed,
                any_value(is_link) as is_link, any_value(source_system) as source_system
            from item
            group by record_id, identifier_code
            """
        )
    finally:
        session.con.unregister("value_code")
    session.run("insert into state.main.identifier_record by name from scratch.main.new_several")
    session.store("scratch.main.touched_code", pa.table({"identifier_code": pc.unique(codes["identifier_code"])}))
    session.run(
        """
        insert into scratch.main.touched_code
        select distinct identifier_code from scratch.main.old_evidence
        anti join scratch.main.touched_code using (identifier_code)
        """
    )
    note_refusals(session, rejected, record_limit)


def note_refusals(session: Session, rejected: pa.Table, record_limit: int) -> None:
    """Note values that are none of their type, and records that name more than `record_limit` identifiers."""
    if rejected.num_rows:
        session.con.register("rejected_value", rejected)
        try:
            session.run(
                f"""
                insert into state.main.identifier_refusal
                select e.record_id, e.source_system, 'rejected', r.identifier_type,
                    case when length(r.raw_value) > {SHOWN_LENGTH} then left(r.raw_value, {SHOWN_LENGTH}) || '…'
                        else r.raw_value end,
                    r.reason
                from (
                    select record_id, source_system, value_key from scratch.main.new_single
                    union all select record_id, source_system, value_key from scratch.main.new_member
                ) as e
                join rejected_value as r on r.value_key = e.value_key
                """
            )
        finally:
            session.con.unregister("rejected_value")
    session.run(
        f"""
        insert into state.main.identifier_refusal
        select record_id, source_system, 'crowd', null, null, 'a record names more than {record_limit} identifiers'
        from scratch.main.new_record where len(identifiers) > {record_limit}
        """
    )


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
        "delete from state.main.identifier_seen "
        "where identifier_code in (select identifier_code from scratch.main.touched_code)"
    )
    session.run(
        """
        insert into state.main.identifier_seen
        with touched as (
            -- Time and record in one number (record ids are below 2^62), because the least of numbers is found fastest:
            -- a record without a time comes last, and ties go to the lowest id.
            -- (2^63 is added, because times before 1970 are negative.)
            select identifier_code, min(
                ((epoch_us(coalesce(seen_at, timestamp '9999-12-31')) + 9223372036854775808::hugeint) << 62) + record_id
            ) as first_place
            from state.main.identifier_record
            semi join scratch.main.touched_code using (identifier_code)
            group by identifier_code
        )
        select identifier_code,
            nullif(make_timestamp(cast((first_place >> 62) - 9223372036854775808::hugeint as bigint)), timestamp '9999-12-31')
                as first_seen_at,
            cast(first_place & 4611686018427387903 as bigint) as first_record_id
        from touched
        """
    )


def odd_links(session: Session) -> list[str]:
    """A message per export whose links of tonight run in circles (A became B, B became A), contradict each other (A became B, A
    became C) or join something with itself. The right end is the one that became the left.

    All are harmless, because a link says only that two are one person; but a system that merges so has something to tidy up.
    """
    links = pl.from_arrow(
        session.arrow(
            """
            select source_system || '.' || source_export as export,
                left_type || ':' || lower(trim(left_value)) as one, right_type || ':' || lower(trim(right_value)) as other
            from scratch.ingest.identifier_link_new
            where left_value is not null and right_value is not null
            order by 1, 2, 3
            """
        )
    )
    assert isinstance(links, pl.DataFrame)
    messages = []
    for export, part in sorted(links.partition_by("export", as_dict=True).items()):
        ends = pl.concat([part["one"], part["other"]]).rank("dense").to_numpy().astype(np.int64) - 1
        one, other = ends[: part.height], ends[part.height :]
        count = int(ends.max()) + 1
        graph = coo_array((np.ones(part.height, dtype=np.int8), (one, other)), shape=(count, count))
        label = connected_components(graph, directed=True, connection="strong")[1]
        itself, circle = int((one == other).sum()), int(((label[one] == label[other]) & (one != other)).sum())
        # Only ids of one kind become each other: a device that several people logged in on is no contradiction.
        kinds = [pl.col(end).str.extract("^([^:]*)") for end in ("one", "other")]
        became = part.filter((pl.col("one") != pl.col("other")) & (kinds[0] == kinds[1]))
        several = became.group_by("other").agg(pl.col("one").n_unique()).filter(pl.col("one") > 1).height
        if several:
            messages.append(
                f"{export[0]}: {several:,} of the ids in tonight's {part.height:,} merge records became several others each; "
                "unless a rule keeps them apart, they are taken as one person."
            )
        if circle:
            messages.append(
                f"{export[0]}: {circle:,} of tonight's {part.height:,} merge records run in a circle (one became another, which "
                "became the first); those in a circle are taken as one person."
            )
        if itself:
            messages.append(
                f"{export[0]}: {itself:,} of tonight's {part.height:,} merge records join something with itself."
            )
    return messages

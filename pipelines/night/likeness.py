"""Last part of the resolution in step 7: clusters that no identifier joins, but names, addresses and birth dates do.

Belongs here: one record per cluster of identifiers, the links that likeness finds between them, the groups that follow, and their
tables in `state`. Does not belong here: how likeness is weighed (`models/matching`), clusters by identifiers (`resolution.py`).

A night compares the clusters whose record is new or changed with all others; a pair's weight follows from its two records and
the stored model, so what is not compared again is as it was.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.configuration import Configuration
from models.matching import MatchResult, find_links, group_clusters
from pipelines.night.device import RANK
from pipelines.night.session import Session

TABLES = {
    "cluster_record": "cluster_id bigint, given_names varchar[], family_names varchar[], full_names varchar[], "
    "birth_dates date[], addresses struct(street varchar, house_number varchar, postal_code varchar, city varchar, "
    "country varchar)[], emails varchar[], phones varchar[], shared_emails varchar[], shared_phones varchar[], "
    "unique_values varchar[], numbers varchar[], genders varchar[]",
    "cluster_link": "cluster_a bigint, cluster_b bigint, match_weight double, match_probability double, status varchar, "
    "rule varchar, evidence varchar, veto_reason varchar",
    "cluster_group": "cluster_id bigint, customer_id bigint",
    # Values that too many clusters share to be compared by; what crosses the limit tonight is compared again.
    "match_excluded": "rule varchar, key_hash ubigint, record_count bigint",
}

# What a pair's weight rests on, in words: `k` is a row of cluster_link.
EVIDENCE_TEXT = """array_to_string(list_transform(json_keys(k.evidence), lambda name: name || ': '
    || json_extract_string(k.evidence, '$.' || name || '.level')
    || ' (' || json_extract_string(k.evidence, '$.' || name || '.weight') || ')'), ', ')"""


def prepare_likeness(session: Session) -> None:
    """Create the tables of a new warehouse."""
    for table, columns in TABLES.items():
        session.run(f"create table if not exists state.main.{table} ({columns})")


def join_alike(session: Session, configuration: Configuration) -> list[str]:
    """Bring links and groups up to date and give grouped clusters one customer; returns what was left out, in words.

    Fills `scratch.main.changed_link_cluster` (clusters with a link that is new, changed or gone).
    """
    session.run("create or replace table scratch.main.changed_link_cluster (cluster_id bigint)")
    if not configuration.identity.matching.enabled:
        return []
    find_changed_records(session, configuration)
    changed = session.arrow("select cluster_id from scratch.main.changed_cluster")["cluster_id"].combine_chunks()
    gone = session.value("select count(*) from scratch.main.gone_cluster")
    messages: list[str] = []
    if len(changed) or gone:
        messages = renew_links(session, configuration, changed)
    regroup(session, configuration)
    return messages


def find_changed_records(session: Session, configuration: Configuration) -> None:
    """Bring `cluster_record` up to date; fills `scratch.main.changed_cluster` and `scratch.main.gone_cluster`.

    Clusters that a decision names count as changed, because the decision may hold them apart.
    """
    unique = [name for name, rule in configuration.identity.types.items() if rule.unique]
    session.store("scratch.main.unique_type", pa.table({"pattern": pa.array(unique, pa.string())}))
    published = "union all by name from work.main.party_record" if session.exists("work", "party_record") else ""
    session.run(
        f"""
        create or replace table scratch.main.new_cluster_record as
        with party as (
            select party_record_id, given_name, family_name, full_name, birth_date, street, house_number, postal_code,
                city, country,
                -- what few systems tell has no column of its own
                json_extract_string(attributes, '$.personal_number') as personal_number,
                coalesce(json_extract_string(attributes, '$.gender'), json_extract_string(attributes, '$.salutation'),
                    json_extract_string(attributes, '$.title')) as gender
            from (select * exclude (problem) from scratch.ingest.party_record_new {published})
            where party_type = 'person'
        ),
        item as (
            select r.record_id, r.identifier_code from state.main.identifier_record as r
            semi join party as p on p.party_record_id = r.record_id
        ),
        named as (
            select t.record_id, arg_min(a.cluster_id, {RANK}) as cluster_id
            from item as t
            join state.main.identifier_customer as a on a.identifier_code = t.identifier_code and not a.is_guarded
            semi join scratch.main.reached_component as c on c.component_code = a.component_code
            join state.main.identifier as i on i.identifier_code = t.identifier_code
            join scratch.main.type_rule as s on s.identifier_type = i.identifier_type
            group by t.record_id
        ),
        said as (
            select n.cluster_id,
                list_sort(list(distinct given_name) filter (where given_name is not null)) as given_names,
                list_sort(list(distinct family_name) filter (where family_name is not null)) as family_names,
                list_sort(list(distinct full_name) filter (
                    where full_name is not null and given_name is null and family_name is null)) as full_names,
                list_sort(list(distinct birth_date) filter (where birth_date is not null)) as birth_dates,
                list_sort(list(distinct struct_pack(street := street, house_number := house_number,
                    postal_code := postal_code, city := city, country := country)) filter (
                    where street is not null or postal_code is not null or city is not null)) as addresses,
                list_sort(list(distinct personal_number) filter (where personal_number is not null)) as numbers,
                list_sort(list(distinct gender) filter (where gender is not null)) as genders
            from named as n join party as p on p.party_record_id = n.record_id
            group by n.cluster_id
        ),
        own as (
            select m.cluster_id,
                list_sort(list(i.identifier_value) filter (where i.identifier_type = 'email')) as emails,
                list_sort(list(i.identifier_value) filter (where i.identifier_type = 'phone')) as phones,
                list_sort(list(i.identifier_type || ':' || i.identifier_value) filter (
                    where exists (select 1 from scratch.main.unique_type as u
                        where i.identifier_type = u.pattern or i.identifier_type glob u.pattern))) as unique_values
            from state.main.identifier_customer as m
            semi join said as s on s.cluster_id = m.cluster_id
            join state.main.identifier as i on i.identifier_code = m.identifier_code
            where not m.is_guarded
            group by m.cluster_id
        ),
        shared as (
            select n.cluster_id,
                list_sort(list(distinct i.identifier_value) filter (where i.identifier_type = 'email')) as shared_emails,
                list_sort(list(distinct i.identifier_value) filter (where i.identifier_type = 'phone')) as shared_phones
            from named as n
            join item as r on r.record_id = n.record_id
            join state.main.identifier_customer as a on a.identifier_code = r.identifier_code and a.is_guarded
            join state.main.identifier as i on i.identifier_code = r.identifier_code
            -- What is blocked names nobody (a filler, a role mailbox): that two records have it says nothing about them.
            where i.identifier_type in ('email', 'phone') and not i.is_blocked
            group by n.cluster_id
        )
        select s.*, o.emails, o.phones, h.shared_emails, h.shared_phones, o.unique_values
        from said as s
        join own as o on o.cluster_id = s.cluster_id
        left join shared as h on h.cluster_id = s.cluster_id
        """
    )
    session.run(
        """
        create or replace table scratch.main.old_cluster as
        select distinct cluster_id from scratch.main.old_assignment where not is_guarded
        """
    )
    columns = (
        "cluster_id, given_names, family_names, full_names, birth_dates, addresses, emails, phones, shared_emails, "
    )
    columns += "shared_phones, unique_values, numbers, genders"
    session.run(
        f"""
        create or replace table scratch.main.changed_cluster as
        select distinct cluster_id from (
            select {columns} from scratch.main.new_cluster_record except select {columns} from state.main.cluster_record
        )
        union
        select a.cluster_id from state.main.identifier_customer as a
        semi join scratch.main.decided_code as d on d.identifier_code = a.identifier_code
        semi join scratch.main.new_cluster_record as r on r.cluster_id = a.cluster_id
        """
    )
    session.run(
        """
        create or replace table scratch.main.gone_cluster as
        select cluster_id from scratch.main.old_cluster
        semi join state.main.cluster_record using (cluster_id)
        anti join scratch.main.new_cluster_record using (cluster_id)
        """
    )
    session.run(
        """
        delete from state.main.cluster_record where cluster_id in (
            select cluster_id from scratch.main.gone_cluster union all select cluster_id from scratch.main.changed_cluster)
        """
    )
    session.run(
        f"""
        insert into state.main.cluster_record by name
        select {columns} from scratch.main.new_cluster_record semi join scratch.main.changed_cluster using (cluster_id)
        """
    )


def renew_links(session: Session, configuration: Configuration, changed: pa.Array) -> list[str]:
    """Compare the changed clusters with all, and replace their links."""
    everything = not session.value("select count(*) from state.main.cluster_link") and len(changed) == session.value(
        "select count(*) from state.main.cluster_record"
    )
    result: MatchResult = find_links(
        session.arrow("from state.main.cluster_record"),
        configuration.identity.matching,
        None if everything else changed,
        apart(session),
        None if everything else session.arrow("from state.main.match_excluded"),
    )
    session.store("scratch.main.new_link", result.links)
    session.store("scratch.main.replaced_cluster", pa.table({"cluster_id": result.replaced}))
    session.store("scratch.main.new_excluded", result.excluded)
    session.run("create or replace table state.main.match_excluded as from scratch.main.new_excluded")
    ends = "cluster_a in (from {0}) or cluster_b in (from {0})"
    session.run(
        f"""
        create or replace table scratch.main.old_link as
        select * from state.main.cluster_link
        where {ends.format("scratch.main.replaced_cluster")} or {ends.format("scratch.main.gone_cluster")}
        """
    )
    session.run(
        f"""
        delete from state.main.cluster_link
        where {ends.format("scratch.main.replaced_cluster")} or {ends.format("scratch.main.gone_cluster")}
        """
    )
    session.run("insert into state.main.cluster_link by name from scratch.main.new_link")
    session.run(
        """
        create or replace table scratch.main.changed_link_cluster as
        with changed as (
            (from scratch.main.old_link except from scratch.main.new_link)
            union all (from scratch.main.new_link except from scratch.main.old_link)
        )
        select cluster_a as cluster_id from changed union select cluster_b from changed
        """
    )
    return result.messages


def apart(session: Session) -> pa.Table:
    """Pairs of clusters that a person declared different."""
    return session.arrow(
        """
        select distinct least(l.cluster_id, r.cluster_id) as cluster_a, greatest(l.cluster_id, r.cluster_id) as cluster_b
        from state.main.decision as d
        join state.main.identifier_customer as l on l.identifier_code = d.left_code
        join state.main.identifier_customer as r on r.identifier_code = d.right_code
        where d.decision = 'different' and l.cluster_id <> r.cluster_id
        """
    )


def regroup(session: Session, configuration: Configuration) -> None:
    """Group the clusters of every component of links that tonight reached, and give them the id of their oldest one."""
    links = session.arrow("from state.main.cluster_link where status = 'link' order by cluster_a, cluster_b")
    session.store("scratch.main.link_component", link_components(links))
    session.run(
        """
        create or replace table scratch.main.regrouped as
        with touched as (
            select cluster_id from scratch.main.changed_cluster
            union select cluster_id from scratch.main.gone_cluster
            union select cluster_id from scratch.main.changed_link_cluster
        ),
        mates as (
            select cluster_id from touched
            union
            select g.cluster_id from state.main.cluster_group as g
            semi join (
                select customer_id from state.main.cluster_group semi join touched using (cluster_id)
            ) as t on t.customer_id = g.customer_id
        )
        select cluster_id from mates
        union
        select l.cluster_id from scratch.main.link_component as l
        semi join (
            select component from scratch.main.link_component semi join mates using (cluster_id)
        ) as c on c.component = l.component
        """
    )
    session.run(
        "delete from state.main.cluster_group where cluster_id in (select cluster_id from scratch.main.regrouped)"
    )
    records = session.arrow("from state.main.cluster_record semi join scratch.main.regrouped using (cluster_id)")
    mine = pc.is_in(links["cluster_a"], records["cluster_id"])
    groups = group_clusters(links.filter(mine), records, configuration.identity.matching, apart(session))
    session.store("scratch.main.new_group", groups)
    session.run(
        """
        insert into state.main.cluster_group
        with sized as (
            select cluster_id, "group" as group_id from scratch.main.new_group
            qualify count(*) over (partition by "group") > 1
        )
        select s.cluster_id,
            first_value(s.cluster_id) over (
                partition by s.group_id order by c.first_seen_at nulls last, c.first_record_id, s.cluster_id) as customer_id
        from sized as s join state.main.cluster as c on c.cluster_id = s.cluster_id
        """
    )
    give_customers(session)


def link_components(links: pa.Table) -> pa.Table:
    """`cluster_id`, `component` of every cluster that has a link."""
    ends = pa.concat_arrays([links["cluster_a"].combine_chunks(), links["cluster_b"].combine_chunks()]).to_numpy()
    ids, place = np.unique(ends, return_inverse=True)
    half = links.num_rows
    graph = coo_array((np.ones(half, dtype=np.int8), (place[:half], place[half:])), shape=(len(ids), len(ids)))
    label = connected_components(graph, directed=False)[1] if len(ids) else np.zeros(0, dtype=np.int32)
    return pa.table({"cluster_id": pa.array(ids, pa.int64()), "component": pa.array(label, pa.int32())})


def give_customers(session: Session) -> None:
    """Write the customer of every cluster that was resolved or regrouped tonight; those beyond the reached are reached now."""
    session.run(
        """
        create or replace table scratch.main.customer_now as
        with cluster as (
            select cluster_id from scratch.main.regrouped
            union select cluster_id from scratch.main.new_assignment where not is_guarded
        )
        select a.identifier_code, a.customer_id as old_customer_id, coalesce(g.customer_id, a.cluster_id) as customer_id
        from state.main.identifier_customer as a
        semi join cluster as c on c.cluster_id = a.cluster_id
        left join state.main.cluster_group as g on g.cluster_id = a.cluster_id
        where not a.is_guarded and a.customer_id <> coalesce(g.customer_id, a.cluster_id)
        """
    )
    session.run(
        """
        create or replace table scratch.main.newly_reached as
        select identifier_code from scratch.main.customer_now
        anti join scratch.main.reached_code using (identifier_code)
        """
    )
    session.run(
        """
        insert into scratch.main.old_assignment
        select * from state.main.identifier_customer semi join scratch.main.newly_reached using (identifier_code)
        """
    )
    session.run("insert into scratch.main.reached_code from scratch.main.newly_reached")
    session.run(
        """
        update state.main.identifier_customer as a set customer_id = n.customer_id
        from scratch.main.customer_now as n where n.identifier_code = a.identifier_code
        """
    )

"""What became of each customer id: the table `customer_id_history`, written by every night and kept through full rebuilds.

Belongs here: comparing the customers of tonight with those of the release before, and the reasons of what changed. Does not
belong here: who is whose (`resolution.py`).

The ids themselves follow from the evidence, so that a rebuild gives the same; their history follows from what each release knew.
It is carried from release to release, dated by the data date, and the same nights in the same order give the same history.
An id that a release has published never vanishes from it.
"""

from __future__ import annotations

import datetime as dt

from models.contract import load_contracts
from models.identity import LINK_RULES
from pipelines.night.build import comment_table
from pipelines.night.session import Session, literal

TABLE = "customer_id_history"
# Why customers became one, by the strongest link between them; in the order of LINK_RULES, then likeness.
MERGE_REASONS = (
    "a decision says they are the same",
    "a system's own link joins them",
    "an e-mail address and its digest join them",
    "a record names identifiers of both",
    "names and particulars agree",
)
LIKENESS_RANK = len(LINK_RULES)


def prepare_history(session: Session) -> None:
    """Create the table of a new warehouse."""
    contract = load_contracts()[TABLE]
    if not session.exists("work", TABLE):
        session.run(f"create table work.main.{TABLE} ({contract.ddl()})")
    comment_table(session, contract, f"work.main.{TABLE}")


def keep_customers(session: Session) -> dict[str, str]:
    """What a full rebuild takes over from the release before: table to make -> query that gives its rows.

    Empty when the release knows no history (it was made by an earlier version, or there is none).
    """
    if not session.exists("work", TABLE):
        return {}
    return {
        f"work.main.{TABLE}": f"from work.main.{TABLE}",
        "state.main.previous_customer": "select i.identifier_key, a.customer_id "
        "from state.main.identifier_customer as a join state.main.identifier as i using (identifier_code) "
        "where not a.is_guarded",
    }


def note_changes(session: Session, release_id: str, data_date: dt.datetime) -> None:
    """Close the ids that ended tonight and open those that began, with what they came from and why.

    Only ids of people count: a guarded identifier has an id of its own, but is nobody. An id ends when none of its identifiers
    has it any more; it is then merged into the customer that has its earliest identifier.
    """
    compare(session)
    moment = f"timestamp '{data_date}'"
    session.run(
        """
        create or replace table scratch.main.ended_id as
        select distinct o.customer_id from scratch.main.history_old as o
        anti join state.main.identifier_customer as a on a.customer_id = o.customer_id and not a.is_guarded
        """
    )
    session.run(
        f"""
        create or replace table scratch.main.begun_id as
        select distinct n.customer_id from scratch.main.history_new as n
        anti join work.main.{TABLE} as h on h.customer_id = n.customer_id and h.valid_to is null
        """
    )
    link_customers(session)
    merge_reason = " ".join(f"when {rank} then {literal(reason)}" for rank, reason in enumerate(MERGE_REASONS))
    session.run(
        f"""
        create or replace table scratch.main.closed_id as
        with moved as (
            select o.customer_id, n.customer_id as new_customer_id, f.first_seen_at, f.first_record_id, i.identifier_key
            from scratch.main.history_old as o
            semi join scratch.main.ended_id as e on e.customer_id = o.customer_id
            join scratch.main.history_new as n on n.identifier_code = o.identifier_code
            join state.main.identifier as i on i.identifier_code = o.identifier_code
            join state.main.identifier_seen as f on f.identifier_code = o.identifier_code
        ),
        successor as (
            select customer_id, new_customer_id as merged_into from moved
            qualify row_number() over (
                partition by customer_id order by first_seen_at nulls last, first_record_id, identifier_key) = 1
        ),
        reason as (
            select s.customer_id, min(l.rule_rank) as rule_rank
            from successor as s
            join scratch.main.customer_link as l
                on l.one_id = s.customer_id and l.new_id = s.merged_into and l.other_id <> s.customer_id
            group by s.customer_id
        )
        select e.customer_id, s.merged_into,
            case
                when s.merged_into is null and e.customer_id in (
                    select o.customer_id from scratch.main.history_old as o
                    join state.main.identifier_customer as a on a.identifier_code = o.identifier_code)
                    then 'ended: what it was known by is shared or blocked now'
                when s.merged_into is null then 'ended: its records went'
                when s.merged_into in (select customer_id from scratch.main.history_old)
                    then 'merged: ' || case coalesce(r.rule_rank, {LIKENESS_RANK}) {merge_reason} end
                else 'renamed: its earliest record is another one now'
            end as reason
        from scratch.main.ended_id as e
        left join successor as s on s.customer_id = e.customer_id
        left join reason as r on r.customer_id = e.customer_id
        """
    )
    session.run(
        f"""
        create or replace table scratch.main.opened_id as
        with source as (
            select n.customer_id, o.customer_id as old_customer_id, count(*) as identifier_count
            from scratch.main.history_new as n
            semi join scratch.main.begun_id as b on b.customer_id = n.customer_id
            join scratch.main.history_old as o on o.identifier_code = n.identifier_code
            group by n.customer_id, o.customer_id
        ),
        origin as (
            select s.customer_id, s.old_customer_id, c.merged_into is not distinct from s.customer_id as is_renamed
            from source as s
            left join scratch.main.closed_id as c on c.customer_id = s.old_customer_id
            qualify row_number() over (
                partition by s.customer_id order by is_renamed desc, s.identifier_count desc, s.old_customer_id) = 1
        ),
        split_reason as (
            select o.customer_id, min(p.reason) as reason
            from origin as o
            join scratch.main.history_new as l on l.customer_id = o.customer_id
            join state.main.refused_pair as p on p.left_code = l.identifier_code or p.right_code = l.identifier_code
            group by o.customer_id
        ),
        guard_reason as (
            select h.customer_id, min(a.guard_reason) as reason
            from scratch.main.history_old as h
            join state.main.identifier_customer as a on a.identifier_code = h.identifier_code and a.is_guarded
            group by h.customer_id
        )
        select b.customer_id,
            case when not o.is_renamed then o.old_customer_id end as split_from,
            case
                when o.customer_id is null then 'first seen'
                when o.is_renamed then 'renamed: its earliest record is another one now'
                else 'split: ' || coalesce(
                    s.reason, 'what joined them is no link any more: ' || g.reason, 'what joined them is gone')
            end
            || case when b.customer_id in (select customer_id from work.main.{TABLE}) then '; had this id before' else '' end
                as reason
        from scratch.main.begun_id as b
        left join origin as o on o.customer_id = b.customer_id
        left join split_reason as s on s.customer_id = b.customer_id
        left join guard_reason as g on g.customer_id = o.old_customer_id
        """
    )
    session.run(
        f"""
        update work.main.{TABLE} as h
        set valid_to = {moment}, merged_into = c.merged_into, reason = c.reason, ended_release_id = '{release_id}'
        from scratch.main.closed_id as c
        where h.customer_id = c.customer_id and h.valid_to is null
        """
    )
    session.run(
        f"""
        insert into work.main.{TABLE} by name
        select customer_id, '{release_id}' as release_id, {moment} as valid_from, split_from, reason
        from scratch.main.opened_id
        """
    )
    session.drop(["scratch.main.history_old", "scratch.main.history_new", "scratch.main.customer_link"])


def compare(session: Session) -> None:
    """`scratch.main.history_old` and `history_new`: customer per identifier of a person, before and after tonight.

    Before a full rebuild stands what the release before said; the codes of its identifiers may be others now.
    """
    if session.exists("state", "previous_customer"):
        session.run(
            """
            create or replace table scratch.main.history_old as
            select i.identifier_code, p.customer_id
            from state.main.previous_customer as p
            left join state.main.identifier as i on i.identifier_key = p.identifier_key
            """
        )
        session.drop(["state.main.previous_customer"])
    else:
        session.run(
            "create or replace table scratch.main.history_old as "
            "select identifier_code, customer_id from scratch.main.old_assignment where not is_guarded"
        )
    session.run(
        """
        create or replace table scratch.main.history_new as
        select a.identifier_code, a.customer_id from state.main.identifier_customer as a
        semi join scratch.main.reached_code as r on r.identifier_code = a.identifier_code
        where not a.is_guarded
        """
    )


def link_customers(session: Session) -> None:
    """`scratch.main.customer_link`: pairs that join identifiers of an ended id with those of others, by rank of their rule.

    Columns: `one_id` (ended), `other_id` (whose the other identifier was; 0 for nobody's), `new_id` (whose both are now).
    """
    session.run(
        f"""
        create or replace table scratch.main.customer_link as
        with moved as (
            select o.identifier_code, o.customer_id as old_id from scratch.main.history_old as o
            semi join scratch.main.ended_id as e on e.customer_id = o.customer_id
        ),
        pair as (
            select left_code, right_code, case when link_count > 0 then {LINK_RULES.index("system_link")}
                else {LINK_RULES.index("record")} end as rule_rank
            from state.main.identifier_pair
            union all select left_code, right_code, {LINK_RULES.index("digest")} from state.main.identifier_digest
            union all select left_code, right_code, {LINK_RULES.index("decision")} from state.main.decision
                where decision = 'same'
        ),
        link as (
            select m.old_id, m.identifier_code, p.right_code as other_code, p.rule_rank
            from moved as m join pair as p on p.left_code = m.identifier_code
            union all
            select m.old_id, m.identifier_code, p.left_code, p.rule_rank
            from moved as m join pair as p on p.right_code = m.identifier_code
        )
        select distinct l.old_id as one_id, coalesce(o.customer_id, 0) as other_id, n.customer_id as new_id, l.rule_rank
        from link as l
        join scratch.main.history_new as n on n.identifier_code = l.identifier_code
        join scratch.main.history_new as t on t.identifier_code = l.other_code and t.customer_id = n.customer_id
        left join scratch.main.history_old as o on o.identifier_code = l.other_code
        """
    )

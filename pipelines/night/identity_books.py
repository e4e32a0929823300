"""The book of identity resolution: `identity_event`, what it held back, was told, or changed.

Belongs here: filling that table from the state and the history. Does not belong here: deciding any of it (`resolution.py`,
`id_history.py`).
"""

from __future__ import annotations

from pipelines.night.books import create
from pipelines.night.device import IN_ORDER, LESSER, RANK
from pipelines.night.likeness import EVIDENCE_TEXT
from pipelines.night.session import Session

# The two ends of a pair in the order of type and value, so that a pair reads the same whatever its codes.
ENDS = """
    case when (l.identifier_type, l.identifier_value) <= (r.identifier_type, r.identifier_value)
        then {'t': l.identifier_type, 'v': l.identifier_value, 'c': a.customer_id, 'u': r.identifier_type,
            'w': r.identifier_value, 'd': b.customer_id}
        else {'t': r.identifier_type, 'v': r.identifier_value, 'c': b.customer_id, 'u': l.identifier_type,
            'w': l.identifier_value, 'd': a.customer_id} end as ends
"""
BOTH_ENDS = """
    join state.main.identifier as l on l.identifier_code = p.left_code
    join state.main.identifier as r on r.identifier_code = p.right_code
    left join state.main.identifier_customer as a on a.identifier_code = p.left_code
    left join state.main.identifier_customer as b on b.identifier_code = p.right_code
"""


def write_identity_event(session: Session) -> None:
    """`identity_event`: one row per guard, refused pair, decision, refused value, and id that was merged, split or renamed."""
    create(session, "identity_event")
    session.run(
        """
        insert into work.main.identity_event by name
        select 'guard' as identity_event, a.customer_id, i.identifier_type as left_type, i.identifier_value as left_value,
            a.guard_reason as reason, count(r.record_id) as record_count
        from state.main.identifier_customer as a
        join state.main.identifier as i on i.identifier_code = a.identifier_code
        left join state.main.identifier_record as r on r.identifier_code = a.identifier_code
        where a.is_guarded
        group by a.customer_id, i.identifier_type, i.identifier_value, a.guard_reason
        """
    )
    for event, table, reason in (
        ("refused_pair", "refused_pair", "p.reason"),
        ("decision", "decision", "p.decision || ', line ' || p.line_number"),
    ):
        session.run(
            f"""
            insert into work.main.identity_event by name
            with pair as (select {ENDS}, {reason} as reason from state.main.{table} as p {BOTH_ENDS})
            select '{event}' as identity_event, ends.c as customer_id, ends.d as other_customer_id, ends.t as left_type,
                ends.v as left_value, ends.u as right_type, ends.w as right_value, reason
            from pair
            """
        )
    session.run(
        f"""
        insert into work.main.identity_event by name
        with face as (
            -- a cluster shows itself by its strongest identifier
            select a.cluster_id, a.customer_id, i.identifier_type, i.identifier_value
            from state.main.identifier_customer as a
            semi join (
                select cluster_a as cluster_id from state.main.cluster_link where status <> 'link'
                union select cluster_b from state.main.cluster_link where status <> 'link'
            ) as k on k.cluster_id = a.cluster_id
            join state.main.identifier as i on i.identifier_code = a.identifier_code
            join scratch.main.type_rule as s on s.identifier_type = i.identifier_type
            where not a.is_guarded
            qualify row_number() over (partition by a.cluster_id order by {RANK}) = 1
        )
        select case k.status when 'vetoed' then 'veto' else 'review' end as identity_event,
            {LESSER}, k.match_weight, case when {IN_ORDER} then l.customer_id else r.customer_id end as customer_id,
            case when {IN_ORDER} then r.customer_id else l.customer_id end as other_customer_id,
            coalesce(k.veto_reason || '; ', '') || {EVIDENCE_TEXT} as reason
        from state.main.cluster_link as k
        join face as l on l.cluster_id = k.cluster_a
        join face as r on r.cluster_id = k.cluster_b
        -- two that others joined anyway need nobody's eye
        where k.status = 'vetoed' or k.status = 'review' and l.customer_id <> r.customer_id
        """
    )
    session.run(
        """
        insert into work.main.identity_event by name
        select event_type as identity_event, identifier_type as left_type, identifier_value as left_value, reason,
            count(*) as record_count
        from state.main.identifier_refusal
        group by event_type, identifier_type, identifier_value, reason
        """
    )
    session.run(
        """
        insert into work.main.identity_event by name
        with changed as (
            select customer_id, split_from as other_customer_id, release_id, valid_from as occurred_at, reason
            from work.main.customer_id_history where split_from is not null
            union all
            select customer_id, merged_into, ended_release_id, valid_to, reason
            from work.main.customer_id_history where valid_to is not null
        )
        select
            case
                when reason like 'merged%' then 'merge'
                when reason like 'renamed%' then 'rename'
                when reason like 'ended%' then 'end'
                else 'split'
            end as identity_event, customer_id, other_customer_id, release_id, occurred_at, reason
        from changed
        """
    )

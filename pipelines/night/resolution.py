"""Second half of step 7: from the evidence to one customer per identifier, over the components that tonight reaches.

Belongs here: guards on shared identifiers, which components a night reaches, and the tables in `state` that hold the result.
Does not belong here: the rules themselves (`models/identity.py`), the evidence (`evidence.py`), likeness of names and addresses
(`likeness.py`), what became of earlier ids (`id_history.py`), which customers' tables are redone (`identity.py`).

A component is a set of identifiers connected by pairs that may link. A night reaches the components of its touched identifiers
and of the identifiers whose guard or decision changed; all other components are as they were, because a component's result
follows from its own evidence alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from models.configuration import Configuration
from models.customer_id import mint
from models.identity import LINK_RULES, MISSING_TIME, TypeRule, exceeds, limit_reason, resolve
from models.normalise import type_rule
from pipelines.night.session import Session, literal

TABLES = {
    # Only identifiers that are over a limit; blocked values are known by identifier.is_blocked.
    "identifier_guard": "identifier_code integer, guard_reason varchar",
    # component_code: what a night reaches at once; cluster_id: one person by identifiers alone; customer_id: with likeness.
    "identifier_customer": "identifier_code integer, component_code integer, cluster_id bigint, customer_id bigint, "
    "is_guarded boolean, is_device boolean, guard_reason varchar",
    "cluster": "cluster_id bigint, component_code integer, first_seen_at timestamp, first_record_id bigint",
    "refused_pair": "left_code integer, right_code integer, component_code integer, reason varchar",
}
AMBIGUOUS = "used by several people, one after another"
UNKNOWN_TYPE = TypeRule(99)


def prepare_resolution(session: Session) -> None:
    """Create the tables of a new warehouse."""
    for table, columns in TABLES.items():
        session.run(f"create table if not exists state.main.{table} ({columns})")


def type_rules(configuration: Configuration, types: Sequence[str]) -> dict[str, TypeRule]:
    """The configured rule of every identifier type that occurs; an unknown type is the weakest link without limits."""
    configured = configuration.identity.types
    rules = {}
    for name in types:
        pattern = type_rule(name, list(configured))
        rule = configured[pattern] if pattern else None
        rules[name] = (
            TypeRule(rule.strength, tuple(sorted(rule.limit.items())), rule.unique, rule.window_days, rule.device)
            if rule
            else UNKNOWN_TYPE
        )
    return rules


def resolve_customers(session: Session, configuration: Configuration, secret: bytes) -> None:
    """Resolve the reached components; fills `scratch.main.reached_code` and `scratch.main.old_assignment`.

    `secret` draws the ids. Needs `scratch.main.touched_code` and the decisions of the night.
    """
    rules = store_rules(session, configuration)
    lifted = update_guards(session, rules)
    reach(session, lifted)
    assignment = resolve_reached(session, rules, secret)
    session.store("scratch.main.new_assignment", assignment)
    write_assignment(session)


def store_rules(session: Session, configuration: Configuration) -> dict[str, TypeRule]:
    """`scratch.main.type_rule` and `scratch.main.limit_rule`: the rules of the types that occur."""
    types = [row[0] for row in session.rows("select distinct identifier_type from state.main.identifier order by 1")]
    rules = type_rules(configuration, types)
    session.store(
        "scratch.main.type_rule",
        pa.table(
            {
                "identifier_type": pa.array(types, pa.string()),
                "strength": pa.array([rules[name].strength for name in types], pa.int32()),
                "is_device": pa.array([rules[name].is_device for name in types], pa.bool_()),
            }
        ),
    )
    limits = [(name, other, limit) for name in types for other, limit in rules[name].limits]
    session.store(
        "scratch.main.limit_rule",
        pa.table(
            {
                "identifier_type": pa.array([row[0] for row in limits], pa.string()),
                "other_type": pa.array([row[1] for row in limits], pa.string()),
                "limit_count": pa.array([row[2] for row in limits], pa.int32()),
            }
        ),
    )
    return rules


def update_guards(session: Session, rules: dict[str, TypeRule]) -> pa.Table:
    """Guard the touched identifiers that are over a limit; returns those whose guard is lifted tonight.

    Pairs say cheaply who may be over a limit; only for those, and only where the limit has a window, the times of the
    meetings are looked at.
    """
    session.run(
        """
        create or replace table scratch.main.over_limit as
        with meeting as (
            select p.left_code as identifier_code, p.right_code as other_code from state.main.identifier_pair as p
            union all
            select p.right_code, p.left_code from state.main.identifier_pair as p
        ),
        -- whoever meets few others is over no limit, and most meet few
        busy as (
            select m.identifier_code from meeting as m
            semi join scratch.main.touched_code as t on t.identifier_code = m.identifier_code
            group by m.identifier_code
            having count(*) > (select min(limit_count) from scratch.main.limit_rule)
        )
        select m.identifier_code, i.identifier_type, o.identifier_type as other_type,
            any_value(l.limit_count) as limit_count
        from meeting as m
        semi join busy as b on b.identifier_code = m.identifier_code
        join state.main.identifier as i on i.identifier_code = m.identifier_code
        join state.main.identifier as o on o.identifier_code = m.other_code
        join scratch.main.limit_rule as l
            on l.identifier_type = i.identifier_type and l.other_type = o.identifier_type
        group by m.identifier_code, i.identifier_type, o.identifier_type
        having count(*) > any_value(l.limit_count)
        """
    )
    over = session.rows("from scratch.main.over_limit order by identifier_code, other_type")
    times = meeting_times(session, [row[0] for row in over if rules[row[1]].window_days])
    reasons: dict[int, str] = {}
    for code, name, other_type, limit in over:
        rule = rules[name]
        if code in reasons:
            continue
        if rule.window_days is not None:
            others, seen_at = times[(code, other_type)]
            if not exceeds(others, seen_at, limit, rule.window_days):
                continue
        reasons[code] = limit_reason(rule, other_type, limit)
    session.store(
        "scratch.main.new_guard",
        pa.table(
            {
                "identifier_code": pa.array(list(reasons), pa.int32()),
                "guard_reason": pa.array(list(reasons.values()), pa.string()),
            }
        ),
    )
    lifted = session.arrow(
        """
        select g.identifier_code from state.main.identifier_guard as g
        semi join scratch.main.touched_code as t on t.identifier_code = g.identifier_code
        anti join scratch.main.new_guard as n on n.identifier_code = g.identifier_code
        """
    )
    session.run(
        "delete from state.main.identifier_guard "
        "where identifier_code in (select identifier_code from scratch.main.touched_code)"
    )
    session.run("insert into state.main.identifier_guard by name select * from scratch.main.new_guard")
    return lifted


def meeting_times(session: Session, codes: list[int]) -> dict[tuple[int, str], tuple[np.ndarray, np.ndarray]]:
    """(code, other type) -> the others it meets and when, one element per record in which they meet."""
    if not codes:
        return {}
    session.store("scratch.main.timed_code", pa.table({"identifier_code": pa.array(sorted(set(codes)), pa.int32())}))
    meetings = session.arrow(
        """
        select t.identifier_code, i.identifier_type as other_type, o.identifier_code as other_code,
            coalesce(epoch_us(o.seen_at), 9223372036854775807) as seen_at
        from scratch.main.timed_code as t
        join state.main.identifier_record as r on r.identifier_code = t.identifier_code
        join state.main.identifier_record as o
            on o.record_id = r.record_id and o.identifier_code <> r.identifier_code
        join state.main.identifier as i on i.identifier_code = o.identifier_code and not i.is_blocked
        """
    )
    frame = pl.from_arrow(meetings)
    assert isinstance(frame, pl.DataFrame)
    assert np.iinfo(np.int64).max == MISSING_TIME
    return {
        (int(code), str(other_type)): (part["other_code"].to_numpy().astype(np.int64), part["seen_at"].to_numpy())
        for (code, other_type), part in frame.partition_by(
            "identifier_code", "other_type", as_dict=True, include_key=False
        ).items()
    }


def reach(session: Session, lifted: pa.Table) -> None:
    """`scratch.main.reached_code`: the identifiers of all components that tonight can have changed."""
    session.store("scratch.main.lifted_code", lifted)
    session.run(
        """
        create or replace table scratch.main.reached_code as
        with seed as (
            select identifier_code from scratch.main.touched_code
            union select identifier_code from scratch.main.decided_code
            -- an identifier that may link again meets all it ever met
            union select p.right_code from state.main.identifier_pair as p
                semi join scratch.main.lifted_code as l on l.identifier_code = p.left_code
            union select p.left_code from state.main.identifier_pair as p
                semi join scratch.main.lifted_code as l on l.identifier_code = p.right_code
            union select d.right_code from state.main.identifier_digest as d
                semi join scratch.main.touched_code as t on t.identifier_code = d.left_code
            union select d.left_code from state.main.identifier_digest as d
                semi join scratch.main.touched_code as t on t.identifier_code = d.right_code
        ),
        component as (
            select distinct a.component_code from state.main.identifier_customer as a
            semi join seed as s on s.identifier_code = a.identifier_code
        )
        select a.identifier_code from state.main.identifier_customer as a
        semi join component as c on c.component_code = a.component_code
        union
        select identifier_code from seed
        """
    )


def resolve_reached(session: Session, rules: dict[str, TypeRule], secret: bytes) -> pa.Table:
    """Resolve the reached identifiers; returns their new rows of `identifier_customer` and notes refused pairs."""
    # An enumeration is a byte per row where the name of the type is sixteen.
    types = f"enum ({', '.join(literal(name) for name in sorted(rules))})" if rules else "varchar"
    reached = session.arrow(
        f"""
        select i.identifier_code, cast(i.identifier_type as {types}) as identifier_type, i.identifier_key, f.first_seen_at,
            f.first_record_id, coalesce(i.block_reason, g.guard_reason) as guard_reason,
            i.is_blocked or g.identifier_code is not null as is_guarded
        from state.main.identifier as i
        semi join scratch.main.reached_code as r on r.identifier_code = i.identifier_code
        -- identifiers whose last record went keep their code and take no part
        join state.main.identifier_seen as f on f.identifier_code = i.identifier_code
        left join state.main.identifier_guard as g on g.identifier_code = i.identifier_code
        """
    )
    real = reached["identifier_code"].to_numpy()
    # Codes of the night, 0 to n-1: an array finds them faster than a join does.
    highest = session.value("select coalesce(max(identifier_code), -1) from state.main.identifier")
    dense = np.full(highest + 1, -1, dtype=np.int32)
    dense[real] = np.arange(len(real), dtype=np.int32)
    identifiers = reached.set_column(0, "identifier_code", pa.array(np.arange(len(real), dtype=np.int32)))
    pairs, apart = reached_pairs(session, dense)
    found = resolve(identifiers, pairs, rules, apart)
    del identifiers, pairs, dense
    assigned = found.assignment
    ambiguous = assigned["is_ambiguous"].to_numpy(zero_copy_only=False)
    cluster = mint(secret, assigned["anchor_record_id"].to_numpy(), assigned["anchor_tag"].to_numpy())
    component = real[assigned["component_code"].to_numpy()] if len(real) else real
    seen_at = assigned["anchor_seen_at"].to_numpy()
    session.store(
        "scratch.main.new_refused_pair",
        pa.table(
            {
                "left_code": pa.array(real[found.refused["left_code"].to_numpy()], pa.int32()),
                "right_code": pa.array(real[found.refused["right_code"].to_numpy()], pa.int32()),
                "component_code": pa.array(component[found.refused["left_code"].to_numpy()], pa.int32()),
                "reason": found.refused["reason"],
            }
        ),
    )
    frame = pl.DataFrame(
        {
            "identifier_code": pl.Series(real, dtype=pl.Int32),
            "component_code": pl.Series(component, dtype=pl.Int32),
            "cluster_id": pl.Series(cluster, dtype=pl.Int64),
            "is_guarded": pl.from_arrow(reached["is_guarded"]),
            "is_ambiguous": pl.Series(ambiguous, dtype=pl.Boolean),
            "guard_reason": pl.from_arrow(reached["guard_reason"]),
            "identifier_type": pl.from_arrow(reached["identifier_type"]),
            "anchor_record_id": pl.from_arrow(assigned["anchor_record_id"]),
            "anchor_seen_at": pl.Series(seen_at, dtype=pl.Int64),
        }
    )
    devices = [name for name, rule in rules.items() if rule.is_device]
    return frame.with_columns(
        is_guarded=pl.col("is_guarded") | pl.col("is_ambiguous"),
        guard_reason=pl.when(pl.col("is_ambiguous")).then(pl.lit(AMBIGUOUS)).otherwise(pl.col("guard_reason")),
        is_device=pl.col("identifier_type").is_in(devices),
        anchor_seen_at=pl.when(pl.col("anchor_seen_at") == MISSING_TIME)
        .then(None)
        .otherwise(pl.col("anchor_seen_at"))
        .cast(pl.Datetime("us")),
    ).to_arrow()


def reached_pairs(session: Session, dense: np.ndarray) -> tuple[pa.Table, pa.Table]:
    """Pairs that link reached identifiers, and pairs of them that a person declared different, both in codes of the night.

    `dense`: code of the night by code, -1 for what is not reached.
    """
    system_link, digest, record = (LINK_RULES.index(name) for name in ("system_link", "digest", "record"))
    told = session.arrow(
        f"""
        select left_code, right_code, {digest} as rule_rank, 1 as record_count from state.main.identifier_digest
        union all
        select left_code, right_code, 0, 1 from state.main.decision where decision = 'same'
        """
    )
    pairs = dense_ends(
        session.arrow(
            f"""
            select left_code, right_code, case when link_count > 0 then {system_link} else {record} end as rule_rank,
                record_count
            from state.main.identifier_pair
            """
        ),
        dense,
    )
    if told.num_rows:
        # Only what is told otherwise can name a pair that records name too; the strongest rule counts.
        pairs = (
            pl.concat([pairs, dense_ends(told, dense)])
            .group_by("left_code", "right_code")
            .agg(pl.col("rule_rank").min(), pl.col("record_count").max())
        )
    apart = dense_ends(
        session.arrow("select left_code, right_code from state.main.decision where decision = 'different'"), dense
    )
    return pairs.to_arrow(), apart.to_arrow()


def dense_ends(pairs: pa.Table, dense: np.ndarray) -> pl.DataFrame:
    """`pairs` whose ends are both reached, their ends in codes of the night."""
    frame = pl.from_arrow(pairs)
    assert isinstance(frame, pl.DataFrame)
    left, right = (dense[frame[side].to_numpy()] for side in ("left_code", "right_code"))
    return frame.with_columns(left_code=pl.Series(left), right_code=pl.Series(right)).filter(
        (pl.col("left_code") >= 0) & (pl.col("right_code") >= 0)
    )


def write_assignment(session: Session) -> None:
    """Replace the rows of the reached identifiers, keeping what they were in `scratch.main.old_assignment`."""
    session.run(
        """
        create or replace table scratch.main.old_assignment as
        select * from state.main.identifier_customer
        where identifier_code in (select identifier_code from scratch.main.reached_code)
        """
    )
    session.run(
        """
        create or replace table scratch.main.reached_component as
        select component_code from scratch.main.old_assignment
        union select component_code from scratch.main.new_assignment
        """
    )
    reached = "component_code in (select component_code from scratch.main.reached_component)"
    for table in ("identifier_customer", "cluster", "refused_pair"):
        session.run(f"delete from state.main.{table} where {reached}")
    session.run(
        """
        insert into state.main.identifier_customer by name
        select identifier_code, component_code, cluster_id, cluster_id as customer_id, is_guarded, is_device, guard_reason
        from scratch.main.new_assignment
        """
    )
    session.run(
        """
        insert into state.main.cluster by name
        select distinct cluster_id, component_code, anchor_seen_at as first_seen_at, anchor_record_id as first_record_id
        from scratch.main.new_assignment where not is_guarded
        """
    )
    session.run("insert into state.main.refused_pair by name select * from scratch.main.new_refused_pair")
    session.drop(["scratch.main.new_refused_pair"])

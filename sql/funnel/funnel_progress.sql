-- funnel_progress: how far each customer came in each funnel: one row per step reached.
-- kind: per_customer
-- grain: funnel, customer_id, step_number
-- ordered, strict: every touchpoint of step k takes over the latest entry (touchpoint of step 1) among the touchpoints of
-- step k - 1 before it (strict: right before it), as long as the window from that entry still runs. The latest entry is
-- always the best: its window ends last. An exclusion cuts the sequence. Same-time touchpoints follow the total order.
-- unordered: every touchpoint is tried as the first of the attempt; step k is reached when
-- steps 1 to k all happen within the window.
-- Eight steps at most: each level is one pass, spelled out (configuration.MAX_FUNNEL_STEPS). Repetitions of step 1 are
-- dropped before, which takes away most rows (page views) and changes nothing; but for unordered funnels, where an earlier one
-- may be the one within the window.
with

funnel_import as (
    select
        funnel,
        mode,
        step_number,
        window_seconds * 1000000 as window_microseconds
    from funnel_definition
),

member as (
    select
        funnel_import.funnel,
        funnel_import.mode,
        funnel_import.window_microseconds,
        funnel_touchpoint_type.touchpoint_type_code,
        coalesce(funnel_touchpoint_type.step_number, 0) as step_number,
        funnel_touchpoint_type.funnel_role = 'exclusion' as is_exclusion
    from funnel_import
    inner join funnel_touchpoint_type on funnel_touchpoint_type.funnel = funnel_import.funnel
    where funnel_import.step_number = 1
        and funnel_touchpoint_type.funnel_role <> 'optional'
),

happened as (
    select
        member.funnel,
        member.mode,
        member.window_microseconds,
        member.step_number,
        member.is_exclusion,
        spine.customer_id,
        spine.occurred_at,
        spine.sort_rank,
        spine.touchpoint_id
    from spine
    inner join member on member.touchpoint_type_code = spine.touchpoint_type_code
),

sequenced as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        step_number,
        is_exclusion,
        occurred_at,
        row_number() over (
            partition by funnel, customer_id
            order by occurred_at, sort_rank, touchpoint_id
        ) as position,
        lead(step_number) over (
            partition by funnel, customer_id
            order by occurred_at, sort_rank, touchpoint_id
        ) as next_step_number,
        sum(case when is_exclusion then 1 else 0 end) over (
            partition by funnel, customer_id
            order by occurred_at, sort_rank, touchpoint_id
            rows between unbounded preceding and current row
        ) as segment
    from happened
),

level_1 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case when step_number = 1 then occurred_at end as entered_at
    from sequenced
    where not is_exclusion
        and not (mode <> 'unordered' and step_number = 1 and coalesce(next_step_number, 0) = 1)
),

level_2 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case
            when step_number <> 2 then entered_at
            when mode = 'strict'
                then lag(
                    case
                        when step_number = 1
                            and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                            then entered_at
                    end
                ) over (
                    partition by funnel, customer_id, segment
                    order by position
                )
            else max(
                case
                    when step_number = 1
                        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                        then entered_at
                end
            ) over (
                partition by funnel, customer_id, segment
                order by position
                rows between unbounded preceding and 1 preceding
            )
        end as entered_at
    from level_1
    where mode <> 'unordered'
),

level_3 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case
            when step_number <> 3 then entered_at
            when mode = 'strict'
                then lag(
                    case
                        when step_number = 2
                            and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                            then entered_at
                    end
                ) over (
                    partition by funnel, customer_id, segment
                    order by position
                )
            else max(
                case
                    when step_number = 2
                        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                        then entered_at
                end
            ) over (
                partition by funnel, customer_id, segment
                order by position
                rows between unbounded preceding and 1 preceding
            )
        end as entered_at
    from level_2
),

level_4 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case
            when step_number <> 4 then entered_at
            when mode = 'strict'
                then lag(
                    case
                        when step_number = 3
                            and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                            then entered_at
                    end
                ) over (
                    partition by funnel, customer_id, segment
                    order by position
                )
            else max(
                case
                    when step_number = 3
                        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                        then entered_at
                end
            ) over (
                partition by funnel, customer_id, segment
                order by position
                rows between unbounded preceding and 1 preceding
            )
        end as entered_at
    from level_3
),

level_5 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case
            when step_number <> 5 then entered_at
            when mode = 'strict'
                then lag(
                    case
                        when step_number = 4
                            and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                            then entered_at
                    end
                ) over (
                    partition by funnel, customer_id, segment
                    order by position
                )
            else max(
                case
                    when step_number = 4
                        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                        then entered_at
                end
            ) over (
                partition by funnel, customer_id, segment
                order by position
                rows between unbounded preceding and 1 preceding
            )
        end as entered_at
    from level_4
),

level_6 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case
            when step_number <> 6 then entered_at
            when mode = 'strict'
                then lag(
                    case
                        when step_number = 5
                            and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                            then entered_at
                    end
                ) over (
                    partition by funnel, customer_id, segment
                    order by position
                )
            else max(
                case
                    when step_number = 5
                        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                        then entered_at
                end
            ) over (
                partition by funnel, customer_id, segment
                order by position
                rows between unbounded preceding and 1 preceding
            )
        end as entered_at
    from level_5
),

level_7 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case
            when step_number <> 7 then entered_at
            when mode = 'strict'
                then lag(
                    case
                        when step_number = 6
                            and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                            then entered_at
                    end
                ) over (
                    partition by funnel, customer_id, segment
                    order by position
                )
            else max(
                case
                    when step_number = 6
                        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                        then entered_at
                end
            ) over (
                partition by funnel, customer_id, segment
                order by position
                rows between unbounded preceding and 1 preceding
            )
        end as entered_at
    from level_6
),

level_8 as (
    select
        funnel,
        mode,
        window_microseconds,
        customer_id,
        segment,
        position,
        step_number,
        occurred_at,
        case
            when step_number <> 8 then entered_at
            when mode = 'strict'
                then lag(
                    case
                        when step_number = 7
                            and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                            then entered_at
                    end
                ) over (
                    partition by funnel, customer_id, segment
                    order by position
                )
            else max(
                case
                    when step_number = 7
                        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
                        then entered_at
                end
            ) over (
                partition by funnel, customer_id, segment
                order by position
                rows between unbounded preceding and 1 preceding
            )
        end as entered_at
    from level_7
),

chained as (
    select
        funnel,
        customer_id,
        step_number,
        occurred_at,
        entered_at,
        window_microseconds
    from level_8
    where entered_at is not null
        and date_diff('microsecond', entered_at, occurred_at) <= window_microseconds
),

-- For every touchpoint of an unordered funnel: when each step next happens, itself included.
upcoming as (
    select
        funnel,
        customer_id,
        occurred_at,
        window_microseconds,
        min(case when step_number = 1 then occurred_at end) over onward as step_1_at,
        min(case when step_number = 2 then occurred_at end) over onward as step_2_at,
        min(case when step_number = 3 then occurred_at end) over onward as step_3_at,
        min(case when step_number = 4 then occurred_at end) over onward as step_4_at,
        min(case when step_number = 5 then occurred_at end) over onward as step_5_at,
        min(case when step_number = 6 then occurred_at end) over onward as step_6_at,
        min(case when step_number = 7 then occurred_at end) over onward as step_7_at,
        min(case when step_number = 8 then occurred_at end) over onward as step_8_at
    from level_1
    where mode = 'unordered'
    window onward as (
        partition by funnel, customer_id, segment
        order by position
        rows between current row and unbounded following
    )
),

anchored as (
    select
        upcoming.funnel,
        upcoming.customer_id,
        funnel_import.step_number,
        case funnel_import.step_number
            when 1 then upcoming.step_1_at
            when 2 then greatest(upcoming.step_1_at, upcoming.step_2_at)
            when 3 then greatest(upcoming.step_1_at, upcoming.step_2_at, upcoming.step_3_at)
            when 4 then greatest(upcoming.step_1_at, upcoming.step_2_at, upcoming.step_3_at, upcoming.step_4_at)
            when 5 then greatest(
                upcoming.step_1_at,
                upcoming.step_2_at,
                upcoming.step_3_at,
                upcoming.step_4_at,
                upcoming.step_5_at
            )
            when 6 then greatest(
                upcoming.step_1_at,
                upcoming.step_2_at,
                upcoming.step_3_at,
                upcoming.step_4_at,
                upcoming.step_5_at,
                upcoming.step_6_at
            )
            when 7 then greatest(
                upcoming.step_1_at,
                upcoming.step_2_at,
                upcoming.step_3_at,
                upcoming.step_4_at,
                upcoming.step_5_at,
                upcoming.step_6_at,
                upcoming.step_7_at
            )
            when 8 then greatest(
                upcoming.step_1_at,
                upcoming.step_2_at,
                upcoming.step_3_at,
                upcoming.step_4_at,
                upcoming.step_5_at,
                upcoming.step_6_at,
                upcoming.step_7_at,
                upcoming.step_8_at
            )
        end as occurred_at,
        upcoming.occurred_at as entered_at,
        upcoming.window_microseconds
    from upcoming
    inner join funnel_import
        on funnel_import.funnel = upcoming.funnel
        and funnel_import.step_number <= case
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_1_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 0
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_2_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 1
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_3_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 2
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_4_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 3
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_5_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 4
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_6_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 5
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_7_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 6
            when coalesce(date_diff('microsecond', upcoming.occurred_at, upcoming.step_8_at), upcoming.window_microseconds + 1)
                > upcoming.window_microseconds then 7
            else 8
        end
),

attempt as (
    select
        funnel,
        customer_id,
        step_number,
        occurred_at,
        entered_at,
        window_microseconds
    from chained

    union all

    select
        funnel,
        customer_id,
        step_number,
        occurred_at,
        entered_at,
        window_microseconds
    from anchored
),

reached as (
    select
        funnel,
        customer_id,
        step_number,
        min(occurred_at) as reached_at,
        max(entered_at) as last_entered_at,
        min(date_diff('microsecond', entered_at, occurred_at)) as shortest_microseconds,
        max(window_microseconds) as window_microseconds
    from attempt
    group by
        funnel,
        customer_id,
        step_number
),

deepest as (
    select
        funnel,
        customer_id,
        max(step_number) as step_number
    from reached
    group by
        funnel,
        customer_id
)

select
    cast(reached.funnel as varchar) as funnel,
    cast(reached.customer_id as bigint) as customer_id,
    cast(reached.step_number as integer) as step_number,
    cast(reached.reached_at as timestamp) as reached_at,
    cast(reached.last_entered_at as timestamp) as last_entered_at,
    cast(
        reached.last_entered_at + (reached.window_microseconds / 1000000) * interval '1' second as timestamp
    ) as open_until_at,
    cast(
        (reached.shortest_microseconds - reached.shortest_microseconds % 1000000) / 1000000 as bigint
    ) as seconds_from_entry,
    cast(reached.step_number = deepest.step_number as boolean) as is_last
from reached
inner join deepest
    on deepest.funnel = reached.funnel
    and deepest.customer_id = reached.customer_id

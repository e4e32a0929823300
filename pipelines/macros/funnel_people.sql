-- funnel_people(steps, window_days, mode, exclusions): everybody who entered a funnel, one row per customer, with the time of each
-- step. steps: 1 to 8 touchpoint types in order, each a type or several with | between ('page_view|landing_page_view'). mode: ordered
-- (others may come between), strict (nothing may; with considered := [types], none of those), unordered (any order; step k
-- counts when steps 1 to k all happened). The window runs from the entry, inclusive. An exclusion ends the attempt. A customer
-- counts once: by the deepest attempt, of several the latest. Same-time touchpoints follow the total order. is_open: not
-- converted, and the window was not over at the data date.
-- example: from funnel_people(['cart_updated', 'order_placed'], window_days := 7) where not is_converted and not is_open
create or replace macro funnel_people(
    steps, window_days := 7, mode := 'ordered', exclusions := [], considered := []
) as table
with

numbered as (
    select
        touchpoint.customer_id,
        touchpoint.touchpoint_id,
        touchpoint.touchpoint_type,
        touchpoint.occurred_at,
        row_number() over (
            partition by touchpoint.customer_id
            order by
                touchpoint.occurred_at,
                case touchpoint.occurred_at_precision when 'day' then 0 when 'minute' then 1 else 2 end,
                touchpoint_type.sort_rank,
                coalesce(touchpoint.source_row_number, 0),
                touchpoint.touchpoint_id
        ) as number
    from touchpoint
    cross join setting
    join touchpoint_type using (touchpoint_type)
    where touchpoint.customer_id is not null
        and not touchpoint.is_bot
        and touchpoint.occurred_at <= setting.data_date_at
        and case
            when mode not in ('ordered', 'strict', 'unordered') then error('mode is ordered, strict or unordered, not ' || mode)
            when array_length(steps) > 8 then error('a funnel has at most 8 steps, not ' || array_length(steps))
            else true
        end
        -- Strict looks at everything that may not stand between; otherwise only the funnel's own touchpoints are sorted.
        and (
            (mode = 'strict' and array_length(considered) = 0)
            or list_contains(considered, touchpoint.touchpoint_type)
            or list_contains(exclusions, touchpoint.touchpoint_type)
            or list_contains(string_split(array_to_string(steps, '|'), '|'), touchpoint.touchpoint_type)
        )
),

definition as (
    select
        step_number,
        unnest(string_split(steps[step_number], '|')) as touchpoint_type
    from (select unnest(range(1, array_length(steps) + 1)) as step_number)
),

step_touchpoint as (
    select
        numbered.customer_id,
        numbered.touchpoint_id,
        numbered.occurred_at,
        numbered.number,
        definition.step_number
    from numbered
    join definition using (touchpoint_type)
),

excluded as (
    select
        customer_id,
        number
    from numbered
    where list_contains(exclusions, touchpoint_type)
),

-- Attempts begin at step 1, unordered ones at any step. Of step 1 several times in a row (no other touchpoint of the
-- funnel between) the last is the best entry: its window ends last. A touchpoint of a type that stands in step 1 and in a later
-- one comes as the later one first: what is before it may have been the entry.
anchor as (
    select
        customer_id,
        number,
        occurred_at
    from (
        select
            *,
            lead(step_number) over (partition by customer_id order by number, step_number desc) as next_step_number
        from step_touchpoint
    )
    where mode = 'unordered'
        or (step_number = 1 and (next_step_number is distinct from 1 or mode = 'strict'))
),

attempt as (
    select
        anchor.customer_id,
        anchor.number as anchor_number,
        anchor.occurred_at as anchor_at,
        anchor.number as next_number,
        coalesce(excluded.number, 9223372036854775807) as excluded_number,
        0 as depth
    from anchor
    asof left join excluded
        on excluded.customer_id = anchor.customer_id
        and excluded.number >= anchor.number
),

level_1 as (
    select
        attempt.customer_id,
        attempt.anchor_number,
        attempt.anchor_at,
        attempt.excluded_number,
        met.occurred_at as step_1_at,
        met.touchpoint_id as step_1_id,
        case when mode = 'unordered' then attempt.next_number else met.number + 1 end as next_number,
        attempt.depth + case
            when attempt.depth = 0
                and met.number < attempt.excluded_number
                and met.occurred_at <= attempt.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = attempt.next_number)
                then 1
            else 0
        end as depth
    from attempt
    asof left join step_touchpoint as met
        on met.customer_id = attempt.customer_id
        and met.step_number = 1
        and met.number >= attempt.next_number
),

level_2 as (
    select
        level_1.customer_id,
        level_1.anchor_number,
        level_1.anchor_at,
        level_1.excluded_number,
        level_1.step_1_at,
        level_1.step_1_id,
        met.occurred_at as step_2_at,
        met.touchpoint_id as step_2_id,
        case when mode = 'unordered' then level_1.next_number else met.number + 1 end as next_number,
        level_1.depth + case
            when level_1.depth = 1
                and met.number < level_1.excluded_number
                and met.occurred_at <= level_1.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = level_1.next_number)
                then 1
            else 0
        end as depth
    from level_1
    asof left join step_touchpoint as met
        on met.customer_id = level_1.customer_id
        and met.step_number = 2
        and met.number >= level_1.next_number
),

level_3 as (
    select
        level_2.customer_id,
        level_2.anchor_number,
        level_2.anchor_at,
        level_2.excluded_number,
        level_2.step_1_at,
        level_2.step_1_id,
        level_2.step_2_at,
        level_2.step_2_id,
        met.occurred_at as step_3_at,
        met.touchpoint_id as step_3_id,
        case when mode = 'unordered' then level_2.next_number else met.number + 1 end as next_number,
        level_2.depth + case
            when level_2.depth = 2
                and met.number < level_2.excluded_number
                and met.occurred_at <= level_2.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = level_2.next_number)
                then 1
            else 0
        end as depth
    from level_2
    asof left join step_touchpoint as met
        on met.customer_id = level_2.customer_id
        and met.step_number = 3
        and met.number >= level_2.next_number
),

level_4 as (
    select
        level_3.customer_id,
        level_3.anchor_number,
        level_3.anchor_at,
        level_3.excluded_number,
        level_3.step_1_at,
        level_3.step_1_id,
        level_3.step_2_at,
        level_3.step_2_id,
        level_3.step_3_at,
        level_3.step_3_id,
        met.occurred_at as step_4_at,
        met.touchpoint_id as step_4_id,
        case when mode = 'unordered' then level_3.next_number else met.number + 1 end as next_number,
        level_3.depth + case
            when level_3.depth = 3
                and met.number < level_3.excluded_number
                and met.occurred_at <= level_3.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = level_3.next_number)
                then 1
            else 0
        end as depth
    from level_3
    asof left join step_touchpoint as met
        on met.customer_id = level_3.customer_id
        and met.step_number = 4
        and met.number >= level_3.next_number
),

level_5 as (
    select
        level_4.customer_id,
        level_4.anchor_number,
        level_4.anchor_at,
        level_4.excluded_number,
        level_4.step_1_at,
        level_4.step_1_id,
        level_4.step_2_at,
        level_4.step_2_id,
        level_4.step_3_at,
        level_4.step_3_id,
        level_4.step_4_at,
        level_4.step_4_id,
        met.occurred_at as step_5_at,
        met.touchpoint_id as step_5_id,
        case when mode = 'unordered' then level_4.next_number else met.number + 1 end as next_number,
        level_4.depth + case
            when level_4.depth = 4
                and met.number < level_4.excluded_number
                and met.occurred_at <= level_4.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = level_4.next_number)
                then 1
            else 0
        end as depth
    from level_4
    asof left join step_touchpoint as met
        on met.customer_id = level_4.customer_id
        and met.step_number = 5
        and met.number >= level_4.next_number
),

level_6 as (
    select
        level_5.customer_id,
        level_5.anchor_number,
        level_5.anchor_at,
        level_5.excluded_number,
        level_5.step_1_at,
        level_5.step_1_id,
        level_5.step_2_at,
        level_5.step_2_id,
        level_5.step_3_at,
        level_5.step_3_id,
        level_5.step_4_at,
        level_5.step_4_id,
        level_5.step_5_at,
        level_5.step_5_id,
        met.occurred_at as step_6_at,
        met.touchpoint_id as step_6_id,
        case when mode = 'unordered' then level_5.next_number else met.number + 1 end as next_number,
        level_5.depth + case
            when level_5.depth = 5
                and met.number < level_5.excluded_number
                and met.occurred_at <= level_5.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = level_5.next_number)
                then 1
            else 0
        end as depth
    from level_5
    asof left join step_touchpoint as met
        on met.customer_id = level_5.customer_id
        and met.step_number = 6
        and met.number >= level_5.next_number
),

level_7 as (
    select
        level_6.customer_id,
        level_6.anchor_number,
        level_6.anchor_at,
        level_6.excluded_number,
        level_6.step_1_at,
        level_6.step_1_id,
        level_6.step_2_at,
        level_6.step_2_id,
        level_6.step_3_at,
        level_6.step_3_id,
        level_6.step_4_at,
        level_6.step_4_id,
        level_6.step_5_at,
        level_6.step_5_id,
        level_6.step_6_at,
        level_6.step_6_id,
        met.occurred_at as step_7_at,
        met.touchpoint_id as step_7_id,
        case when mode = 'unordered' then level_6.next_number else met.number + 1 end as next_number,
        level_6.depth + case
            when level_6.depth = 6
                and met.number < level_6.excluded_number
                and met.occurred_at <= level_6.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = level_6.next_number)
                then 1
            else 0
        end as depth
    from level_6
    asof left join step_touchpoint as met
        on met.customer_id = level_6.customer_id
        and met.step_number = 7
        and met.number >= level_6.next_number
),

level_8 as (
    select
        level_7.customer_id,
        level_7.anchor_number,
        level_7.anchor_at,
        level_7.excluded_number,
        level_7.step_1_at,
        level_7.step_1_id,
        level_7.step_2_at,
        level_7.step_2_id,
        level_7.step_3_at,
        level_7.step_3_id,
        level_7.step_4_at,
        level_7.step_4_id,
        level_7.step_5_at,
        level_7.step_5_id,
        level_7.step_6_at,
        level_7.step_6_id,
        level_7.step_7_at,
        level_7.step_7_id,
        met.occurred_at as step_8_at,
        met.touchpoint_id as step_8_id,
        case when mode = 'unordered' then level_7.next_number else met.number + 1 end as next_number,
        level_7.depth + case
            when level_7.depth = 7
                and met.number < level_7.excluded_number
                and met.occurred_at <= level_7.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint))
                and (mode <> 'strict' or met.number = level_7.next_number)
                then 1
            else 0
        end as depth
    from level_7
    asof left join step_touchpoint as met
        on met.customer_id = level_7.customer_id
        and met.step_number = 8
        and met.number >= level_7.next_number
),

best as (
    select
        customer_id,
        anchor_at,
        depth,
        case when depth >= 1 then step_1_at end as step_1_at,
        case when depth >= 1 then step_1_id end as step_1_id,
        case when depth >= 2 then step_2_at end as step_2_at,
        case when depth >= 2 then step_2_id end as step_2_id,
        case when depth >= 3 then step_3_at end as step_3_at,
        case when depth >= 3 then step_3_id end as step_3_id,
        case when depth >= 4 then step_4_at end as step_4_at,
        case when depth >= 4 then step_4_id end as step_4_id,
        case when depth >= 5 then step_5_at end as step_5_at,
        case when depth >= 5 then step_5_id end as step_5_id,
        case when depth >= 6 then step_6_at end as step_6_at,
        case when depth >= 6 then step_6_id end as step_6_id,
        case when depth >= 7 then step_7_at end as step_7_at,
        case when depth >= 7 then step_7_id end as step_7_id,
        case when depth >= 8 then step_8_at end as step_8_at,
        case when depth >= 8 then step_8_id end as step_8_id
    from level_8
    where depth > 0
    qualify row_number() over (partition by customer_id order by depth desc, anchor_number desc) = 1
)

select
    best.customer_id,
    best.anchor_at as entered_at,
    best.step_1_id as entry_touchpoint_id,
    best.depth as step_count,
    best.depth = array_length(steps) as is_converted,
    best.depth < array_length(steps)
    and best.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint)) >= setting.data_date_at as is_open,
    best.anchor_at + to_microseconds(cast(window_days * 86400000000 as bigint)) < setting.data_date_at as is_window_over,
    best.step_1_at,
    best.step_2_at,
    best.step_3_at,
    best.step_4_at,
    best.step_5_at,
    best.step_6_at,
    best.step_7_at,
    best.step_8_at,
    best.step_1_id,
    best.step_2_id,
    best.step_3_id,
    best.step_4_id,
    best.step_5_id,
    best.step_6_id,
    best.step_7_id,
    best.step_8_id
from best
cross join setting

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
        anchor.occurred_at + to_microseconds(cast(window_days * 86400000000 as bigint)) as last_at,
        coalesce(excluded.number, 9223372036854775807) as excluded_number,
        anchor.number as next_number,
        cast([] as timestamp[]) as met_at,
        cast([] as bigint[]) as met_id
    from anchor
    asof left join excluded
        on excluded.customer_id = anchor.customer_id
        and excluded.number >= anchor.number
),

-- One level per step: an attempt goes on with the next touchpoint of the step, if that comes in time and before an exclusion. Eight
-- times the same (an ASOF join cannot stand in a recursive query), on ever fewer attempts.
level_1 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from attempt as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 1 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

level_2 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from level_1 as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 2 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

level_3 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from level_2 as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 3 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

level_4 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from level_3 as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 4 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

level_5 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from level_4 as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 5 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

level_6 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from level_5 as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 6 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

level_7 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from level_6 as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 7 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

level_8 as (
    select
        going.* replace (
            case when mode = 'unordered' then going.next_number else met.number + 1 end as next_number,
            list_append(going.met_at, met.occurred_at) as met_at,
            list_append(going.met_id, met.touchpoint_id) as met_id
        )
    from level_7 as going
    asof join step_touchpoint as met
        on met.customer_id = going.customer_id and met.step_number = 8 and met.number >= going.next_number
    where met.number < going.excluded_number and met.occurred_at <= going.last_at
        and (mode <> 'strict' or met.number = going.next_number)
),

reached as (
    from level_1
    union all
    from level_2
    union all
    from level_3
    union all
    from level_4
    union all
    from level_5
    union all
    from level_6
    union all
    from level_7
    union all
    from level_8
),

best as (
    select
        *,
        array_length(met_at) as depth
    from reached
    qualify row_number() over (partition by customer_id order by array_length(met_at) desc, anchor_number desc) = 1
)

select
    best.customer_id,
    best.anchor_at as entered_at,
    best.met_id[1] as entry_touchpoint_id,
    best.depth as step_count,
    best.depth = array_length(steps) as is_converted,
    best.depth < array_length(steps)
    and best.last_at >= setting.data_date_at as is_open,
    best.last_at < setting.data_date_at as is_window_over,
    best.met_at[1] as step_1_at,
    best.met_at[2] as step_2_at,
    best.met_at[3] as step_3_at,
    best.met_at[4] as step_4_at,
    best.met_at[5] as step_5_at,
    best.met_at[6] as step_6_at,
    best.met_at[7] as step_7_at,
    best.met_at[8] as step_8_at,
    best.met_id[1] as step_1_id,
    best.met_id[2] as step_2_id,
    best.met_id[3] as step_3_id,
    best.met_id[4] as step_4_id,
    best.met_id[5] as step_5_id,
    best.met_id[6] as step_6_id,
    best.met_id[7] as step_7_id,
    best.met_id[8] as step_8_id
from best
cross join setting

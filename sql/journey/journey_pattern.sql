-- journey_pattern: where a customer went round in circles: rages and loops of every journey, with the step they began at.
-- kind: per_customer
-- grain: journey_id, pattern, step_number
-- rage: the same page (or, without one, the same touchpoint type) at least rage_count times, each at most rage_seconds after the one
-- before · loop: A > B > A > B > A, from one type to another and back to the first at least loop_count times; repetitions
-- in a row count once. Overlapping loops (A > B > A > B > A is also one of B) are told once, by the earliest step.
with

setting_import as (
    select
        rage_count,
        rage_seconds,
        loop_count
    from setting
),

-- Only steps that can be part of a rage need their page.
hurried as (
    select
        journey_step.journey_id,
        journey_step.customer_id,
        journey_step.journey_definition,
        journey_step.step_number,
        journey_step.touchpoint_id,
        journey_step.touchpoint_type,
        journey_step.page_group,
        journey_step.seconds_since_previous
    from journey_step
    cross join setting_import
    where coalesce(journey_step.seconds_since_previous <= setting_import.rage_seconds, false)
        or coalesce(journey_step.seconds_until_next <= setting_import.rage_seconds, false)
),

placed as (
    select
        hurried.journey_id,
        hurried.customer_id,
        hurried.journey_definition,
        hurried.step_number,
        hurried.touchpoint_type,
        hurried.page_group,
        hurried.seconds_since_previous,
        coalesce(touchpoint.page_path, hurried.touchpoint_type) as place,
        lag(coalesce(touchpoint.page_path, hurried.touchpoint_type)) over (
            partition by hurried.journey_id
            order by hurried.step_number
        ) as previous_place,
        lag(hurried.step_number) over (
            partition by hurried.journey_id
            order by hurried.step_number
        ) as previous_step_number
    from hurried
    inner join touchpoint on touchpoint.touchpoint_id = hurried.touchpoint_id
),

-- A run begins where the place changes, a step lies between, or the pause was long.
run as (
    select
        placed.journey_id,
        placed.customer_id,
        placed.journey_definition,
        placed.step_number,
        placed.touchpoint_type,
        placed.page_group,
        placed.seconds_since_previous,
        sum(
            case
                when placed.place = placed.previous_place
                    and placed.step_number = placed.previous_step_number + 1
                    and placed.seconds_since_previous <= setting_import.rage_seconds
                    then 0
                else 1
            end
        ) over (
            partition by placed.journey_id
            order by placed.step_number
            rows between unbounded preceding and current row
        ) as run_number
    from placed
    cross join setting_import
),

rage as (
    select
        run.journey_id,
        run.customer_id,
        run.journey_definition,
        min(run.step_number) as step_number,
        max(run.step_number) as last_step_number,
        min(run.touchpoint_type) as touchpoint_type,
        min(run.page_group) as page_group,
        count(*) as repeat_count
    from run
    group by
        run.journey_id,
        run.customer_id,
        run.journey_definition,
        run.run_number
    having count(*) >= (select max(setting_import.rage_count) from setting_import)
),

change as (
    select
        journey_id,
        customer_id,
        journey_definition,
        step_number,
        touchpoint_type,
        lag(touchpoint_type, 1) over ordered as type_1_before,
        lag(touchpoint_type, 2) over ordered as type_2_before,
        lag(step_number, 2) over ordered as step_2_before,
        row_number() over ordered as position
    from journey_step
    where not is_repeat
    window ordered as (
        partition by journey_id
        order by step_number
    )
),

-- Consecutive returns to the type before last: their positions minus their row numbers are one constant per loop.
returned as (
    select
        journey_id,
        customer_id,
        journey_definition,
        step_number,
        touchpoint_type,
        type_1_before,
        step_2_before,
        position,
        position - row_number() over (
            partition by journey_id
            order by step_number
        ) as loop_number
    from change
    where touchpoint_type = type_2_before
),

loop as (
    select
        returned.journey_id,
        returned.customer_id,
        returned.journey_definition,
        min(returned.step_2_before) as step_number,
        max(returned.step_number) as last_step_number,
        count(*) as return_count,
        min(returned.position) as first_position
    from returned
    group by
        returned.journey_id,
        returned.customer_id,
        returned.journey_definition,
        returned.loop_number
    -- Every second return is one to the first of the two types.
    having count(*) >= 2 * (select max(setting_import.loop_count) from setting_import) - 1
),

found as (
    select
        journey_id,
        customer_id,
        journey_definition,
        'rage' as pattern,
        step_number,
        last_step_number,
        touchpoint_type,
        cast(null as varchar) as other_touchpoint_type,
        page_group,
        repeat_count
    from rage

    union all

    select
        loop.journey_id,
        loop.customer_id,
        loop.journey_definition,
        'loop' as pattern,
        loop.step_number,
        loop.last_step_number,
        change.touchpoint_type,
        change.type_1_before as other_touchpoint_type,
        cast(null as varchar) as page_group,
        (loop.return_count + 1 - (loop.return_count + 1) % 2) / 2 as repeat_count
    from loop
    inner join change
        on change.journey_id = loop.journey_id
        and change.position = loop.first_position
)

select
    cast(found.journey_id as bigint) as journey_id,
    cast(found.customer_id as bigint) as customer_id,
    cast(found.journey_definition as varchar) as journey_definition,
    cast(found.pattern as varchar) as pattern,
    cast(found.step_number as integer) as step_number,
    cast(found.last_step_number as integer) as last_step_number,
    cast(found.touchpoint_type as varchar) as touchpoint_type,
    cast(found.other_touchpoint_type as varchar) as other_touchpoint_type,
    cast(found.page_group as varchar) as page_group,
    cast(found.repeat_count as integer) as repeat_count,
    cast(first_step.occurred_at as timestamp) as started_at,
    cast(last_step.occurred_at as timestamp) as ended_at
from found
inner join journey_step as first_step
    on first_step.journey_id = found.journey_id
    and first_step.step_number = found.step_number
inner join journey_step as last_step
    on last_step.journey_id = found.journey_id
    and last_step.step_number = found.last_step_number

-- The first four different touchpoints of each journey and how it went on; at each position the six commonest types by name.
with

change as (
    -- repeats of one type count once
    select
        journey_id,
        touchpoint_type,
        step_number
    from journey_step
    where journey_definition = $definition
    qualify lag(touchpoint_type) over (partition by journey_id order by step_number) is distinct from touchpoint_type
),

positioned as (
    select
        journey_id,
        touchpoint_type,
        row_number() over (partition by journey_id order by step_number) as position,
        count(*) over (partition by journey_id) as length
    from change
    qualify position <= 4
),

common as (
    select
        position,
        touchpoint_type
    from positioned
    group by position, touchpoint_type
    qualify row_number() over (partition by position order by count(*) desc, touchpoint_type) <= 6
),

way as (
    select
        positioned.journey_id,
        max(case when positioned.position = 1 then coalesce(common.touchpoint_type, 'other') end) as step_1,
        max(case when positioned.position = 2 then coalesce(common.touchpoint_type, 'other') end) as step_2,
        max(case when positioned.position = 3 then coalesce(common.touchpoint_type, 'other') end) as step_3,
        max(case when positioned.position = 4 then coalesce(common.touchpoint_type, 'other') end) as step_4,
        max(positioned.length) as length
    from positioned
    left join common
        on common.position = positioned.position
        and common.touchpoint_type = positioned.touchpoint_type
    group by positioned.journey_id
)

select
    way.step_1,
    way.step_2,
    way.step_3,
    way.step_4,
    case when way.length > 4 then 'continued' else journey.status end as ended,
    count(*) as journey_count
from way
inner join journey on journey.journey_id = way.journey_id
group by all
order by journey_count desc, step_1, step_2, step_3, step_4, ended

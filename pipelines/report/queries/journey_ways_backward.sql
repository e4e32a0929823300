-- The last four different touchpoints of each journey that ended, from its end backwards.
with

change as (
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
        row_number() over (partition by journey_id order by step_number desc) as position
    from change
    qualify position <= 4
),

way as (
    select
        journey_id,
        max(case when position = 1 then touchpoint_type end) as step_1,
        max(case when position = 2 then touchpoint_type end) as step_2,
        max(case when position = 3 then touchpoint_type end) as step_3,
        max(case when position = 4 then touchpoint_type end) as step_4
    from positioned
    group by journey_id
)

select
    journey.status as ended,
    way.step_1,
    way.step_2,
    way.step_3,
    way.step_4,
    count(*) as journey_count
from way
inner join journey on journey.journey_id = way.journey_id
where journey.status <> 'open'
group by all
order by journey_count desc, step_1, step_2, step_3, step_4, ended

-- Share of the journeys that are at a touchpoint type at each of the first ten steps.
with

total as (
    select count(*) as journey_count
    from journey
    where journey_definition = $definition
),

counted as (
    select
        touchpoint_type,
        step_number,
        count(*) as journey_count
    from journey_step
    where journey_definition = $definition and step_number <= 10
    group by all
)

select
    counted.touchpoint_type,
    counted.step_number,
    counted.journey_count,
    counted.journey_count / total.journey_count as journey_share
from counted
cross join total
order by sum(counted.journey_count) over (partition by counted.touchpoint_type) desc, counted.touchpoint_type, counted.step_number

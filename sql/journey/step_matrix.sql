-- step_matrix: at which touchpoint the journeys of a definition are at their first, second, … step, or how they ended before.
-- kind: aggregate
-- grain: journey_definition, step_number, state
-- Every journey is counted at every one of the first 20 steps, at a touchpoint or in one of the ends, so each step sums up to the
-- journeys (checked) and the shares of a step to 1.
with

journey_import as (
    select
        journey_definition,
        status,
        step_count
    from journey
),

number as (
    select distinct step_number
    from journey_step
    where step_number <= 20
),

present as (
    select
        journey_definition,
        step_number,
        touchpoint_type as state,
        count(*) as journey_count
    from journey_step
    where step_number <= 20
    group by
        journey_definition,
        step_number,
        touchpoint_type
),

-- By length first: a few hundred rows to multiply with the steps instead of every journey.
length as (
    select
        journey_definition,
        status,
        step_count,
        count(*) as journey_count
    from journey_import
    group by
        journey_definition,
        status,
        step_count
),

ended as (
    select
        length.journey_definition,
        number.step_number,
        '(' || length.status || ')' as state,
        sum(length.journey_count) as journey_count
    from length
    inner join number on number.step_number > length.step_count
    group by
        length.journey_definition,
        number.step_number,
        length.status
),

counted as (
    select
        journey_definition,
        step_number,
        state,
        journey_count
    from present

    union all

    select
        journey_definition,
        step_number,
        state,
        journey_count
    from ended
),

total as (
    select
        journey_definition,
        count(*) as total_count
    from journey_import
    group by journey_definition
)

select
    cast(counted.journey_definition as varchar) as journey_definition,
    cast(counted.step_number as integer) as step_number,
    cast(counted.state as varchar) as state,
    cast(counted.journey_count as bigint) as journey_count,
    cast(cast(counted.journey_count as double) / total.total_count as double) as journey_share
from counted
inner join total on total.journey_definition = counted.journey_definition

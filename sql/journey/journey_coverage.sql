-- journey_coverage: what of each journey definition the data shows; a goal that no export knows of has a count of 0.
-- kind: aggregate
-- grain: journey_definition, touchpoint_type
-- touchpoint_count: as often as customers had it · step_count: as often as it became part of a journey (a touchpoint before
-- the first start does not).
with

seen as (
    select
        touchpoint_type_code,
        count(*) as touchpoint_count
    from spine
    group by touchpoint_type_code
),

walked as (
    select
        journey_definition,
        touchpoint_type,
        count(*) as step_count,
        count(distinct journey_id) as journey_count
    from journey_step
    group by
        journey_definition,
        touchpoint_type
)

select
    cast(journey_definition_type.journey_definition as varchar) as journey_definition,
    cast(touchpoint_type.touchpoint_type as varchar) as touchpoint_type,
    cast(journey_definition_type.is_start as boolean) as is_start,
    cast(journey_definition_type.is_goal as boolean) as is_goal,
    cast(journey_definition_type.is_exit as boolean) as is_exit,
    cast(journey_definition_type.journey_phase as varchar) as journey_phase,
    cast(coalesce(seen.touchpoint_count, 0) as bigint) as touchpoint_count,
    cast(coalesce(walked.step_count, 0) as bigint) as step_count,
    cast(coalesce(walked.journey_count, 0) as bigint) as journey_count
from journey_definition_type
inner join touchpoint_type
    on touchpoint_type.touchpoint_type_code = journey_definition_type.touchpoint_type_code
left join seen
    on seen.touchpoint_type_code = journey_definition_type.touchpoint_type_code
left join walked
    on walked.journey_definition = journey_definition_type.journey_definition
    and walked.touchpoint_type = touchpoint_type.touchpoint_type

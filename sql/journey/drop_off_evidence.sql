-- drop_off_evidence: what bad experience stands before a drop-off, and how much more often than before going on.
-- kind: aggregate
-- grain: drop_off_level, journey_definition, step_number, touchpoint_type, friction
-- finish: models.survival.drop_off_evidence
-- A visit of a point has the evidence when the customer met it at the point or within the look-back time before, whether or not
-- that touchpoint belongs to the journey. Only visits that were over before the gap began to run out are compared: all the dropped
-- are among them, and those who went on are taken from the same time.
with

setting_import as (
    select
        data_date_at,
        evidence_look_back_seconds
    from setting
),

visit as (
    select
        journey_step.journey_definition,
        least(journey_step.step_number, 51) as step_number,
        journey_step.touchpoint_type,
        journey_step.touchpoint_id,
        journey_step.customer_id,
        journey_step.occurred_at,
        journey_step.occurred_at - setting_import.evidence_look_back_seconds * interval '1' second as looked_back_at,
        journey_step.is_last as is_dropped,
        setting_import.data_date_at
    from journey_step
    cross join setting_import
    inner join journey_definition
        on journey_definition.journey_definition = journey_step.journey_definition
    where not journey_step.is_goal
        and not journey_step.is_exit
        and journey_step.occurred_at + journey_definition.gap_seconds * interval '1' second < setting_import.data_date_at
),

counted as (
    select
        case when grouping(step_number) = 1 then 'touchpoint' else 'step' end as drop_off_level,
        journey_definition,
        case when grouping(step_number) = 1 then 0 else step_number end as step_number,
        touchpoint_type,
        count(*) filter (where is_dropped) as dropped_count,
        count(*) filter (where not is_dropped) as went_on_count
    from visit
    group by
        grouping sets (
            (journey_definition, touchpoint_type),
            (journey_definition, touchpoint_type, step_number)
        )
),

-- Distinct: several error pages on one day are one evidence.
burdened as (
    select distinct
        visit.journey_definition,
        visit.step_number,
        visit.touchpoint_type,
        visit.touchpoint_id,
        visit.is_dropped,
        friction.friction
    from friction
    inner join visit
        on visit.customer_id = friction.customer_id
        and friction.occurred_at <= visit.occurred_at
        and friction.occurred_at >= visit.looked_back_at
        and friction.known_at <= visit.data_date_at
),

burdened_count as (
    select
        case when grouping(step_number) = 1 then 'touchpoint' else 'step' end as drop_off_level,
        journey_definition,
        case when grouping(step_number) = 1 then 0 else step_number end as step_number,
        touchpoint_type,
        friction,
        count(*) filter (where is_dropped) as dropped_with_count,
        count(*) filter (where not is_dropped) as went_on_with_count
    from burdened
    group by
        grouping sets (
            (journey_definition, touchpoint_type, friction),
            (journey_definition, touchpoint_type, friction, step_number)
        )
)

select
    cast(burdened_count.drop_off_level as varchar) as drop_off_level,
    cast(burdened_count.journey_definition as varchar) as journey_definition,
    cast(burdened_count.step_number as integer) as step_number,
    cast(burdened_count.touchpoint_type as varchar) as touchpoint_type,
    cast(burdened_count.friction as varchar) as friction,
    cast(counted.dropped_count as bigint) as dropped_count,
    cast(burdened_count.dropped_with_count as bigint) as dropped_with_count,
    cast(counted.went_on_count as bigint) as went_on_count,
    cast(burdened_count.went_on_with_count as bigint) as went_on_with_count
from burdened_count
inner join counted
    on counted.drop_off_level = burdened_count.drop_off_level
    and counted.journey_definition = burdened_count.journey_definition
    and counted.step_number = burdened_count.step_number
    and counted.touchpoint_type = burdened_count.touchpoint_type

-- drop_off_point: where journeys end without reaching their goal, and what went wrong just there.
-- kind: aggregate
-- grain: drop_off_level, journey_definition, step_number, touchpoint_type
-- finish: models.statistics.drop_off_point
-- Two levels of the same count: 'touchpoint' (the type, at whatever step; step_number 0) and 'step' (type and step).
-- In each level the dropped sum up to the dropped journeys (checked). An open journey is counted as open, and stands
-- outside the share: it has not decided yet. Shares, intervals and marks are made by the finish function.
with

setting_import as (
    select
        low_score_scaled,
        long_wait_seconds
    from setting
),

journey_import as (
    select
        journey_id,
        status
    from journey
),

step as (
    select
        journey_step.journey_definition,
        journey_step.step_number,
        journey_step.touchpoint_type,
        not journey_step.is_last as is_continued,
        coalesce(journey_step.is_last and journey_import.status = 'converted', false) as is_converted,
        coalesce(journey_step.is_last and journey_import.status = 'dropped', false) as is_dropped,
        coalesce(journey_step.is_last and journey_import.status = 'open', false) as is_open,
        journey_step.is_failure,
        coalesce(journey_step.score_scaled <= setting_import.low_score_scaled, false) as is_low_score,
        coalesce(journey_step.waiting_seconds >= setting_import.long_wait_seconds, false) as is_long_wait
    from journey_step
    cross join setting_import
    left join journey_import
        on journey_import.journey_id = journey_step.journey_id
        and journey_step.is_last
)

select
    cast(case when grouping(step_number) = 1 then 'touchpoint' else 'step' end as varchar) as drop_off_level,
    cast(journey_definition as varchar) as journey_definition,
    cast(case when grouping(step_number) = 1 then 0 else step_number end as integer) as step_number,
    cast(touchpoint_type as varchar) as touchpoint_type,
    cast(count(*) as bigint) as reached_count,
    cast(count(*) filter (where is_continued) as bigint) as continued_count,
    cast(count(*) filter (where is_converted) as bigint) as converted_count,
    cast(count(*) filter (where is_dropped) as bigint) as dropped_count,
    cast(count(*) filter (where is_open) as bigint) as open_count,
    cast(count(*) filter (where is_dropped and is_failure) as bigint) as dropped_failure_count,
    cast(count(*) filter (where is_dropped and is_low_score) as bigint) as dropped_low_score_count,
    cast(count(*) filter (where is_dropped and is_long_wait) as bigint) as dropped_long_wait_count,
    cast(count(*) filter (where (is_continued or is_converted) and is_failure) as bigint) as went_on_failure_count,
    cast(count(*) filter (where (is_continued or is_converted) and is_low_score) as bigint) as went_on_low_score_count,
    cast(count(*) filter (where (is_continued or is_converted) and is_long_wait) as bigint) as went_on_long_wait_count
from step
group by
    grouping sets (
        (journey_definition, touchpoint_type),
        (journey_definition, touchpoint_type, step_number)
    )

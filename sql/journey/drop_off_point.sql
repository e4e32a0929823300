-- drop_off_point: where journeys end without reaching their goal, compared with the definition's other points, and what
-- went wrong just there.
-- kind: aggregate
-- grain: drop_off_level, journey_definition, step_number, touchpoint_type
-- finish: models.survival.drop_off_point
-- Two levels of the same count: 'touchpoint' (the type, at whatever step; step_number 0) and 'step' (type and step; 51 stands
-- for 51 and later). In each level the dropped sum up to the dropped journeys (checked). Who is still open has not decided
-- yet: the visit is watched for as long as it is known and then censored. Counted here per time watched; the finish function
-- makes the shares. Times are counted to the second in the first hour, to the minute on the first day, to the hour after.
with

setting_import as (
    select data_date_at
    from setting
),

definition_import as (
    select
        journey_definition,
        gap_seconds
    from journey_definition
),

journey_import as (
    select
        journey_id,
        status
    from journey
),

exit_type as (
    select
        journey_definition_type.journey_definition,
        touchpoint_type.touchpoint_type
    from journey_definition_type
    inner join touchpoint_type
        on touchpoint_type.touchpoint_type_code = journey_definition_type.touchpoint_type_code
    where journey_definition_type.is_exit
),

visit as (
    select
        journey_step.journey_definition,
        least(journey_step.step_number, 51) as step_number,
        journey_step.touchpoint_type,
        case
            when not journey_step.is_last and exit_type.touchpoint_type is not null then 'exiting'
            when not journey_step.is_last then 'went_on'
            else journey_import.status
        end as outcome,
        case
            when journey_step.is_goal or journey_step.is_exit then 0
            when not journey_step.is_last then journey_step.seconds_until_next
            when journey_import.status = 'dropped' then definition_import.gap_seconds
            else (
                date_diff('microsecond', journey_step.occurred_at, setting_import.data_date_at)
                - date_diff('microsecond', journey_step.occurred_at, setting_import.data_date_at) % 1000000
            ) / 1000000
        end as seconds,
        journey_step.occurred_at + definition_import.gap_seconds * interval '1' second < setting_import.data_date_at
            as is_followed
    from journey_step
    cross join setting_import
    inner join definition_import
        on definition_import.journey_definition = journey_step.journey_definition
    left join exit_type
        on exit_type.journey_definition = journey_step.journey_definition
        and exit_type.touchpoint_type = journey_step.next_touchpoint_type
    left join journey_import
        on journey_import.journey_id = journey_step.journey_id
        and journey_step.is_last
),

timed as (
    select
        journey_definition,
        step_number,
        touchpoint_type,
        outcome,
        is_followed,
        case
            when outcome = 'dropped' or seconds < 3600 then seconds
            when seconds < 86400 then seconds - seconds % 60
            else seconds - seconds % 3600
        end as seconds_at_risk
    from visit
),

counted as (
    select
        case when grouping(step_number) = 1 then 'touchpoint' else 'step' end as drop_off_level,
        journey_definition,
        case when grouping(step_number) = 1 then 0 else step_number end as step_number,
        touchpoint_type,
        seconds_at_risk,
        count(*) filter (where outcome = 'went_on') as went_on_count,
        count(*) filter (where outcome = 'exiting') as exiting_count,
        count(*) filter (where outcome = 'converted') as converted_count,
        count(*) filter (where outcome = 'exited') as exited_count,
        count(*) filter (where outcome = 'dropped') as dropped_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(*) filter (where is_followed) as followed_count
    from timed
    group by
        grouping sets (
            (journey_definition, touchpoint_type, seconds_at_risk),
            (journey_definition, touchpoint_type, seconds_at_risk, step_number)
        )
),

-- The one that stands out most, of those that are marked.
evidence as (
    select
        drop_off_level,
        journey_definition,
        step_number,
        touchpoint_type,
        friction,
        dropped_with_share,
        went_on_with_share,
        evidence_ratio
    from drop_off_evidence
    where is_marked
    qualify row_number() over (
        partition by drop_off_level, journey_definition, step_number, touchpoint_type
        order by dropped_with_share - went_on_with_share desc, friction
    ) = 1
)

select
    cast(counted.drop_off_level as varchar) as drop_off_level,
    cast(counted.journey_definition as varchar) as journey_definition,
    cast(counted.step_number as integer) as step_number,
    cast(counted.touchpoint_type as varchar) as touchpoint_type,
    cast(counted.seconds_at_risk as bigint) as seconds_at_risk,
    cast(counted.went_on_count as bigint) as went_on_count,
    cast(counted.exiting_count as bigint) as exiting_count,
    cast(counted.converted_count as bigint) as converted_count,
    cast(counted.exited_count as bigint) as exited_count,
    cast(counted.dropped_count as bigint) as dropped_count,
    cast(counted.open_count as bigint) as open_count,
    cast(counted.followed_count as bigint) as followed_count,
    cast(evidence.friction as varchar) as evidence,
    cast(evidence.dropped_with_share as double) as evidence_dropped_share,
    cast(evidence.went_on_with_share as double) as evidence_went_on_share,
    cast(evidence.evidence_ratio as double) as evidence_ratio
from counted
left join evidence
    on evidence.drop_off_level = counted.drop_off_level
    and evidence.journey_definition = counted.journey_definition
    and evidence.step_number = counted.step_number
    and evidence.touchpoint_type = counted.touchpoint_type

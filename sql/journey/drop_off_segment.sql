-- drop_off_segment: the drop-off points by segment: who is lost where more than others.
-- kind: aggregate
-- grain: journey_definition, touchpoint_type, segment_kind, segment
-- finish: models.survival.drop_off_segment
-- Segments: the channel the journey began in, the device of the touchpoint, the month of the touchpoint. Each is compared with the
-- others of its kind at the same touchpoint. Counted per time watched, as in drop_off_point.
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
        status,
        first_channel
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
        journey_step.touchpoint_type,
        journey_import.first_channel,
        coalesce(journey_step.device, 'unknown') as device,
        strftime(journey_step.occurred_at, '%Y-%m') as occurred_month,
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
    inner join journey_import on journey_import.journey_id = journey_step.journey_id
),

timed as (
    select
        journey_definition,
        touchpoint_type,
        first_channel,
        device,
        occurred_month,
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
        journey_definition,
        touchpoint_type,
        case
            when grouping(first_channel) = 0 then 'first_channel'
            when grouping(device) = 0 then 'device'
            else 'month'
        end as segment_kind,
        coalesce(first_channel, device, occurred_month) as segment,
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
            (journey_definition, touchpoint_type, seconds_at_risk, first_channel),
            (journey_definition, touchpoint_type, seconds_at_risk, device),
            (journey_definition, touchpoint_type, seconds_at_risk, occurred_month)
        )
)

select
    cast(journey_definition as varchar) as journey_definition,
    cast(touchpoint_type as varchar) as touchpoint_type,
    cast(segment_kind as varchar) as segment_kind,
    cast(segment as varchar) as segment,
    cast(seconds_at_risk as bigint) as seconds_at_risk,
    cast(went_on_count as bigint) as went_on_count,
    cast(exiting_count as bigint) as exiting_count,
    cast(converted_count as bigint) as converted_count,
    cast(exited_count as bigint) as exited_count,
    cast(dropped_count as bigint) as dropped_count,
    cast(open_count as bigint) as open_count,
    cast(followed_count as bigint) as followed_count
from counted

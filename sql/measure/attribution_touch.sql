-- attribution_touch: the touches of every decided journey: what attribution and the hazard of converting are counted on.
-- kind: aggregate
-- grain: journey_id, touch_number
-- Open journeys are left out: they may still convert, so they are no nulls. The steps of a converted journey count up to its
-- goal; a journey that is nothing but its goal has the goal as its one touch. A touch within a visit stands for where the visit
-- came from (its channel group), and consecutive steps of one channel with a pause no longer than a session's are one touch:
-- twenty pages are one visit.
-- A touch weighs half as much in time_decay for every half-life (setting) it lies before the end of the journey.
with

setting_import as (
    select
        session_gap_seconds * 1000000 as gap_microseconds,
        attribution_half_life_seconds
    from setting
),

decided as (
    select
        journey_id,
        journey_definition,
        customer_id,
        ended_at,
        step_count,
        status = 'converted' as is_converted,
        value_amount_base
    from journey
    where status <> 'open'
),

step as (
    select
        decided.journey_id,
        journey_step.step_number,
        journey_step.occurred_at,
        coalesce(
            regexp_replace(lower(session_source.channel_group), '[^a-z]+', '_', 'g'), journey_step.channel
        ) as attribution_channel
    from journey_step
    inner join decided on decided.journey_id = journey_step.journey_id
    left join session_source on session_source.session_id = journey_step.session_id
    where not decided.is_converted
        or decided.step_count = 1
        or journey_step.step_number < decided.step_count
),

followed as (
    select
        journey_id,
        step_number,
        occurred_at,
        attribution_channel,
        lag(attribution_channel) over ordered as previous_channel,
        lag(occurred_at) over ordered as previous_at
    from step
    window ordered as (
        partition by journey_id
        order by step_number
    )
),

opened as (
    select
        followed.journey_id,
        followed.step_number,
        followed.occurred_at,
        followed.attribution_channel
    from followed
    cross join setting_import
    where followed.previous_channel is null
        or followed.previous_channel <> followed.attribution_channel
        or date_diff('microsecond', followed.previous_at, followed.occurred_at) > setting_import.gap_microseconds
),

touch as (
    select
        journey_id,
        step_number,
        occurred_at,
        attribution_channel,
        row_number() over ordered as touch_number,
        lead(step_number) over ordered as next_step_number
    from opened
    window ordered as (
        partition by journey_id
        order by step_number
    )
)

select
    cast(touch.journey_id as bigint) as journey_id,
    cast(touch.touch_number as integer) as touch_number,
    cast(decided.journey_definition as varchar) as journey_definition,
    cast(decided.customer_id as bigint) as customer_id,
    cast(touch.attribution_channel as varchar) as attribution_channel,
    cast(touch.occurred_at as timestamp) as occurred_at,
    cast(touch.step_number as integer) as first_step_number,
    cast(coalesce(touch.next_step_number - 1, decided.step_count) as integer) as last_step_number,
    cast(
        power(
            0.5,
            cast(date_diff('microsecond', touch.occurred_at, decided.ended_at) as double)
            / 1000000 / setting_import.attribution_half_life_seconds
        ) as double
    ) as decay_weight,
    cast(decided.is_converted as boolean) as is_converted,
    cast(decided.value_amount_base as double) as value_amount_base
from touch
cross join setting_import
inner join decided on decided.journey_id = touch.journey_id

-- effect_conversion: what goes with converting, per visit or contact, among decided journeys.
-- kind: aggregate
-- grain: measure, scope, factor_kind, factor
-- finish: models.effect.conversion
-- The SELECT gives one row per touch without a factor, and one per factor with the touch from which on it had been met. The
-- goal itself is no factor: everything that counts lies strictly before it. With more journeys than the limit, those whose
-- id falls below a share are taken: the same ones every night.
with

setting_import as (
    select
        effect_unit_limit,
        long_wait_seconds
    from setting
),

size as (
    select
        journey_definition,
        count(distinct journey_id) as journey_count
    from attribution_touch
    group by journey_definition
),

chosen as (
    select
        attribution_touch.journey_definition,
        attribution_touch.journey_id,
        attribution_touch.customer_id,
        attribution_touch.touch_number,
        attribution_touch.attribution_channel,
        attribution_touch.first_step_number,
        attribution_touch.last_step_number,
        attribution_touch.is_converted
    from attribution_touch
    inner join size on size.journey_definition = attribution_touch.journey_definition
    cross join setting_import
    where size.journey_count <= setting_import.effect_unit_limit
        or attribution_touch.journey_id % 1024 * size.journey_count < 1024 * setting_import.effect_unit_limit
),

touch as (
    select
        journey_definition,
        journey_id,
        customer_id,
        touch_number,
        is_converted,
        -- The last touch of a converted journey ends with its goal, which is not yet known when it counts.
        greatest(
            case
                when is_converted and touch_number = max(touch_number) over (partition by journey_id)
                    then last_step_number - 1
                else last_step_number
            end,
            1
        ) as step_count,
        max(case when touch_number = 1 then attribution_channel end) over (partition by journey_id) as first_channel
    from chosen
),

met as (
    select
        chosen.journey_definition,
        chosen.journey_id,
        chosen.touch_number,
        journey_step.touchpoint_type,
        journey_step.channel,
        journey_step.is_failure,
        coalesce(journey_step.waiting_seconds >= setting_import.long_wait_seconds, false) as is_long_wait
    from journey_step
    cross join setting_import
    inner join chosen
        on chosen.journey_id = journey_step.journey_id
        and journey_step.step_number between chosen.first_step_number and chosen.last_step_number
    where not journey_step.is_goal
),

factor as (
    select
        journey_definition,
        journey_id,
        'touchpoint' as factor_kind,
        touchpoint_type as factor,
        min(touch_number) as first_period
    from met
    group by
        journey_definition,
        journey_id,
        touchpoint_type

    union all

    select
        journey_definition,
        journey_id,
        'channel' as factor_kind,
        channel as factor,
        min(touch_number) as first_period
    from met
    group by
        journey_definition,
        journey_id,
        channel

    union all

    select
        journey_definition,
        journey_id,
        'failure' as factor_kind,
        touchpoint_type as factor,
        min(touch_number) as first_period
    from met
    where is_failure
    group by
        journey_definition,
        journey_id,
        touchpoint_type

    union all

    select
        journey_definition,
        journey_id,
        'wait' as factor_kind,
        touchpoint_type as factor,
        min(touch_number) as first_period
    from met
    where is_long_wait
    group by
        journey_definition,
        journey_id,
        touchpoint_type
)

select
    cast(journey_definition as varchar) as scope,
    cast(journey_id as bigint) as unit_id,
    cast(customer_id as bigint) as customer_id,
    cast(touch_number as integer) as period,
    cast(step_count as integer) as step_count,
    cast(is_converted as boolean) as is_converted,
    cast(first_channel as varchar) as first_channel,
    cast(null as varchar) as factor_kind,
    cast(null as varchar) as factor,
    cast(null as integer) as first_period,
    cast(null as boolean) as is_bad
from touch

union all

select
    cast(journey_definition as varchar) as scope,
    cast(journey_id as bigint) as unit_id,
    cast(null as bigint) as customer_id,
    cast(null as integer) as period,
    cast(null as integer) as step_count,
    cast(null as boolean) as is_converted,
    cast(null as varchar) as first_channel,
    cast(factor_kind as varchar) as factor_kind,
    cast(factor as varchar) as factor,
    cast(first_period as integer) as first_period,
    cast(null as boolean) as is_bad
from factor

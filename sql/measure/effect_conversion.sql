-- effect_conversion: what goes with converting, per visit or contact.
-- kind: aggregate
-- grain: measure, scope, factor_kind, factor
-- finish: models.effect.conversion
-- An occasion is a run of steps with no more than a session's pause between them. At risk of converting are the visits that looked
-- at more than one page (an idle click on a newsletter, or a mail that is opened, is no attempt at anything), and in journeys
-- without visits all occasions; the others count as met before the next one at risk. An event is a goal before the next occasion
-- at risk, at most the journey's gap later. Only occasions whose gap is over at the data date are asked, whatever became of the
-- journey: were they asked because their journey is decided, then of the latest ones those that converted would be in and those
-- that did not would be out, most of all where something that keeps a journey open (a mail that is opened now and then) was met.
-- The SELECT gives one row per occasion at risk without a factor, and one per factor and the occasion it was met at or before,
-- with the time until which it counts as met (the effect window; until_days, since the journey began). The goal itself is no
-- factor: everything that counts lies strictly before it, and a journey that is nothing but its goal is left out: beside it,
-- whatever was met would look bad. With more journeys than the limit, those whose id falls below a share are taken: the same ones
-- every night. is_converted: a goal at most the gap after the first occasion at risk: what the channel of the first occasion is
-- measured by. step_count: how much was looked at so far: steps in the channel an occasion began in, before it came to buying. The
-- checkout and the page that thanks for an order belong to the outcome and are no measure of interest. is_near, was_near: this
-- occasion, or an earlier one, came as far as buying itself. What happens from there on in an occasion is no factor but for what
-- failed: a checkout, a login at it and the page of thanks are buying, not what it goes with. first_channel: where the first
-- occasion at risk came from. is_named: somebody, not only a device; who buys gets a name, so among the unnamed nobody ever
-- bought. is_returning: not the customer's first journey of this definition. is_unlinked: the journey began with a visit, and of
-- the customer's visits only a mark of the day is known (visitor), none that lasts (cookie): visits on other days are found only
-- where they named themselves.
with

setting_import as (
    select
        data_date_at,
        effect_unit_limit,
        long_wait_seconds,
        session_gap_seconds * 1000000 as gap_microseconds,
        cast(effect_window_seconds as double) / 86400 as window_days
    from setting
),

watched as (
    select
        journey.journey_id,
        journey.journey_definition,
        journey.customer_id,
        journey.started_at,
        case when journey.status = 'converted' then journey.ended_at end as converted_at,
        journey_definition.gap_seconds * 1000000 as horizon_microseconds
    from journey
    inner join journey_definition on journey_definition.journey_definition = journey.journey_definition
    cross join setting_import
    where not (journey.status = 'converted' and journey.step_count = 1)
        and date_diff('microsecond', journey.started_at, setting_import.data_date_at) >= journey_definition.gap_seconds * 1000000
),

size as (
    select
        journey_definition,
        count(*) as journey_count
    from watched
    group by journey_definition
),

chosen as (
    select
        watched.journey_id,
        watched.journey_definition,
        watched.customer_id,
        watched.started_at,
        watched.converted_at,
        watched.horizon_microseconds
    from watched
    inner join size on size.journey_definition = watched.journey_definition
    cross join setting_import
    where size.journey_count <= setting_import.effect_unit_limit
        or watched.journey_id % 1024 * size.journey_count < 1024 * setting_import.effect_unit_limit
),

step as (
    select
        chosen.journey_id,
        journey_step.step_number,
        journey_step.occurred_at,
        journey_step.touchpoint_type,
        journey_step.channel,
        journey_step.is_failure,
        coalesce(journey_step.journey_phase = 'during', false) as is_near,
        coalesce(journey_step.waiting_seconds >= setting_import.long_wait_seconds, false) as is_long_wait,
        session.session_id is not null as is_visit,
        coalesce(
            regexp_replace(lower(session.channel_group), '[^a-z]+', '_', 'g'), journey_step.channel
        ) as occasion_channel,
        lag(journey_step.occurred_at) over (
            partition by chosen.journey_id
            order by journey_step.step_number
        ) as previous_at
    from journey_step
    inner join chosen on chosen.journey_id = journey_step.journey_id
    cross join setting_import
    left join session on session.session_id = journey_step.session_id
    where not journey_step.is_goal
),

numbered as (
    select
        step.journey_id,
        step.step_number,
        step.occurred_at,
        step.touchpoint_type,
        step.channel,
        step.is_failure,
        step.is_long_wait,
        step.is_near,
        step.is_visit,
        step.occasion_channel,
        sum(
            case
                when step.previous_at is null
                    or date_diff('microsecond', step.previous_at, step.occurred_at) > setting_import.gap_microseconds
                    then 1
                else 0
            end
        ) over (
            partition by step.journey_id
            order by step.step_number
            rows between unbounded preceding and current row
        ) as period
    from step
    cross join setting_import
),

-- The channel of an occasion is that of its visit, where it has one.
leading_step as (
    select
        journey_id,
        period,
        channel,
        occasion_channel,
        min(case when is_near then step_number end) over (partition by journey_id, period) as near_step_number
    from numbered
    qualify row_number() over (
        partition by journey_id, period
        order by is_visit desc, step_number
    ) = 1
),

counted as (
    select
        numbered.journey_id,
        numbered.period,
        leading_step.occasion_channel,
        min(numbered.occurred_at) as occurred_at,
        bool_or(numbered.is_visit) as is_visit,
        bool_or(numbered.is_near) as is_near,
        sum(
            case
                when numbered.channel = leading_step.channel
                    and (
                        leading_step.near_step_number is null
                        or numbered.step_number < leading_step.near_step_number
                    )
                    then 1
                else 0
            end
        ) as step_count
    from numbered
    inner join leading_step
        on leading_step.journey_id = numbered.journey_id
        and leading_step.period = numbered.period
    group by
        numbered.journey_id,
        numbered.period,
        leading_step.occasion_channel
),

flagged as (
    select
        journey_id,
        period,
        occurred_at,
        occasion_channel,
        step_count,
        is_near,
        is_visit,
        (is_visit and step_count > 1) or not bool_or(is_visit) over (partition by journey_id) as is_at_risk
    from counted
),

-- risk_number: the occasion at risk that this one is, or that it comes before.
occasion as (
    select
        flagged.journey_id,
        flagged.period,
        flagged.is_at_risk,
        flagged.is_near,
        flagged.is_visit,
        flagged.occurred_at,
        flagged.occasion_channel,
        sum(flagged.step_count) over so_far as step_count,
        coalesce(
            bool_or(flagged.is_near) over (
                partition by flagged.journey_id
                order by flagged.period
                rows between unbounded preceding and 1 preceding
            ),
            false
        ) as was_near,
        sum(case when flagged.is_at_risk then 1 else 0 end) over so_far
        + case when flagged.is_at_risk then 0 else 1 end as risk_number
    from flagged
    window so_far as (
        partition by flagged.journey_id
        order by flagged.period
        rows between unbounded preceding and current row
    )
),

-- Occasions at risk with what became of them.
asked as (
    select
        occasion.journey_id,
        occasion.risk_number,
        occasion.occurred_at,
        occasion.occasion_channel,
        occasion.step_count,
        occasion.is_near,
        occasion.was_near,
        occasion.is_visit,
        lead(occasion.occurred_at) over (
            partition by occasion.journey_id
            order by occasion.period
        ) is null
        and coalesce(
            date_diff('microsecond', occasion.occurred_at, chosen.converted_at) <= chosen.horizon_microseconds, false
        ) as is_event,
        date_diff('microsecond', occasion.occurred_at, setting_import.data_date_at) >= chosen.horizon_microseconds as is_over
    from occasion
    inner join chosen on chosen.journey_id = occasion.journey_id
    cross join setting_import
    where occasion.is_at_risk
),

entry as (
    select
        asked.journey_id,
        max(case when asked.risk_number = 1 then asked.occasion_channel end) as first_channel,
        bool_or(asked.risk_number = 1 and asked.is_visit) as begins_with_visit,
        bool_or(
            asked.risk_number = 1
            and coalesce(date_diff('microsecond', asked.occurred_at, chosen.converted_at) <= chosen.horizon_microseconds, false)
        ) as is_converted,
        max(asked.risk_number) as risk_count
    from asked
    inner join chosen on chosen.journey_id = asked.journey_id
    where asked.is_over
    group by asked.journey_id
),

met as (
    select
        numbered.journey_id,
        numbered.touchpoint_type,
        numbered.channel,
        numbered.is_failure,
        numbered.is_long_wait,
        occasion.risk_number,
        -- Steps of buying itself belong to their occasion: a checkout given up weeks ago is not under way any more (was_near tells).
        case when numbered.is_near then occasion.risk_number end as last_risk_number,
        cast(date_diff('microsecond', chosen.started_at, numbered.occurred_at) as double) / 86400000000
        + setting_import.window_days as until_days
    from numbered
    inner join occasion
        on occasion.journey_id = numbered.journey_id
        and occasion.period = numbered.period
    inner join leading_step
        on leading_step.journey_id = numbered.journey_id
        and leading_step.period = numbered.period
    inner join chosen on chosen.journey_id = numbered.journey_id
    cross join setting_import
    where leading_step.near_step_number is null
        or numbered.step_number < leading_step.near_step_number
        or numbered.is_failure
),

known as (
    select
        customer_id,
        bool_or(identifier_type not in ('visitor', 'cookie')) as is_named,
        bool_or(identifier_type = 'visitor') and not bool_or(identifier_type = 'cookie') as has_daily_mark_only
    from customer_identifier
    group by customer_id
),

first_journey as (
    select
        customer_id,
        journey_definition,
        min(started_at) as started_at
    from journey
    group by
        customer_id,
        journey_definition
),

factor as (
    select
        journey_id,
        'touchpoint' as factor_kind,
        touchpoint_type as factor,
        risk_number as first_period,
        last_risk_number as last_period,
        max(until_days) as until_days
    from met
    group by
        journey_id,
        touchpoint_type,
        risk_number,
        last_risk_number

    union all

    select
        journey_id,
        'channel' as factor_kind,
        channel as factor,
        risk_number as first_period,
        cast(null as bigint) as last_period,
        max(until_days) as until_days
    from met
    group by
        journey_id,
        channel,
        risk_number

    union all

    select
        journey_id,
        'failure' as factor_kind,
        touchpoint_type as factor,
        risk_number as first_period,
        last_risk_number as last_period,
        max(until_days) as until_days
    from met
    where is_failure
    group by
        journey_id,
        touchpoint_type,
        risk_number,
        last_risk_number

    union all

    select
        journey_id,
        'wait' as factor_kind,
        touchpoint_type as factor,
        risk_number as first_period,
        last_risk_number as last_period,
        max(until_days) as until_days
    from met
    where is_long_wait
    group by
        journey_id,
        touchpoint_type,
        risk_number,
        last_risk_number
)

select
    cast(chosen.journey_definition as varchar) as scope,
    cast(chosen.journey_id as bigint) as unit_id,
    cast(chosen.customer_id as bigint) as customer_id,
    cast(asked.risk_number as integer) as period,
    cast(asked.step_count as integer) as step_count,
    cast(
        cast(date_diff('microsecond', chosen.started_at, asked.occurred_at) as double) / 86400000000 as double
    ) as age_days,
    cast(asked.is_near as boolean) as is_near,
    cast(asked.was_near as boolean) as was_near,
    cast(asked.is_event as boolean) as is_event,
    cast(entry.is_converted as boolean) as is_converted,
    cast(coalesce(known.is_named, false) as boolean) as is_named,
    cast(entry.begins_with_visit and coalesce(known.has_daily_mark_only, false) as boolean) as is_unlinked,
    cast(entry.begins_with_visit as boolean) as begins_with_visit,
    cast(chosen.started_at > first_journey.started_at as boolean) as is_returning,
    cast(asked.occasion_channel as varchar) as occasion_channel,
    cast(entry.first_channel as varchar) as first_channel,
    cast(null as varchar) as factor_kind,
    cast(null as varchar) as factor,
    cast(null as integer) as first_period,
    cast(null as integer) as last_period,
    cast(null as double) as until_days,
    cast(null as boolean) as is_bad
from asked
inner join chosen on chosen.journey_id = asked.journey_id
inner join first_journey
    on first_journey.customer_id = chosen.customer_id
    and first_journey.journey_definition = chosen.journey_definition
inner join entry on entry.journey_id = asked.journey_id
left join known on known.customer_id = chosen.customer_id
where asked.is_over

union all

select
    cast(chosen.journey_definition as varchar) as scope,
    cast(factor.journey_id as bigint) as unit_id,
    cast(null as bigint) as customer_id,
    cast(null as integer) as period,
    cast(null as integer) as step_count,
    cast(null as double) as age_days,
    cast(null as boolean) as is_near,
    cast(null as boolean) as was_near,
    cast(null as boolean) as is_event,
    cast(null as boolean) as is_converted,
    cast(null as boolean) as is_named,
    cast(null as boolean) as is_unlinked,
    cast(null as boolean) as begins_with_visit,
    cast(null as boolean) as is_returning,
    cast(null as varchar) as occasion_channel,
    cast(null as varchar) as first_channel,
    cast(factor.factor_kind as varchar) as factor_kind,
    cast(factor.factor as varchar) as factor,
    cast(factor.first_period as integer) as first_period,
    cast(factor.last_period as integer) as last_period,
    cast(factor.until_days as double) as until_days,
    cast(null as boolean) as is_bad
from factor
inner join chosen on chosen.journey_id = factor.journey_id
inner join entry
    on entry.journey_id = factor.journey_id
    and factor.first_period <= entry.risk_count

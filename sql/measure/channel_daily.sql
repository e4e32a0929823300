-- channel_daily: what happened per channel and day, with what it cost.
-- kind: aggregate
-- grain: activity_date, channel
-- Days are UTC days. Costs stand on the day the advertising account says. Robots are counted apart
-- (bot_touchpoint_count).
-- Conversions here are goals of the attribution definition reached in the channel itself; credit for the way there
-- is in channel_attribution.
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

setting_import as (
    select
        data_date_at,
        attribution_journey_definition
    from setting
),

activity as (
    select
        cast(date_trunc('day', touchpoint.occurred_at) as date) as activity_date,
        touchpoint.channel,
        count(*) filter (where not touchpoint.is_bot) as touchpoint_count,
        count(*) filter (where not touchpoint.is_bot and touchpoint.customer_id is not null) as identified_touchpoint_count,
        count(*) filter (where touchpoint.is_bot) as bot_touchpoint_count,
        count(distinct case when not touchpoint.is_bot then touchpoint.customer_id end) as customer_count,
        count(distinct touchpoint.session_id) as session_count,
        count(*) filter (where not touchpoint.is_bot and touchpoint.direction = 'inbound') as inbound_count,
        count(*) filter (where not touchpoint.is_bot and touchpoint.direction = 'outbound') as outbound_count,
        sum(case when not touchpoint.is_bot then touchpoint.waiting_seconds end) as waiting_seconds,
        count(case when not touchpoint.is_bot then touchpoint.waiting_seconds end) as waiting_count,
        cast(
            sum(cast(case when not touchpoint.is_bot then touchpoint.score_scaled end as decimal(38, 9)))
            as double
        ) as score_sum,
        count(case when not touchpoint.is_bot then touchpoint.score_scaled end) as score_count
    from touchpoint
    cross join setting_import
    where touchpoint.occurred_at <= setting_import.data_date_at
    group by
        cast(date_trunc('day', touchpoint.occurred_at) as date),
        touchpoint.channel
),

failure as (
    select
        cast(date_trunc('day', spine.occurred_at) as date) as activity_date,
        channel.channel,
        count(*) as failure_count
    from spine
    inner join channel on channel.channel_code = spine.channel_code
    where spine.is_failure
    group by
        cast(date_trunc('day', spine.occurred_at) as date),
        channel.channel
),

conversion as (
    select
        cast(date_trunc('day', journey_step.occurred_at) as date) as activity_date,
        journey_step.channel,
        count(*) as journey_conversion_count,
        cast(sum(cast(journey_step.amount_base as decimal(38, 4))) as double) as value_amount_base
    from journey_step
    inner join setting_import
        on setting_import.attribution_journey_definition = journey_step.journey_definition
    where journey_step.is_goal
    group by
        cast(date_trunc('day', journey_step.occurred_at) as date),
        journey_step.channel
),

cost as (
    select
        channel_cost.cost_date as activity_date,
        channel_cost.channel,
        sum(channel_cost.impression_count) as impression_count,
        sum(channel_cost.click_count) as click_count,
        cast(sum(cast(channel_cost.cost_amount_base as decimal(38, 4))) as double) as cost_amount_base
    from channel_cost
    cross join setting_import
    where channel_cost.cost_date <= cast(setting_import.data_date_at as date)
    group by
        channel_cost.cost_date,
        channel_cost.channel
),

day as (
    select activity_date, channel from activity
    union
    select activity_date, channel from cost
)

select
    cast(day.activity_date as date) as activity_date,
    cast(day.channel as varchar) as channel,
    cast(coalesce(activity.touchpoint_count, 0) as bigint) as touchpoint_count,
    cast(coalesce(activity.identified_touchpoint_count, 0) as bigint) as identified_touchpoint_count,
    cast(coalesce(activity.bot_touchpoint_count, 0) as bigint) as bot_touchpoint_count,
    cast(coalesce(activity.customer_count, 0) as bigint) as customer_count,
    cast(coalesce(activity.session_count, 0) as bigint) as session_count,
    cast(coalesce(activity.inbound_count, 0) as bigint) as inbound_count,
    cast(coalesce(activity.outbound_count, 0) as bigint) as outbound_count,
    cast(coalesce(failure.failure_count, 0) as bigint) as failure_count,
    cast(coalesce(conversion.journey_conversion_count, 0) as bigint) as journey_conversion_count,
    cast(coalesce(conversion.value_amount_base, 0) as double) as value_amount_base,
    cast(
        case when activity.waiting_count > 0 then cast(activity.waiting_seconds as double) / activity.waiting_count end as double
    ) as mean_waiting_seconds,
    cast(
        case when activity.score_count > 0 then activity.score_sum / activity.score_count end
        as double
    ) as mean_score_scaled,
    cast(coalesce(cost.impression_count, 0) as bigint) as impression_count,
    cast(coalesce(cost.click_count, 0) as bigint) as click_count,
    cast(coalesce(cost.cost_amount_base, 0) as double) as cost_amount_base
from day
left join activity
    on activity.activity_date = day.activity_date
    and activity.channel = day.channel
left join failure
    on failure.activity_date = day.activity_date
    and failure.channel = day.channel
left join conversion
    on conversion.activity_date = day.activity_date
    and conversion.channel = day.channel
left join cost
    on cost.activity_date = day.activity_date
    and cost.channel = day.channel

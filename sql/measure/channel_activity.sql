-- channel_activity: what channel metrics are sums of: counts per day, channel, its dimensions, customer and visit.
-- kind: aggregate
-- grain: no key: one row per day, channel with its dimensions, customer and visit
-- The grain has no key of its own: customer and visit are NULL where there are none, and costs have neither. An order, a
-- purchase at the till: a goal that is no part of a visit stands in the channel group, and beside the campaign, of the last
-- visit of its journey: what a visit brought is there beside what it cost. Robots are counted apart. brought_…: visits, goals
-- and their value once more, standing where they were paid for: in the row of the spend of their day, channel group and
-- campaign where there is one (an account calls a campaign "Winter sale", its links say winter-sale, or name its id),
-- otherwise in their own row. A visit counts where it began (visit_count on its first touchpoint). Waiting is how long a
-- customer who came to us waited; response is how long we took to answer. NPS: promoters answered 9 or 10, detractors 0 to 6;
-- CSAT: satisfied are the best two of five; CES: mean of the scaled answers.
with

setting_import as (
    select
        data_date_at,
        attribution_journey_definition
    from setting
),

goal as (
    select
        journey_step.touchpoint_id,
        max(journey_step.journey_id) as journey_id,
        count(*) as journey_conversion_count,
        sum(cast(journey_step.amount_base as decimal(38, 4))) as value_amount_base
    from journey_step
    inner join setting_import
        on setting_import.attribution_journey_definition = journey_step.journey_definition
    where journey_step.is_goal
    group by journey_step.touchpoint_id
),

-- One goal may end the journey of one customer only, so a goal has one last visit.
last_visit as (
    select
        goal.touchpoint_id,
        session_source.channel_group,
        session_source.campaign_name
    from goal
    inner join journey_step on journey_step.journey_id = goal.journey_id
    inner join session_source on session_source.session_id = journey_step.session_id
    qualify row_number() over (
        partition by goal.touchpoint_id
        order by journey_step.step_number desc
    ) = 1
),

described as (
    select
        cast(date_trunc('day', touchpoint.occurred_at) as date) as activity_date,
        touchpoint.channel,
        coalesce(touchpoint.channel_detail, '(none)') as channel_detail,
        coalesce(session_source.channel_group, last_visit.channel_group, '(none)') as channel_group,
        coalesce(touchpoint.campaign_name, last_visit.campaign_name, '(none)') as campaign_name,
        touchpoint.medium,
        touchpoint.journey_phase,
        touchpoint.direction,
        case when not touchpoint.is_bot then touchpoint.customer_id end as customer_id,
        touchpoint.session_id,
        touchpoint.touchpoint_id,
        touchpoint.is_bot,
        touchpoint.touchpoint_type in ('error_page', 'payment_failed', 'delivery_failed')
        or coalesce(touchpoint.outcome in ('failure', 'no_answer', 'abandoned'), false) as is_failure,
        case when not touchpoint.is_bot then touchpoint.waiting_seconds end as waiting_seconds,
        case when not touchpoint.is_bot then touchpoint.score_kind end as score_kind,
        case when not touchpoint.is_bot then touchpoint.score_scaled end as score_scaled
    from touchpoint
    cross join setting_import
    left join session_source on session_source.session_id = touchpoint.session_id
    left join last_visit on last_visit.touchpoint_id = touchpoint.touchpoint_id
    where touchpoint.occurred_at <= setting_import.data_date_at
),

activity as (
    select
        described.activity_date,
        described.channel,
        described.channel_detail,
        described.channel_group,
        described.campaign_name,
        described.medium,
        described.journey_phase,
        described.direction,
        described.customer_id,
        described.session_id,
        count(*) filter (where not described.is_bot) as touchpoint_count,
        count(*) filter (where not described.is_bot and described.customer_id is not null) as identified_touchpoint_count,
        count(*) filter (where described.is_bot) as bot_touchpoint_count,
        count(*) filter (where described.session_id = described.touchpoint_id) as visit_count,
        count(*) filter (where not described.is_bot and described.direction = 'inbound') as inbound_count,
        count(*) filter (where not described.is_bot and described.direction = 'outbound') as outbound_count,
        count(*) filter (where not described.is_bot and described.is_failure) as failure_count,
        sum(goal.journey_conversion_count) as journey_conversion_count,
        sum(goal.value_amount_base) as value_amount_base,
        sum(case when described.direction <> 'outbound' then described.waiting_seconds end) as waiting_seconds,
        count(case when described.direction <> 'outbound' then described.waiting_seconds end) as waiting_count,
        sum(case when described.direction = 'outbound' then described.waiting_seconds end) as response_seconds,
        count(case when described.direction = 'outbound' then described.waiting_seconds end) as response_count,
        sum(cast(described.score_scaled as decimal(38, 9))) as score_sum,
        count(described.score_scaled) as score_count,
        count(*) filter (where described.score_kind = 'nps' and described.score_scaled >= 0.9) as nps_promoter_count,
        count(*) filter (where described.score_kind = 'nps' and described.score_scaled < 0.65) as nps_detractor_count,
        count(*) filter (where described.score_kind = 'nps' and described.score_scaled is not null) as nps_count,
        sum(cast(case when described.score_kind = 'ces' then described.score_scaled end as decimal(38, 9))) as ces_sum,
        count(*) filter (where described.score_kind = 'ces' and described.score_scaled is not null) as ces_count,
        count(*) filter (where described.score_kind = 'csat' and described.score_scaled >= 0.75) as csat_satisfied_count,
        count(*) filter (where described.score_kind = 'csat' and described.score_scaled is not null) as csat_count
    from described
    left join goal on goal.touchpoint_id = described.touchpoint_id
    group by
        described.activity_date,
        described.channel,
        described.channel_detail,
        described.channel_group,
        described.campaign_name,
        described.medium,
        described.journey_phase,
        described.direction,
        described.customer_id,
        described.session_id
),

-- In which channel group the visits of a network's advertisements arrive.
spend as (
    select
        channel_cost.cost_date as activity_date,
        channel_cost.channel,
        coalesce(channel_cost.channel_detail, '(none)') as channel_detail,
        case
            when regexp_matches(
                lower(channel_cost.channel_detail), 'meta|facebook|instagram|linkedin|pinterest|tiktok|twitter|snapchat'
            ) then 'Paid Social'
            when regexp_matches(lower(channel_cost.channel_detail), 'display|content|youtube|video') then 'Display'
            when regexp_matches(lower(channel_cost.channel_detail), 'google|bing|microsoft|search') then 'Paid Search'
            else '(none)'
        end as channel_group,
        coalesce(channel_cost.campaign_name, '(none)') as campaign_name,
        channel_cost.campaign_id,
        channel_cost.impression_count,
        channel_cost.click_count,
        channel_cost.cost_amount_base
    from channel_cost
    cross join setting_import
    where channel_cost.cost_date <= cast(setting_import.data_date_at as date)
),

cost as (
    select
        activity_date,
        channel,
        channel_detail,
        channel_group,
        campaign_name,
        sum(impression_count) as impression_count,
        sum(click_count) as click_count,
        sum(cast(cost_amount_base as decimal(38, 4))) as cost_amount_base
    from spend
    group by
        activity_date,
        channel,
        channel_detail,
        channel_group,
        campaign_name
),

-- What links may call the campaign of a line of spend.
spend_campaign as (
    select
        activity_date,
        channel,
        channel_detail,
        channel_group,
        campaign_name,
        regexp_replace(lower(campaign_name), '[^\p{L}\p{N}]+', '', 'g') as campaign_key
    from spend
    where campaign_name <> '(none)'

    union

    select
        activity_date,
        channel,
        channel_detail,
        channel_group,
        campaign_name,
        regexp_replace(lower(campaign_id), '[^\p{L}\p{N}]+', '', 'g') as campaign_key
    from spend
    where campaign_id is not null
),

-- Asked once per name, because a pattern per row is dear.
named as (
    select
        campaign_name,
        nullif(regexp_replace(lower(campaign_name), '[^\p{L}\p{N}]+', '', 'g'), '') as campaign_key
    from activity
    where campaign_name <> '(none)'
    group by campaign_name
),

arrived as (
    select
        activity.activity_date,
        activity.channel_group,
        named.campaign_key,
        sum(activity.visit_count) as visit_count,
        sum(activity.journey_conversion_count) as journey_conversion_count,
        sum(activity.value_amount_base) as value_amount_base
    from activity
    inner join named on named.campaign_name = activity.campaign_name
    group by
        activity.activity_date,
        activity.channel_group,
        named.campaign_key
),

-- Several lines of spend on one campaign and day, of two devices say, share by their clicks.
shared as (
    select
        spend_campaign.activity_date,
        spend_campaign.channel,
        spend_campaign.channel_detail,
        spend_campaign.channel_group,
        spend_campaign.campaign_name,
        arrived.visit_count,
        arrived.journey_conversion_count,
        arrived.value_amount_base,
        coalesce(
            cast(coalesce(cost.click_count, 0) as double) / nullif(
                sum(cost.click_count) over (
                    partition by spend_campaign.activity_date, spend_campaign.channel_group, spend_campaign.campaign_key
                ),
                0
            ),
            cast(1 as double) / count(*) over (
                partition by spend_campaign.activity_date, spend_campaign.channel_group, spend_campaign.campaign_key
            )
        ) as line_share
    from spend_campaign
    inner join arrived
        on arrived.activity_date = spend_campaign.activity_date
        and arrived.channel_group = spend_campaign.channel_group
        and arrived.campaign_key = spend_campaign.campaign_key
    inner join cost
        on cost.activity_date = spend_campaign.activity_date
        and cost.channel = spend_campaign.channel
        and cost.channel_detail = spend_campaign.channel_detail
        and cost.channel_group = spend_campaign.channel_group
        and cost.campaign_name = spend_campaign.campaign_name
),

brought as (
    select
        activity_date,
        channel,
        channel_detail,
        channel_group,
        campaign_name,
        sum(cast(visit_count * line_share as decimal(38, 9))) as brought_visit_count,
        sum(cast(journey_conversion_count * line_share as decimal(38, 9))) as brought_conversion_count,
        sum(cast(value_amount_base * line_share as decimal(38, 9))) as brought_value_amount_base
    from shared
    group by
        activity_date,
        channel,
        channel_detail,
        channel_group,
        campaign_name
),

paid as (
    select distinct
        spend_campaign.activity_date,
        spend_campaign.channel_group,
        named.campaign_name
    from spend_campaign
    inner join named on named.campaign_key = spend_campaign.campaign_key
)

select
    cast(activity.activity_date as date) as activity_date,
    cast(activity.channel as varchar) as channel,
    cast(activity.channel_detail as varchar) as channel_detail,
    cast(activity.channel_group as varchar) as channel_group,
    cast(activity.campaign_name as varchar) as campaign_name,
    cast(activity.medium as varchar) as medium,
    cast(activity.journey_phase as varchar) as journey_phase,
    cast(activity.direction as varchar) as direction,
    cast(activity.customer_id as bigint) as customer_id,
    cast(activity.session_id as bigint) as session_id,
    cast(activity.touchpoint_count as bigint) as touchpoint_count,
    cast(activity.identified_touchpoint_count as bigint) as identified_touchpoint_count,
    cast(activity.bot_touchpoint_count as bigint) as bot_touchpoint_count,
    cast(activity.visit_count as bigint) as visit_count,
    cast(activity.inbound_count as bigint) as inbound_count,
    cast(activity.outbound_count as bigint) as outbound_count,
    cast(activity.failure_count as bigint) as failure_count,
    cast(activity.journey_conversion_count as bigint) as journey_conversion_count,
    cast(activity.value_amount_base as decimal(38, 4)) as value_amount_base,
    cast(activity.waiting_seconds as double) as waiting_seconds,
    cast(activity.waiting_count as bigint) as waiting_count,
    cast(activity.response_seconds as double) as response_seconds,
    cast(activity.response_count as bigint) as response_count,
    cast(activity.score_sum as decimal(38, 9)) as score_sum,
    cast(activity.score_count as bigint) as score_count,
    cast(activity.nps_promoter_count as bigint) as nps_promoter_count,
    cast(activity.nps_detractor_count as bigint) as nps_detractor_count,
    cast(activity.nps_count as bigint) as nps_count,
    cast(activity.ces_sum as decimal(38, 9)) as ces_sum,
    cast(activity.ces_count as bigint) as ces_count,
    cast(activity.csat_satisfied_count as bigint) as csat_satisfied_count,
    cast(activity.csat_count as bigint) as csat_count,
    cast(null as bigint) as impression_count,
    cast(null as bigint) as click_count,
    cast(null as decimal(38, 4)) as cost_amount_base,
    cast(case when paid.campaign_name is null then activity.visit_count else 0 end as decimal(38, 9)) as brought_visit_count,
    cast(case when paid.campaign_name is null then activity.journey_conversion_count end as decimal(38, 9))
        as brought_conversion_count,
    cast(case when paid.campaign_name is null then activity.value_amount_base end as decimal(38, 9))
        as brought_value_amount_base
from activity
left join paid
    on paid.activity_date = activity.activity_date
    and paid.channel_group = activity.channel_group
    and paid.campaign_name = activity.campaign_name

union all

select
    cast(cost.activity_date as date) as activity_date,
    cast(cost.channel as varchar) as channel,
    cast(cost.channel_detail as varchar) as channel_detail,
    cast(cost.channel_group as varchar) as channel_group,
    cast(cost.campaign_name as varchar) as campaign_name,
    cast('online' as varchar) as medium,
    cast('before' as varchar) as journey_phase,
    cast('outbound' as varchar) as direction,
    cast(null as bigint) as customer_id,
    cast(null as bigint) as session_id,
    cast(0 as bigint) as touchpoint_count,
    cast(0 as bigint) as identified_touchpoint_count,
    cast(0 as bigint) as bot_touchpoint_count,
    cast(0 as bigint) as visit_count,
    cast(0 as bigint) as inbound_count,
    cast(0 as bigint) as outbound_count,
    cast(0 as bigint) as failure_count,
    cast(null as bigint) as journey_conversion_count,
    cast(null as decimal(38, 4)) as value_amount_base,
    cast(null as double) as waiting_seconds,
    cast(0 as bigint) as waiting_count,
    cast(null as double) as response_seconds,
    cast(0 as bigint) as response_count,
    cast(null as decimal(38, 9)) as score_sum,
    cast(0 as bigint) as score_count,
    cast(0 as bigint) as nps_promoter_count,
    cast(0 as bigint) as nps_detractor_count,
    cast(0 as bigint) as nps_count,
    cast(null as decimal(38, 9)) as ces_sum,
    cast(0 as bigint) as ces_count,
    cast(0 as bigint) as csat_satisfied_count,
    cast(0 as bigint) as csat_count,
    cast(cost.impression_count as bigint) as impression_count,
    cast(cost.click_count as bigint) as click_count,
    cast(cost.cost_amount_base as decimal(38, 4)) as cost_amount_base,
    cast(coalesce(brought.brought_visit_count, 0) as decimal(38, 9)) as brought_visit_count,
    cast(brought.brought_conversion_count as decimal(38, 9)) as brought_conversion_count,
    cast(brought.brought_value_amount_base as decimal(38, 9)) as brought_value_amount_base
from cost
left join brought
    on brought.activity_date = cost.activity_date
    and brought.channel = cost.channel
    and brought.channel_detail = cost.channel_detail
    and brought.channel_group = cost.channel_group
    and brought.campaign_name = cost.campaign_name

-- attribution_credit: what every attribution model gives each channel, per journey definition, with intervals; no costs yet.
-- kind: aggregate
-- grain: journey_definition, attribution_model, attribution_channel
-- finish: models.attribution.attribution_credit
-- The SELECT makes the touches: one row per touch of a decided journey. Open journeys are left out: they may still
-- convert, so they are no nulls. The steps of a converted journey count up to its goal; a journey that is nothing but its goal
-- has the goal as its one touch. A touch within a visit stands for where the visit came from (attribution_channel), and
-- consecutive touches of one channel with a pause no longer than a session's are one touch: twenty pages are one visit.
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

-- Where a visit came from, in the groups that web analytics uses; direct when nothing says so.
session_source as (
    select
        session_id,
        case
            when regexp_matches(lower(campaign_medium), 'paid.?social')
                or (
                    regexp_matches(lower(campaign_medium), '^(.*cp.*|ppc|retargeting|paid.*)$')
                    and regexp_matches(lower(campaign_source), 'facebook|instagram|linkedin|pinterest|tiktok|twitter|snapchat')
                ) then 'paid_social'
            when regexp_matches(lower(campaign_medium), '^(display|banner|expandable|interstitial|cpm)$') then 'display'
            when regexp_matches(lower(campaign_medium), '^(.*cp.*|ppc|retargeting|paid.*)$') then 'paid_search'
            when regexp_matches(lower(coalesce(campaign_medium, campaign_source)), 'e.?mail|newsletter|mailchimp') then 'email'
            when regexp_matches(lower(campaign_medium), 'affiliate') then 'affiliate'
            when regexp_matches(lower(campaign_medium), '^sms$') then 'sms'
            when regexp_matches(lower(campaign_medium), 'social')
                or regexp_matches(
                    lower(referrer_host), '(facebook|instagram|linkedin|pinterest|tiktok|twitter|reddit|youtube)[.]|^t[.]co$|^x[.]com$'
                ) then 'organic_social'
            when lower(campaign_medium) = 'organic'
                or regexp_matches(lower(referrer_host), '(google|bing|duckduckgo|yahoo|ecosia|startpage|qwant|baidu|yandex)[.]')
                then 'organic_search'
            when campaign_medium is not null or campaign_source is not null then 'other_campaign'
            when referrer_host is not null then 'referral'
            else 'direct'
        end as attribution_channel
    from session
),

step as (
    select
        decided.journey_id,
        journey_step.step_number,
        journey_step.occurred_at,
        coalesce(session_source.attribution_channel, journey_step.channel) as attribution_channel
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

touch as (
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
)

select
    cast(decided.journey_definition as varchar) as journey_definition,
    cast(decided.journey_id as bigint) as journey_id,
    cast(decided.customer_id as bigint) as customer_id,
    cast(touch.step_number as integer) as touch_number,
    cast(touch.attribution_channel as varchar) as attribution_channel,
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

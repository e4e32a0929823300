-- session: one row per visit: consecutive touchpoints of a customer on the session channels with short pauses.
-- kind: per_customer
-- grain: session_id
-- Landing page and device stand on its first touchpoint, whose id is the session's; where the visit came from is decided in
-- session_source. Session source and last-non-direct source are separate columns, because they answer different questions.
with

visit as (
    select
        session_id,
        customer_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) as touchpoint_count,
        count(distinct channel_code) as channel_count,
        count(*) filter (where is_failure) as failure_count,
        bool_or(is_capped) as is_capped
    from spine
    where session_id is not null
    group by
        session_id,
        customer_id
),

exit_touchpoint as (
    select
        session_id,
        touchpoint_id
    from spine
    where session_id is not null
    qualify row_number() over (
        partition by session_id
        order by occurred_at desc, sort_rank desc, touchpoint_id desc
    ) = 1
),

touchpoint_import as (
    select
        touchpoint_id,
        session_id,
        touchpoint_type,
        channel,
        page_path,
        referrer_host,
        device,
        browser,
        operating_system,
        campaign_name,
        campaign_source,
        campaign_medium
    from touchpoint
    where session_id is not null
),

goal as (
    select
        journey_step.session_id,
        count(distinct journey_step.touchpoint_id) as goal_count
    from journey_step
    where journey_step.is_goal
        and journey_step.session_id is not null
    group by journey_step.session_id
)

select
    cast(visit.session_id as bigint) as session_id,
    cast(visit.customer_id as bigint) as customer_id,
    cast(visit.started_at as timestamp) as started_at,
    cast(visit.ended_at as timestamp) as ended_at,
    cast(
        (
            date_diff('microsecond', visit.started_at, visit.ended_at)
            - date_diff('microsecond', visit.started_at, visit.ended_at) % 1000000
        ) / 1000000 as integer
    ) as duration_seconds,
    cast(visit.touchpoint_count as bigint) as touchpoint_count,
    cast(visit.channel_count as integer) as channel_count,
    cast(visit.failure_count as bigint) as failure_count,
    cast(coalesce(goal.goal_count, 0) as integer) as goal_count,
    cast(visit.touchpoint_count = 1 as boolean) as is_single_touchpoint,
    cast(visit.is_capped as boolean) as is_capped,
    cast(entry_point.touchpoint_type as varchar) as first_touchpoint_type,
    cast(entry_point.channel as varchar) as first_channel,
    cast(entry_point.page_path as varchar) as entry_page_path,
    cast(exit_point.touchpoint_type as varchar) as last_touchpoint_type,
    cast(exit_point.page_path as varchar) as exit_page_path,
    cast(entry_point.referrer_host as varchar) as referrer_host,
    cast(entry_point.device as varchar) as device,
    cast(entry_point.browser as varchar) as browser,
    cast(entry_point.operating_system as varchar) as operating_system,
    cast(entry_point.campaign_source as varchar) as campaign_source,
    cast(entry_point.campaign_medium as varchar) as campaign_medium,
    cast(session_source.channel_group as varchar) as channel_group,
    cast(session_source.traffic_source as varchar) as traffic_source,
    cast(session_source.traffic_medium as varchar) as traffic_medium,
    cast(session_source.campaign_name as varchar) as campaign_name,
    cast(session_source.last_non_direct_channel_group as varchar) as last_non_direct_channel_group,
    cast(session_source.last_non_direct_source as varchar) as last_non_direct_source,
    cast(session_source.last_non_direct_medium as varchar) as last_non_direct_medium,
    cast(session_source.last_non_direct_campaign_name as varchar) as last_non_direct_campaign_name
from visit
inner join session_source on session_source.session_id = visit.session_id
inner join exit_touchpoint on exit_touchpoint.session_id = visit.session_id
inner join touchpoint_import as entry_point on entry_point.touchpoint_id = visit.session_id
inner join touchpoint_import as exit_point on exit_point.touchpoint_id = exit_touchpoint.touchpoint_id
left join goal on goal.session_id = visit.session_id

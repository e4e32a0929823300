-- session: one row per visit: consecutive touchpoints of a customer on the session channels with short pauses.
-- kind: per_customer
-- grain: session_id
-- Where the visit came from (campaign, referrer, device, landing page) stands on its first touchpoint, whose id is the session's.
with

visit as (
    select
        session_id,
        customer_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) as touchpoint_count,
        count(distinct channel_code) as channel_count,
        count(*) filter (where is_failure) as failure_count
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
    cast(entry_point.touchpoint_type as varchar) as first_touchpoint_type,
    cast(entry_point.channel as varchar) as first_channel,
    cast(entry_point.page_path as varchar) as entry_page_path,
    cast(exit_point.touchpoint_type as varchar) as last_touchpoint_type,
    cast(exit_point.page_path as varchar) as exit_page_path,
    cast(entry_point.referrer_host as varchar) as referrer_host,
    cast(entry_point.device as varchar) as device,
    cast(entry_point.campaign_name as varchar) as campaign_name,
    cast(entry_point.campaign_source as varchar) as campaign_source,
    cast(entry_point.campaign_medium as varchar) as campaign_medium
from visit
inner join exit_touchpoint on exit_touchpoint.session_id = visit.session_id
inner join touchpoint_import as entry_point on entry_point.touchpoint_id = visit.session_id
inner join touchpoint_import as exit_point on exit_point.touchpoint_id = exit_touchpoint.touchpoint_id
left join goal on goal.session_id = visit.session_id

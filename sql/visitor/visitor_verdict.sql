-- visitor_verdict: visitors of one UTC day that are robots, with the reason, and visitors that go on after midnight.
-- kind: ingest
-- grain: visitor
-- Runs over whole days: whether no assets tell a robot depends on what the other visitors of the day did, and a sweep may be
-- shared by a network. Reads visitor_day (of the days judged and the days around them), judged_day, web_agent, robot_limit,
-- traffic_source_host and setting. One reason each: what the agent says before what was done, the plainest first.
with

judged as (
    select
        visitor_day.visitor,
        visitor_day.visit_date,
        visitor_day.first_at,
        visitor_day.user_agent,
        visitor_day.ip_masked,
        visitor_day.page_request_count,
        visitor_day.asset_request_count,
        visitor_day.robots_txt_request_count,
        visitor_day.referred_page_count,
        coalesce(visitor_day.distinct_page_count, 0) as distinct_page_count,
        visitor_day.peak_minute_page_count,
        visitor_day.active_hour_count,
        visitor_day.first_page_at,
        visitor_day.last_page_at,
        visitor_day.first_host,
        coalesce(web_agent.is_bot, false) as is_agent_bot,
        web_agent.bot_reason as agent_reason,
        web_agent.bot_name as agent_name,
        web_agent.bot_list_version as agent_list_version
    from visitor_day
    inner join judged_day on judged_day.visit_date = visitor_day.visit_date
    left join web_agent on web_agent.user_agent is not distinct from visitor_day.user_agent
),

-- A site whose images and scripts come from elsewhere has no assets in its log: then their absence says nothing.
asset_day as (
    select
        visit_date,
        cast(count(*) filter (where asset_request_count > 0) as double) / count(*) >= 0.5 as has_assets
    from judged
    where not is_agent_bot
        and page_request_count > 0
    group by visit_date
),

network as (
    select
        visit_date,
        ip_masked,
        user_agent,
        count(*) as visitor_count,
        sum(page_request_count) as page_request_count,
        sum(asset_request_count) as asset_request_count,
        sum(referred_page_count) as referred_page_count
    from judged
    where not is_agent_bot
        and page_request_count > 0
    group by
        visit_date,
        ip_masked,
        user_agent
),

-- A session of weeks fills every UTC day but its first and its last, whose hours may be few. They belong to it where exactly one
-- visitor of the network and agent borders on midnight on either side, with no longer a pause than within a session, and the one
-- on the other side never ended.
border as (
    select
        judged.visitor,
        other.active_hour_count,
        count(*) over (partition by judged.visitor, other.visit_date) as other_count,
        count(*) over (partition by other.visitor, judged.visit_date) as own_count
    from judged
    inner join visitor_day as other on other.ip_masked = judged.ip_masked
        and other.user_agent = judged.user_agent
        and (
            other.visit_date = cast(judged.visit_date - interval '1' day as date)
            or other.visit_date = cast(judged.visit_date + interval '1' day as date)
        )
    cross join setting
    where not judged.is_agent_bot
        and case
            when other.visit_date < judged.visit_date
                then date_diff('microsecond', other.last_page_at, judged.first_page_at)
            else date_diff('microsecond', judged.last_page_at, other.first_page_at)
        end <= setting.session_gap_seconds * 1000000
),

endless as (
    select distinct border.visitor
    from border
    cross join robot_limit
    where border.other_count = 1
        and border.own_count = 1
        and border.active_hour_count >= robot_limit.active_hours
),

told as (
    select
        judged.visitor,
        judged.visit_date,
        judged.agent_name,
        judged.agent_list_version,
        judged.is_agent_bot,
        case
            when judged.is_agent_bot
                then judged.agent_reason
            when judged.robots_txt_request_count >= robot_limit.robots_txt_requests
                then 'robots_txt'
            when judged.peak_minute_page_count >= robot_limit.pages_per_minute
                then 'request_rate'
            when judged.active_hour_count >= robot_limit.active_hours
                or endless.visitor is not null
                then 'endless_session'
            when judged.distinct_page_count >= robot_limit.sweep_pages
                and judged.referred_page_count <= robot_limit.sweep_referred_share * judged.page_request_count
                then 'page_sweep'
            when judged.page_request_count >= robot_limit.no_asset_pages
                and judged.asset_request_count = 0
                and asset_day.has_assets
                then 'no_assets'
            when network.visitor_count >= robot_limit.network_visitors
                and network.page_request_count >= robot_limit.network_pages
                and network.asset_request_count = 0
                and network.referred_page_count <= robot_limit.sweep_referred_share * network.page_request_count
                then 'network_sweep'
        end as bot_reason,
        robot_limit.behaviour_version
    from judged
    cross join robot_limit
    left join asset_day on asset_day.visit_date = judged.visit_date
    left join endless on endless.visitor = judged.visitor
    left join network on network.visit_date = judged.visit_date
        and network.ip_masked = judged.ip_masked
        and network.user_agent = judged.user_agent
),

-- The visitor's hash changes at midnight (UTC). It is the same device where exactly one visitor of the network and agent was
-- last seen within a pause before, exactly one begins within it after, and that one comes from a page of the site itself.
candidate as (
    select
        judged.visitor,
        before.visitor as earlier_visitor,
        judged.first_host,
        before.last_host,
        own.host is not null as is_own_host,
        count(*) over (partition by judged.visitor) as earlier_count,
        count(*) over (partition by before.visitor) as later_count
    from judged
    inner join visitor_day as before on before.ip_masked = judged.ip_masked
        and before.user_agent = judged.user_agent
        and before.visit_date = cast(judged.visit_date - interval '1' day as date)
    cross join setting
    left join traffic_source_host as own on own.host = judged.first_host
        and own.source_kind = 'own'
    where not judged.is_agent_bot
        -- known only for visitors of whom a page was seen close to midnight
        and judged.first_page_at is not null
        and before.last_page_at is not null
        and date_diff('microsecond', before.last_page_at, judged.first_page_at) <= setting.session_gap_seconds * 1000000
),

continued as (
    select
        visitor,
        earlier_visitor
    from candidate
    where earlier_count = 1
        and later_count = 1
        and (is_own_host or first_host = last_host)
)

select
    cast(told.visitor as varchar) as visitor,
    cast(told.visit_date as date) as visit_date,
    cast(told.bot_reason is not null as boolean) as is_bot,
    cast(told.bot_reason as varchar) as bot_reason,
    cast(case when told.is_agent_bot then told.agent_name end as varchar) as bot_name,
    cast(
        case
            when told.is_agent_bot
                then told.agent_list_version
            when told.bot_reason is not null
                then told.behaviour_version
        end as varchar
    ) as bot_list_version,
    cast(continued.earlier_visitor as varchar) as continues_visitor
from told
left join continued on continued.visitor = told.visitor
where told.bot_reason is not null
    or continued.visitor is not null

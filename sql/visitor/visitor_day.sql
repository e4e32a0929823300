-- visitor_day: what one visitor did on one UTC day, from all requests, those included that are folded away.
-- kind: ingest
-- grain: visitor
-- Runs while an export about the web is read, over the days that tonight's files touch; the log reader's `visitor` lasts one day.
-- Reads visitor_request (visitor, time, path, referrer, user_agent, ip_masked, skip_rule): each request once.
with

minute as (
    select
        visitor,
        date_trunc('minute', time) as minute_at,
        min(time) as first_at,
        max(time) as last_at,
        min(user_agent) as user_agent,
        min(ip_masked) as ip_masked,
        count(*) as request_count,
        count(*) filter (where skip_rule is null) as page_request_count,
        count(*) filter (where skip_rule = 'asset') as asset_request_count,
        count(*) filter (where lower(path) = '/robots.txt') as robots_txt_request_count,
        count(*) filter (where skip_rule is null and referrer is not null) as referred_page_count
    from visitor_request
    where visitor is not null
        and time is not null
    group by
        visitor,
        date_trunc('minute', time)
),

visitor_total as (
    select
        visitor,
        min(first_at) as first_at,
        max(last_at) as last_at,
        min(user_agent) as user_agent,
        min(ip_masked) as ip_masked,
        sum(request_count) as request_count,
        sum(page_request_count) as page_request_count,
        sum(asset_request_count) as asset_request_count,
        sum(robots_txt_request_count) as robots_txt_request_count,
        sum(referred_page_count) as referred_page_count,
        max(page_request_count) as peak_minute_page_count,
        count(distinct date_trunc('hour', minute_at)) filter (where page_request_count > 0) as active_hour_count
    from minute
    group by visitor
),

-- Different pages matter where there are many; counting them for everybody would cost more than all the rest.
distinct_page as (
    select
        visitor_request.visitor,
        count(distinct visitor_request.path) as distinct_page_count
    from visitor_request
    inner join visitor_total on visitor_total.visitor = visitor_request.visitor
    where visitor_total.page_request_count >= 10
        and visitor_request.skip_rule is null
    group by visitor_request.visitor
),

-- Where the first page of the day came from and where the last one did: a visit that goes on after midnight has its first page
-- within one pause of midnight, and so had the visitor before.
around_midnight as (
    select
        visitor_request.visitor,
        visitor_request.time,
        web_source_host(visitor_request.referrer) as host
    from visitor_request
    inner join visitor_total on visitor_total.visitor = visitor_request.visitor
    cross join setting
    where visitor_request.skip_rule is null
        and (
            date_diff('microsecond', date_trunc('day', visitor_total.first_at), visitor_total.first_at)
            <= setting.session_gap_seconds * 1000000
            or date_diff('microsecond', visitor_total.last_at, date_trunc('day', visitor_total.last_at) + interval '1' day)
            <= setting.session_gap_seconds * 1000000
        )
),

edge as (
    select
        visitor,
        min(time) as first_page_at,
        max(time) as last_page_at
    from around_midnight
    group by visitor
),

edge_host as (
    select
        around_midnight.visitor,
        min(around_midnight.host) filter (where around_midnight.time = edge.first_page_at) as first_host,
        min(around_midnight.host) filter (where around_midnight.time = edge.last_page_at) as last_host
    from around_midnight
    inner join edge on edge.visitor = around_midnight.visitor
    group by around_midnight.visitor
)

select
    cast(visitor_total.visitor as varchar) as visitor,
    cast(visitor_total.first_at as date) as visit_date,
    cast(visitor_total.first_at as timestamp) as first_at,
    cast(visitor_total.last_at as timestamp) as last_at,
    cast(visitor_total.user_agent as varchar) as user_agent,
    cast(visitor_total.ip_masked as varchar) as ip_masked,
    cast(visitor_total.request_count as bigint) as request_count,
    cast(visitor_total.page_request_count as bigint) as page_request_count,
    cast(visitor_total.asset_request_count as bigint) as asset_request_count,
    cast(visitor_total.robots_txt_request_count as bigint) as robots_txt_request_count,
    cast(visitor_total.referred_page_count as bigint) as referred_page_count,
    cast(distinct_page.distinct_page_count as bigint) as distinct_page_count,
    cast(visitor_total.peak_minute_page_count as bigint) as peak_minute_page_count,
    cast(visitor_total.active_hour_count as bigint) as active_hour_count,
    cast(edge.first_page_at as timestamp) as first_page_at,
    cast(edge.last_page_at as timestamp) as last_page_at,
    cast(edge_host.first_host as varchar) as first_host,
    cast(edge_host.last_host as varchar) as last_host
from visitor_total
left join distinct_page on distinct_page.visitor = visitor_total.visitor
left join edge on edge.visitor = visitor_total.visitor
left join edge_host on edge_host.visitor = visitor_total.visitor

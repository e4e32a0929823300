-- web_robot: visitors of the web that are robots, one row per visitor and UTC day, with the reason and the facts behind it.
-- kind: aggregate
-- grain: source_export, visitor
-- Facts and verdicts are kept while logs are read (sql/visitor/); here is what analysts and auditors see of them.
with

verdict as (
    select
        source_export,
        visitor,
        visit_date,
        bot_reason,
        bot_name,
        bot_list_version
    from visitor_verdict
    where is_bot
),

fact as (
    select
        source_export,
        visitor,
        visit_date,
        first_at,
        last_at,
        user_agent,
        request_count,
        page_request_count,
        asset_request_count,
        robots_txt_request_count,
        referred_page_count,
        distinct_page_count,
        peak_minute_page_count,
        active_hour_count
    from visitor_day
)

select
    cast(verdict.source_export as varchar) as source_export,
    cast(verdict.visitor as varchar) as visitor,
    cast(verdict.visit_date as date) as visit_date,
    cast(verdict.bot_reason as varchar) as bot_reason,
    cast(verdict.bot_name as varchar) as bot_name,
    cast(verdict.bot_list_version as varchar) as bot_list_version,
    cast(fact.user_agent as varchar) as user_agent,
    cast(fact.first_at as timestamp) as first_seen_at,
    cast(fact.last_at as timestamp) as last_seen_at,
    cast(fact.request_count as bigint) as request_count,
    cast(fact.page_request_count as bigint) as page_request_count,
    cast(fact.asset_request_count as bigint) as asset_request_count,
    cast(fact.robots_txt_request_count as bigint) as robots_txt_request_count,
    cast(fact.referred_page_count as bigint) as referred_page_count,
    cast(fact.distinct_page_count as bigint) as distinct_page_count,
    cast(fact.peak_minute_page_count as bigint) as peak_minute_page_count,
    cast(fact.active_hour_count as bigint) as active_hour_count
from verdict
inner join fact on fact.source_export = verdict.source_export
    and fact.visitor = verdict.visitor
    and fact.visit_date = verdict.visit_date

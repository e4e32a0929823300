-- matomo.visit: each action of a visit is a touchpoint: page views by the rules for requests (web.rules), events and goals by their name
-- (models/lists/event_name.csv), other names unmapped. Campaign and referrer belong to the first action. Times are the server's.
with action as (
  select
    *,
    unnest(cast(actionDetails as json[])) as detail,
    generate_subscripts(cast(actionDetails as json[]), 1) as number
  from export_row
),

named as (
  select
    *,
    detail ->> '$.type' as action_type,
    detail ->> '$.url' as url,
    number = 1 as is_first
  from action
),

typed_action as (
  select
    *,
    case action_type
      when 'action' then
        case
          when is_first and referrerType = 'campaign' then 'landing_page_view'
          else coalesce(web_touchpoint_type('GET', web_path(url), web_query(url), 200, 'Matomo'), 'page_view')
        end
      when 'search' then 'site_search'
      when 'download' then 'content_download'
      when 'ecommerceOrder' then 'order_placed'
      when 'ecommerceAbandonedCart' then 'cart_updated'
      when 'event' then coalesce(web_event_type(detail ->> '$.eventAction'), web_event_type(detail ->> '$.eventName'), 'unmapped')
      when 'goal' then coalesce(web_event_type(detail ->> '$.goalName'), 'unmapped')
      else 'unmapped'
    end as touchpoint_type
  from named
)

select
  row_id,
  touchpoint_type,
  case action_type
    when 'event' then concat_ws(': ', detail ->> '$.eventCategory', detail ->> '$.eventAction')
    when 'goal' then 'goal: ' || (detail ->> '$.goalName')
    else action_type
  end as raw_type,
  cast(number as varchar) as part,
  coalesce(make_timestamp(try_cast(detail ->> '$.timestamp' as bigint) * 1000000), serverTimestamp) as occurred_at,
  case when touchpoint_type = 'unmapped' then 'website' end as channel,
  siteName as channel_detail,
  case when is_first then campaignId end as campaign_id,
  case when is_first and referrerType = 'campaign' then coalesce(campaignName, referrerName) end as campaign_name,
  case when is_first then coalesce(campaignSource, case when referrerType in ('search', 'social') then lower(referrerName) end) end
    as campaign_source,
  case when is_first then coalesce(campaignMedium, case referrerType when 'search' then 'organic' when 'social' then 'social' end) end
    as campaign_medium,
  case when is_first then campaignContent end as campaign_content,
  case when is_first and referrerType = 'campaign' then coalesce(campaignKeyword, referrerKeyword) end as campaign_term,
  case when is_first then web_click_id_type(url) end as click_id_type,
  [
    {'type': 'cookie', 'value': visitorId},
    {'type': 'login', 'value': userId},
    {'type': 'email', 'value': case when userId like '%@%.%' then userId end},
    {'type': 'order_reference', 'value': case when action_type = 'ecommerceOrder' then detail ->> '$.orderId' end}
  ] as identifiers,
  [{'type': 'order', 'id': detail ->> '$.orderId', 'qualifier': 'subject'}] as objects,
  case when action_type = 'ecommerceAbandonedCart' then 'abandoned' end as outcome,
  try_cast(detail ->> '$.timeSpent' as integer) as duration_seconds,
  case when action_type in ('ecommerceOrder', 'ecommerceAbandonedCart') then try_cast(detail ->> '$.revenue' as double) end as amount,
  case when action_type in ('ecommerceOrder', 'ecommerceAbandonedCart') then siteCurrency end as currency,
  case when action_type in ('action', 'download') then web_without_address(web_path(url)) end as page_path,
  case when is_first then web_source_host(referrerUrl) end as referrer_host,
  case lower(deviceType) when 'smartphone' then 'mobile' when 'phablet' then 'mobile' else lower(deviceType) end as device,
  browserName as browser,
  operatingSystemName as operating_system,
  -- Matomo leaves known robots out when it tracks.
  false as is_bot,
  case when action_type = 'search' then web_without_number(web_without_address(detail ->> '$.siteSearchKeyword')) end as subject,
  {'session': idVisit, 'site': idSite} as attributes
from typed_action

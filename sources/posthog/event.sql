-- posthog.event: page views by the rules for requests (web.rules), other events by their name (models/lists/event_name.csv), other names
-- unmapped. PostHog has corrected `timestamp` by the time of sending when it took the event in (created_at); it counts within
-- the bounds of every tracker's clock. Until somebody is identified, distinct_id is the device's id.
with event_row as (
  select
    *,
    properties ->> '$."$current_url"' as url,
    properties ->> '$."$pathname"' as pathname,
    properties ->> '$."$device_id"' as device_id,
    properties ->> '$."$device_type"' as device_type,
    coalesce(properties ->> '$.order_id', properties ->> '$.orderId', properties ->> '$.transaction_id') as order_id,
    try_cast(coalesce(properties ->> '$.revenue', properties ->> '$.total', properties ->> '$.value') as double) as revenue
  from export_row
),

typed_event as (
  select
    *,
    case
      when event = '$pageview'
        then coalesce(web_touchpoint_type('GET', coalesce(pathname, web_path(url)), web_query(url), 200, 'PostHog'), 'page_view')
      else coalesce(web_event_type(event), 'unmapped')
    end as touchpoint_type,
    -- an id that differs from the device's is the one that the site gave
    coalesce(properties ->> '$."$is_identified"' = 'true', distinct_id is distinct from device_id and device_id is not null)
      as is_identified
  from event_row
)

select
  row_id,
  touchpoint_type,
  event as raw_type,
  web_event_time("timestamp", cast(null as timestamp), created_at) as occurred_at,
  case
    when event = '$screen' or properties ->> '$."$lib"' like 'posthog-%ios' or properties ->> '$."$lib"' like 'posthog-%android' then 'app'
    when touchpoint_type = 'unmapped' then 'website'
  end as channel,
  properties ->> '$."$lib"' as channel_detail,
  coalesce(properties ->> '$.utm_campaign', web_parameter(url, 'utm_campaign')) as campaign_name,
  coalesce(properties ->> '$.utm_source', web_parameter(url, 'utm_source')) as campaign_source,
  coalesce(properties ->> '$.utm_medium', web_parameter(url, 'utm_medium')) as campaign_medium,
  coalesce(properties ->> '$.utm_content', web_parameter(url, 'utm_content')) as campaign_content,
  coalesce(properties ->> '$.utm_term', web_parameter(url, 'utm_term')) as campaign_term,
  web_click_id_type(url) as click_id_type,
  [
    {'type': case when is_identified then 'login' else 'cookie' end, 'value': distinct_id},
    {'type': 'email', 'value': case when is_identified and distinct_id like '%@%.%' then distinct_id end},
    {'type': 'cookie', 'value': device_id},
    {'type': 'posthog.person', 'value': person_id},
    {'type': 'order_reference', 'value': case when touchpoint_type like 'order%' then order_id end}
  ] as identifiers,
  [
    {'type': 'order', 'id': order_id, 'qualifier': 'subject'},
    {'type': 'survey', 'id': properties ->> '$."$survey_id"', 'qualifier': 'subject'}
  ] as objects,
  case when touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid') then revenue end as amount,
  case when touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid') then properties ->> '$.currency' end as currency,
  web_without_address(coalesce(pathname, web_path(url), properties ->> '$."$screen_name"')) as page_path,
  nullif(web_source_host(properties ->> '$."$referrer"'), regexp_replace(lower(properties ->> '$."$host"'), '^www[.]|:[0-9]+$', '', 'g'))
    as referrer_host,
  lower(device_type) as device,
  properties ->> '$."$browser"' as browser,
  properties ->> '$."$os"' as operating_system,
  false as is_bot,
  case when touchpoint_type = 'site_search'
    then web_without_number(web_without_address(coalesce(properties ->> '$.query', properties ->> '$.search_term'))) end as subject,
  {
    'session': properties ->> '$."$session_id"',
    'clock': web_event_clock("timestamp", cast(null as timestamp), created_at),
    'received_at': created_at
  } as attributes
from typed_event

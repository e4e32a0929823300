-- amplitude.event: page views by the rules for requests (web.rules), other events by their name (models/lists/event_name.csv), other
-- names unmapped. Time: received less (uploaded less happened), all by the device's clock but the first; see
-- docs/sources/trackers.md.
with event_row as (
  select
    *,
    coalesce(server_received_time, server_upload_time) as received_at,
    coalesce(event_properties ->> '$."[Amplitude] Page URL"', event_properties ->> '$.page_url', event_properties ->> '$.url') as url,
    event_properties ->> '$."[Amplitude] Page Path"' as page,
    coalesce(event_properties ->> '$.order_id', event_properties ->> '$.orderId') as order_id,
    try_cast(coalesce(event_properties ->> '$."$revenue"', event_properties ->> '$.revenue', event_properties ->> '$.total') as double)
      as revenue
  from export_row
),

typed_event as (
  select
    *,
    case
      when web_event_type(event_type) = 'page_view'
        then coalesce(web_touchpoint_type('GET', coalesce(page, web_path(url)), web_query(url), 200, 'Amplitude'), 'page_view')
      else coalesce(web_event_type(event_type), 'unmapped')
    end as touchpoint_type
  from event_row
)

select
  row_id,
  touchpoint_type,
  event_type as raw_type,
  web_event_time(coalesce(client_event_time, event_time), client_upload_time, received_at) as occurred_at,
  case when lower(platform) in ('ios', 'android') then 'app' when touchpoint_type = 'unmapped' then 'website' end as channel,
  lower(platform) as channel_detail,
  coalesce(event_properties ->> '$.utm_campaign', web_parameter(url, 'utm_campaign')) as campaign_name,
  coalesce(event_properties ->> '$.utm_source', web_parameter(url, 'utm_source')) as campaign_source,
  coalesce(event_properties ->> '$.utm_medium', web_parameter(url, 'utm_medium')) as campaign_medium,
  coalesce(event_properties ->> '$.utm_content', web_parameter(url, 'utm_content')) as campaign_content,
  coalesce(event_properties ->> '$.utm_term', web_parameter(url, 'utm_term')) as campaign_term,
  web_click_id_type(url) as click_id_type,
  [
    {'type': 'login', 'value': user_id},
    {'type': 'email', 'value': case when user_id like '%@%.%' then user_id end},
    {'type': 'cookie', 'value': device_id},
    {'type': 'amplitude.user', 'value': amplitude_id},
    {'type': 'order_reference', 'value': case when touchpoint_type like 'order%' then order_id end}
  ] as identifiers,
  [
    {'type': 'order', 'id': order_id, 'qualifier': 'subject'},
    {'type': 'product', 'id': event_properties ->> '$."$productId"', 'qualifier': 'subject'}
  ] as objects,
  case when touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid') then revenue end as amount,
  case when touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid') then event_properties ->> '$.currency' end as currency,
  web_without_address(coalesce(page, web_path(url))) as page_path,
  nullif(
    web_source_host(coalesce(event_properties ->> '$.referrer', event_properties ->> '$."[Amplitude] Page Referrer"')),
    regexp_replace(lower(event_properties ->> '$."[Amplitude] Page Domain"'), '^www[.]', '')
  ) as referrer_host,
  case when lower(platform) in ('ios', 'android') then 'mobile' end as device,
  -- on the web os_name is the browser's and device_family the system's
  case when lower(platform) = 'web' then os_name end as browser,
  case when lower(platform) = 'web' then device_family else os_name end as operating_system,
  false as is_bot,
  case when touchpoint_type = 'site_search'
    then web_without_number(web_without_address(coalesce(event_properties ->> '$.query', event_properties ->> '$.search_term'))) end as subject,
  {
    'session': session_id,
    'clock': web_event_clock(coalesce(client_event_time, event_time), client_upload_time, received_at),
    'received_at': received_at
  } as attributes
from typed_event

-- segment.event: page and screen calls are page views by the rules for requests (web.rules); track calls by the name of the event
-- (models/lists/event_name.csv), other names unmapped. Time: received less (sent less original); see docs/sources/trackers.md.
-- Of properties only what is named here is looked at: they hold whatever a site puts into them.
with call as (
  select
    *,
    coalesce(
      originalTimestamp,
      -- an archive without the device's time has it corrected already
      timestamp
    ) as happened_at,
    case when originalTimestamp is not null then sentAt end as sent_at,
    coalesce(page_url, json_extract_string(properties, '$.url')) as url
  from export_row
),

described as (
  select
    call.*,
    web_event_time(happened_at, sent_at, receivedAt) as occurred_at,
    web_event_clock(happened_at, sent_at, receivedAt) as clock,
    case
      when type = 'page' then coalesce(web_touchpoint_type('GET', web_path(url), web_query(url), 200, call.user_agent), 'page_view')
      when type = 'screen' then 'page_view'
      else coalesce(web_event_type(event), 'unmapped')
    end as touchpoint_type,
    json_extract_string(properties, '$.order_id') as order_id,
    try_cast(coalesce(json_extract_string(properties, '$.revenue'), json_extract_string(properties, '$.total'),
      json_extract_string(properties, '$.value')) as double) as amount,
    web_agent.device,
    web_agent.browser,
    web_agent.operating_system,
    web_agent.is_bot,
    web_agent.bot_reason
  from call
  left join web_agent on web_agent.user_agent = call.user_agent
)

select
  row_id,
  touchpoint_type,
  coalesce(event, name, type) as raw_type,
  occurred_at,
  case when type = 'screen' then 'app' when touchpoint_type in ('page_view', 'unmapped') then 'website' end as channel,
  coalesce(channel, library) as channel_detail,
  campaign_name,
  coalesce(campaign_source, web_parameter(url, 'utm_source')) as campaign_source,
  coalesce(campaign_medium, web_parameter(url, 'utm_medium')) as campaign_medium,
  coalesce(campaign_content, web_parameter(url, 'utm_content')) as campaign_content,
  coalesce(campaign_term, web_parameter(url, 'utm_term')) as campaign_term,
  web_click_id_type(url) as click_id_type,
  case when not coalesce(is_bot, false) then [
    {'type': 'login', 'value': userId},
    {'type': 'email', 'value': case when userId like '%@%.%' then userId end},
    {'type': 'email', 'value': traits_email},
    {'type': 'cookie', 'value': anonymousId},
    {'type': 'order_reference', 'value': case when touchpoint_type like 'order%' then order_id end}
  ] end as identifiers,
  [
    {'type': 'order', 'id': order_id, 'qualifier': 'subject'},
    {'type': 'product', 'id': json_extract_string(properties, '$.product_id'), 'qualifier': 'subject'}
  ] as objects,
  case when touchpoint_type in ('payment_failed', 'email_bounced') then 'failure' end as outcome,
  case when touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid', 'checkout_started') then amount end as amount,
  case when touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid', 'checkout_started')
    then json_extract_string(properties, '$.currency') end as currency,
  web_without_address(coalesce(page_path, web_path(url))) as page_path,
  web_source_host(coalesce(page_referrer, json_extract_string(properties, '$.referrer'))) as referrer_host,
  device,
  browser,
  operating_system,
  coalesce(is_bot, false) as is_bot,
  case when is_bot then bot_reason end as bot_reason,
  case when touchpoint_type = 'site_search'
    then web_without_number(web_without_address(json_extract_string(properties, '$.query'))) end as subject,
  {'call': type, 'clock': clock, 'received_at': receivedAt, 'label': json_extract_string(properties, '$.label')} as attributes
from described

-- segment.page: page views by the rules for requests (web.rules). Time: received less (sent less original).
with page as (
  select
    *,
    coalesce(original_timestamp, timestamp) as happened_at,
    case when original_timestamp is not null then sent_at end as sent
  from export_row
)

select
  page.row_id,
  coalesce(web_touchpoint_type('GET', path, ltrim(search, '?'), 200, context_user_agent), 'page_view') as touchpoint_type,
  'page' as raw_type,
  web_event_time(happened_at, sent, received_at) as occurred_at,
  context_campaign_name as campaign_name,
  coalesce(context_campaign_source, web_parameter(search, 'utm_source')) as campaign_source,
  coalesce(context_campaign_medium, web_parameter(search, 'utm_medium')) as campaign_medium,
  context_campaign_content as campaign_content,
  context_campaign_term as campaign_term,
  web_click_id_type(search) as click_id_type,
  case when not coalesce(web_agent.is_bot, false) then [
    {'type': 'login', 'value': user_id},
    {'type': 'email', 'value': case when user_id like '%@%.%' then user_id end},
    {'type': 'cookie', 'value': anonymous_id}
  ] end as identifiers,
  web_without_address(coalesce(path, web_path(url))) as page_path,
  web_source_host(referrer) as referrer_host,
  web_agent.device,
  web_agent.browser,
  web_agent.operating_system,
  coalesce(web_agent.is_bot, false) as is_bot,
  case when web_agent.is_bot then web_agent.bot_reason end as bot_reason,
  {'call': 'page', 'clock': web_event_clock(happened_at, sent, received_at), 'received_at': received_at} as attributes
from page
left join web_agent on web_agent.user_agent = page.context_user_agent

-- segment.track: the name of the event says what happened (models/lists/event_name.csv), other names unmapped.
with call as (
  select
    *,
    coalesce(web_event_type(event_text), web_event_type(event), 'unmapped') as touchpoint_type,
    coalesce(original_timestamp, timestamp) as happened_at,
    case when original_timestamp is not null then sent_at end as sent
  from export_row
)

select
  call.row_id,
  call.touchpoint_type,
  coalesce(event_text, event) as raw_type,
  web_event_time(happened_at, sent, received_at) as occurred_at,
  case when call.touchpoint_type = 'unmapped' then 'website' end as channel,
  context_campaign_name as campaign_name,
  context_campaign_source as campaign_source,
  context_campaign_medium as campaign_medium,
  case when not coalesce(web_agent.is_bot, false) then [
    {'type': 'login', 'value': user_id},
    {'type': 'email', 'value': case when user_id like '%@%.%' then user_id end},
    {'type': 'cookie', 'value': anonymous_id},
    {'type': 'order_reference', 'value': case when call.touchpoint_type like 'order%' then order_id end}
  ] end as identifiers,
  [{'type': 'order', 'id': order_id, 'qualifier': 'subject'}] as objects,
  case when call.touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid') then revenue end as amount,
  case when call.touchpoint_type in ('order_placed', 'order_cancelled', 'refund_paid') then currency end as currency,
  web_without_address(coalesce(context_page_path, web_path(context_page_url))) as page_path,
  web_source_host(context_page_referrer) as referrer_host,
  web_agent.device,
  web_agent.browser,
  web_agent.operating_system,
  coalesce(web_agent.is_bot, false) as is_bot,
  case when web_agent.is_bot then web_agent.bot_reason end as bot_reason,
  {'call': 'track', 'clock': web_event_clock(happened_at, sent, received_at), 'received_at': received_at} as attributes
from call
left join web_agent on web_agent.user_agent = call.context_user_agent

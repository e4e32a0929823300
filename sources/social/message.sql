-- social.message: social_message in both directions. An account is known within its network only.
select
  row_id,
  'social_message' as touchpoint_type,
  direction as raw_type,
  sent_at as occurred_at,
  lower(network) as channel_detail,
  case when lower(direction) in ('outbound', 'out', 'sent') then 'outbound' else 'inbound' end as direction,
  campaign_id,
  [
    {'type': 'social.account', 'value': lower(network) || ':' || author_id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone},
    {'type': 'customer_number', 'value': nullif(ltrim(customer_number, '0'), '')}
  ] as identifiers,
  [
    {'type': 'message', 'id': lower(network) || ':' || message_id, 'qualifier': 'subject'},
    {'type': 'conversation', 'id': lower(network) || ':' || conversation_id, 'qualifier': 'part_of'}
  ] as objects,
  cast(round(waiting_seconds) as integer) as waiting_seconds,
  agent_id,
  {'is_public': is_public, 'text': text} as attributes
from export_row

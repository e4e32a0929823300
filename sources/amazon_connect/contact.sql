-- amazon_connect.contact: a call, chat or mail, and the answer to the survey after it (contact attribute csat, 1 to 5).
-- Without an agent: it was in a queue and given up (abandoned), or it never asked for one (voice menu, chatbot).
with contact as (
  select
    *,
    CustomerEndpoint ->> '$.Address' as address,
    CustomerEndpoint ->> '$.Type' as address_type,
    Agent ->> '$.Username' as agent_name,
    try_cast(Agent ->> '$.ConnectedToAgentTimestamp' as timestamp) as answered_at,
    try_cast(Agent ->> '$.AgentInteractionDuration' as integer) as talk_seconds,
    Queue ->> '$.Name' as queue_name,
    try_cast(Attributes ->> '$.csat' as double) as csat,
    coalesce(InitiationMethod, '') in ('OUTBOUND', 'EXTERNAL_OUTBOUND', 'CALLBACK') as is_outbound
  from export_row
),

moment as (
  select
    row_id,
    case
      when Channel = 'VOICE' then case when is_outbound then 'call_outbound' else 'call_inbound' end
      when Channel = 'CHAT' then case when agent_name is null and queue_name is null then 'chatbot' else 'chat' end
      when Channel = 'EMAIL' then case when is_outbound then 'email_sent' else 'email_received' end
      else 'unmapped'
    end as touchpoint_type,
    InitiationTimestamp as occurred_at
  from contact
  union all
  select row_id, 'survey_answered' as touchpoint_type, coalesce(DisconnectTimestamp, LastUpdateTimestamp) as occurred_at
  from contact
  where csat is not null
)

select
  c.row_id,
  m.touchpoint_type,
  c.Channel as raw_type,
  m.occurred_at,
  case when m.touchpoint_type = 'survey_answered' then 'contact survey' else c.queue_name end as channel_detail,
  [
    {'type': 'phone', 'value': case when c.address_type = 'TELEPHONE_NUMBER' then c.address end},
    {'type': 'email', 'value': case when contains(c.address, '@') then c.address end},
    {'type': 'customer_number', 'value': nullif(ltrim(c.Attributes ->> '$.customer_number', '0'), '')}
  ] as identifiers,
  [{'type': 'contact', 'id': c.ContactId, 'qualifier': 'subject'}] as objects,
  case
    when m.touchpoint_type = 'survey_answered' then null
    when c.agent_name is not null then 'success'
    when c.is_outbound then 'no_answer'
    when c.queue_name is not null then 'abandoned'
  end as outcome,
  case
    when m.touchpoint_type = 'survey_answered' then null
    else coalesce(c.talk_seconds, greatest(date_diff('second', c.InitiationTimestamp, c.DisconnectTimestamp), 0))
  end as duration_seconds,
  case
    when m.touchpoint_type = 'survey_answered' or c.is_outbound then null
    when c.answered_at is not null then greatest(date_diff('second', c.InitiationTimestamp, c.answered_at), 0)
    when c.queue_name is not null then greatest(date_diff('second', c.InitiationTimestamp, c.DisconnectTimestamp), 0)
  end as waiting_seconds,
  case when m.touchpoint_type = 'survey_answered' then 'csat' end as score_kind,
  case when m.touchpoint_type = 'survey_answered' then c.csat end as score_raw,
  case when m.touchpoint_type = 'survey_answered' then 1 end as score_min,
  case when m.touchpoint_type = 'survey_answered' then 5 end as score_max,
  c.agent_name as agent_id,
  {'initiation_method': c.InitiationMethod, 'disconnect_reason': c.DisconnectReason} as attributes
from moment as m
inner join contact as c on m.row_id = c.row_id

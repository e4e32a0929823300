-- intercom.conversation: the first message, and the rating. conversation_rating_created_at is when the rating was asked for;
-- the answer's time is ..._updated_at, which older exports lack. What follows the first message is intercom.conversation_part.
with contact as (
  -- Only a conversation with one contact names its person: in a group every message has its own author.
  select conversation_id, min(contact_id) as contact_id
  from lookup_conversation_contact
  group by conversation_id
  having count(distinct contact_id) = 1
),

conversation as (
  select
    r.*,
    coalesce(
      case when r.source_author_type in ('user', 'lead', 'contact') then r.source_author_id end, c.contact_id
    ) as contact_id,
    coalesce(r.source_delivered_as, '') = 'customer_initiated'
    or coalesce(r.source_author_type, '') in ('user', 'lead', 'contact') as is_from_customer
  from export_row as r
  left join contact as c on r.conversation_id = c.conversation_id
),

moment as (
  select
    row_id,
    case
      when source_type in ('facebook', 'twitter', 'instagram', 'whatsapp') then 'social_message'
      when source_type = 'phone_call' then case when is_from_customer then 'call_inbound' else 'call_outbound' end
      when source_type = 'email' then case when is_from_customer then 'email_received' else 'email_sent' end
      when source_type = 'sms' and not is_from_customer then 'sms_sent'
      when source_type = 'push' then 'push_sent'
      when source_author_type = 'bot' then 'chatbot'
      else 'chat'
    end as touchpoint_type,
    created_at as occurred_at
  from conversation
  union all
  select row_id, 'survey_sent' as touchpoint_type, conversation_rating_created_at as occurred_at
  from conversation
  where
    conversation_rating_created_at is not null
    and (conversation_rating_value is null or conversation_rating_updated_at > conversation_rating_created_at)
  union all
  select
    row_id,
    'survey_answered' as touchpoint_type,
    coalesce(conversation_rating_updated_at, conversation_rating_created_at, updated_at) as occurred_at
  from conversation
  where conversation_rating_value is not null
)

select
  c.row_id,
  m.touchpoint_type,
  c.source_delivered_as as raw_type,
  m.occurred_at,
  case when m.touchpoint_type like 'survey%' then 'conversation rating' else c.source_type end as channel_detail,
  case
    when m.touchpoint_type in ('chat', 'social_message', 'chatbot') and not c.is_from_customer then 'outbound'
  end as direction,
  [{'type': 'intercom.contact', 'value': c.contact_id}] as identifiers,
  [{'type': 'conversation', 'id': c.conversation_id, 'qualifier': 'subject'}] as objects,
  case when m.touchpoint_type = 'survey_answered' then 'csat' end as score_kind,
  case when m.touchpoint_type = 'survey_answered' then c.conversation_rating_value end as score_raw,
  case when m.touchpoint_type = 'survey_answered' then 1 end as score_min,
  case when m.touchpoint_type = 'survey_answered' then 5 end as score_max,
  case when c.assignee_type = 'admin' then c.assignee_id end as agent_id,
  c.source_subject as subject,
  {
    'state': c.state,
    'priority': c.priority,
    'remark': case when m.touchpoint_type = 'survey_answered' then c.conversation_rating_remark end
  } as attributes
from moment as m
inner join conversation as c on m.row_id = c.row_id

-- intercom.conversation_part: messages of both sides (chat), of a bot (chatbot), closing (ticket_resolved) and opening
-- again (ticket_reopened). A part of an agent is about the conversation's contact where it has exactly one.
with contact as (
  select conversation_id, min(contact_id) as contact_id
  from lookup_conversation_contact
  group by conversation_id
  having count(distinct contact_id) = 1
),

part as (
  select *, coalesce(author_type, '') in ('user', 'lead', 'contact') as is_from_customer
  from export_row
)

select
  p.row_id,
  case
    when p.part_type = 'close' then 'ticket_resolved'
    when p.part_type in ('open', 'note_and_reopen') then 'ticket_reopened'
    when p.part_type in ('comment', 'message') and p.author_type in ('bot', 'operator') then 'chatbot'
    when p.part_type in ('comment', 'message') then 'chat'
    else 'unmapped'
  end as touchpoint_type,
  p.part_type as raw_type,
  p.created_at as occurred_at,
  'conversation' as channel_detail,
  case when p.part_type in ('comment', 'message') and not p.is_from_customer then 'outbound' end as direction,
  [
    {
      'type': 'intercom.contact',
      'value': case when p.is_from_customer then p.author_id else c.contact_id end
    }
  ] as identifiers,
  [{'type': 'conversation', 'id': p.conversation_id, 'qualifier': 'subject'}] as objects,
  case when p.part_type = 'close' then 'success' end as outcome,
  case when p.author_type = 'admin' then p.author_id end as agent_id,
  {'author_type': p.author_type} as attributes
from part as p
left join contact as c on p.conversation_id = c.conversation_id

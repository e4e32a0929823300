-- zendesk.ticket_chat_event: chat, a message of the customer or of an agent; chatbot, one of an automatic answer. Who wrote stands in
-- actor_id: agent:…, visitor:…, __trigger and __system, or the number of a user, who is the customer where the chat is theirs.
with chat as (
  select
    chat_id,
    min(user_id) as user_id,
    count(distinct user_id) as user_count,
    min(visitor_id) as visitor_id,
    list_sort(list(distinct ticket_id)) as ticket_ids,
    min(channel) as channel
  from lookup_ticket_chat
  group by chat_id
),

message as (
  select
    e.*,
    c.ticket_ids,
    c.channel,
    -- A chat id that stands with several users tells nobody apart.
    case when c.user_count = 1 then c.user_id end as chat_user_id,
    case when c.user_count = 1 then c.visitor_id end as visitor_id,
    case
      when e.actor_id like 'agent:_%' then 'agent'
      when e.actor_id like 'visitor:_%' or (c.user_count = 1 and e.actor_id = c.user_id) then 'customer'
      when e.actor_id like '\_\_%' escape '\' then 'bot'
    end as author
  from export_row as e
  left join chat as c on e.chat_id = c.chat_id
)

select
  row_id,
  case
    when type = 'ChatMessage' and author = 'bot' then 'chatbot'
    when type in ('ChatMessage', 'ChatFileAttachment') and author in ('agent', 'customer') then 'chat'
    else 'unmapped'
  end as touchpoint_type,
  case when author is null then type || ' of an unknown author' else type end as raw_type,
  created_at as occurred_at,
  channel as channel_detail,
  case when type in ('ChatMessage', 'ChatFileAttachment') and author in ('agent', 'bot') then 'outbound' end as direction,
  [
    {'type': 'zendesk.user', 'value': chat_user_id},
    {'type': 'zendesk.visitor', 'value': coalesce(visitor_id, nullif(regexp_extract(actor_id, '^visitor:(.+)$', 1), ''))}
  ] as identifiers,
  list_concat(
    [{'type': 'chat', 'id': chat_id, 'qualifier': 'subject'}],
    list_transform(coalesce(ticket_ids, []), lambda x: {'type': 'ticket', 'id': x, 'qualifier': 'about'})
  ) as objects,
  case when author = 'agent' then substr(actor_id, 7) end as agent_id
from message

-- zendesk.ticket_table: ticket_opened or complaint, as zendesk.ticket; then its public comments. The first comment is the ticket itself. One of
-- the requester goes by the ticket's channel (mail, chat; else unmapped), one of anybody else is the company's answer.
with tag as (
  select ticket_id, list(lower(tag)) as tags
  from lookup_ticket_tag
  group by ticket_id
),

comment as (
  select
    ticket_id,
    comment_id,
    user_id,
    created,
    row_number() over (partition by ticket_id order by created, length(comment_id), comment_id) as comment_number
  from lookup_ticket_comment
  where public
),

answer as (
  select
    t.row_id,
    c.comment_id,
    c.user_id,
    c.created,
    c.user_id = t.requester_id as is_from_requester,
    c.user_id <> t.requester_id
      and row_number() over (partition by t.row_id, c.user_id = t.requester_id order by c.comment_number) = 1 as is_first_reply
  from export_row as t
  inner join comment as c on t.ticket_id = c.ticket_id
  -- The ticket of somebody whom an agent wrote to first begins with the agent's comment: that is its opening too.
  where c.comment_number > 1 and c.created >= t.created_at and c.user_id is not null
),

moment as (
  select
    t.row_id,
    case
      when t.type in ('incident', 'problem') and list_has_any(g.tags, ['complaint', 'klacht', 'klage']) then 'complaint'
      else 'ticket_opened'
    end as touchpoint_type,
    t.type as raw_type,
    t.created_at as occurred_at,
    null as part,
    null as waiting_seconds,
    t.assignee_id as agent_id
  from export_row as t
  left join tag as g on t.ticket_id = g.ticket_id
  union all
  select
    a.row_id,
    case
      when not a.is_from_requester then 'ticket_replied'
      when t.via_channel = 'email' then 'email_received'
      when t.via_channel in ('chat', 'native_messaging', 'messaging') then 'chat'
      else 'unmapped'
    end as touchpoint_type,
    case when a.is_from_requester then 'comment of the requester' else 'comment' end as raw_type,
    a.created as occurred_at,
    a.comment_id as part,
    case when a.is_first_reply then date_diff('second', t.created_at, a.created) end as waiting_seconds,
    case when not a.is_from_requester then a.user_id end as agent_id
  from answer as a
  inner join export_row as t on a.row_id = t.row_id
)

select
  t.row_id,
  m.part,
  m.touchpoint_type,
  m.raw_type,
  m.occurred_at,
  t.via_channel as channel_detail,
  case when m.part is null and t.via_channel in ('voice', 'phone') then 'offline' end as medium,
  [
    {'type': 'zendesk.user', 'value': t.requester_id},
    {'type': 'zendesk.ticket', 'value': t.ticket_id},
    {
      'type': 'email',
      'value': case when contains(t.via_source_from_address, '@') then t.via_source_from_address end
    }
  ] as identifiers,
  [
    {'type': 'ticket', 'id': t.ticket_id, 'qualifier': 'subject'},
    {'type': 'organisation', 'id': t.organization_id, 'qualifier': 'requester'},
    {'type': 'ticket', 'id': t.problem_id, 'qualifier': 'problem'},
    {'type': 'ticket', 'id': t.via_followup_source_id, 'qualifier': 'follow_up_of'}
  ] as objects,
  m.waiting_seconds,
  m.agent_id,
  t.subject,
  {
    'status': t.status,
    'priority': t.priority,
    'type': t.type,
    'group_id': t.group_id,
    'external_id': t.external_id,
    'is_public': t.is_public,
    'is_submitted_by_requester': t.submitter_id = t.requester_id
  } as attributes
from moment as m
inner join export_row as t on m.row_id = t.row_id

-- zendesk.ticket_table: ticket_opened, as zendesk.ticket. Tags stand in a table of their own, so no complaint is told apart.
select
  row_id,
  'ticket_opened' as touchpoint_type,
  type as raw_type,
  created_at as occurred_at,
  via_channel as channel_detail,
  case when via_channel in ('voice', 'phone') then 'offline' end as medium,
  [
    {'type': 'zendesk.user', 'value': requester_id},
    {'type': 'zendesk.ticket', 'value': id},
    {'type': 'email', 'value': case when contains(via_source_from_address, '@') then via_source_from_address end}
  ] as identifiers,
  [
    {'type': 'ticket', 'id': id, 'qualifier': 'subject'},
    {'type': 'organisation', 'id': organization_id, 'qualifier': 'requester'},
    {'type': 'ticket', 'id': problem_id, 'qualifier': 'problem'},
    {'type': 'ticket', 'id': via_followup_source_id, 'qualifier': 'follow_up_of'}
  ] as objects,
  assignee_id as agent_id,
  subject,
  {
    'status': status,
    'priority': priority,
    'type': type,
    'group_id': group_id,
    'external_id': external_id,
    'is_public': is_public,
    'is_submitted_by_requester': submitter_id = requester_id
  } as attributes
from export_row

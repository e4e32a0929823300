-- zendesk.ticket_field_history: ticket_resolved each time the status becomes solved. That a ticket is open again shows only in
-- the order of several rows; a mapping sees one row, so no ticket_reopened is told.
select
  row_id,
  'ticket_resolved' as touchpoint_type,
  value as raw_type,
  updated as occurred_at,
  [{'type': 'zendesk.ticket', 'value': ticket_id}] as identifiers,
  [{'type': 'ticket', 'id': ticket_id, 'qualifier': 'subject'}] as objects,
  'success' as outcome,
  user_id as agent_id
from export_row

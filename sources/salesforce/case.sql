-- salesforce.case: ticket_opened (complaint when type or reason says so) and, once closed, ticket_resolved.
with moment as (
  select
    row_id,
    case
      when regexp_matches(lower(concat_ws(' ', type, reason)), 'complaint|klacht|klage') then 'complaint'
      else 'ticket_opened'
    end as touchpoint_type,
    created_date as occurred_at
  from export_row
  union all
  select row_id, 'ticket_resolved' as touchpoint_type, closed_date as occurred_at
  from export_row
  where closed_date is not null
)

select
  c.row_id,
  m.touchpoint_type,
  coalesce(c.type, c.reason) as raw_type,
  m.occurred_at,
  lower(c.origin) as channel_detail,
  case when m.touchpoint_type <> 'ticket_resolved' and lower(c.origin) = 'phone' then 'offline' end as medium,
  [
    {'type': 'salesforce.contact', 'value': c.contact_id},
    {'type': 'salesforce.case', 'value': c.id},
    -- What the customer filled in counts; the contact's own fields are only copies of the contact.
    {'type': 'email', 'value': coalesce(c.supplied_email, case when c.contact_id is null then c.contact_email end)},
    {'type': 'phone', 'value': coalesce(
      c.supplied_phone, case when c.contact_id is null then coalesce(c.contact_mobile, c.contact_phone) end
    )}
  ] as identifiers,
  [
    {'type': 'ticket', 'id': c.id, 'qualifier': 'subject'},
    {'type': 'ticket', 'id': c.parent_id, 'qualifier': 'parent'},
    {'type': 'organisation', 'id': c.account_id, 'qualifier': 'account'}
  ] as objects,
  case when m.touchpoint_type = 'ticket_resolved' then 'success' end as outcome,
  case when m.touchpoint_type = 'ticket_resolved' then date_diff('second', c.created_date, c.closed_date) end
    as duration_seconds,
  c.owner_id as agent_id,
  c.subject,
  {
    'case_number': c.case_number,
    'status': c.status,
    'type': c.type,
    'reason': c.reason,
    'priority': c.priority,
    'is_escalated': c.is_escalated
  } as attributes
from moment as m
inner join export_row as c on m.row_id = c.row_id

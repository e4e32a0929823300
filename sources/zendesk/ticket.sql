-- zendesk.ticket: one row gives ticket_opened, or complaint when an incident or problem carries a complaint tag.
-- What happened to the ticket later (reply, solution) stands in zendesk.ticket_metric.
-- The ticket id is an identifier: a ticket has exactly one requester, and metrics and ratings name only the ticket.
with ticket as (
  select
    *,
    via ->> '$.channel' as via_channel,
    -- Only mail and phone channels name an address here; it is the requester's.
    via ->> '$.source.from.address' as from_address,
    via ->> '$.source.from.phone' as from_phone,
    coalesce(try_cast(tags as varchar[]), []) as tag_list
  from export_row
)

select
  row_id,
  case
    when type in ('incident', 'problem') and list_has_any(tag_list, ['complaint', 'klacht', 'klage']) then 'complaint'
    else 'ticket_opened'
  end as touchpoint_type,
  type as raw_type,
  created_at as occurred_at,
  via_channel as channel_detail,
  case when via_channel in ('voice', 'phone') then 'offline' end as medium,
  [
    {'type': 'zendesk.user', 'value': requester_id},
    {'type': 'zendesk.ticket', 'value': id},
    {'type': 'email', 'value': case when contains(from_address, '@') then from_address end},
    {'type': 'phone', 'value': from_phone}
  ] as identifiers,
  [
    {'type': 'ticket', 'id': id, 'qualifier': 'subject'},
    {'type': 'organisation', 'id': organization_id, 'qualifier': 'requester'},
    {'type': 'ticket', 'id': problem_id, 'qualifier': 'problem'},
    {'type': 'ticket', 'id': via ->> '$.source.from.ticket_id', 'qualifier': 'follow_up_of'}
  ] as objects,
  assignee_id as agent_id,
  subject,
  {
    'status': status,
    'priority': priority,
    'type': type,
    'tags': tag_list,
    'group_id': group_id,
    'external_id': external_id,
    'is_public': is_public,
    -- An agent who wrote the ticket down for the customer, or the customer.
    'is_submitted_by_requester': submitter_id = requester_id
  } as attributes
from ticket

-- salesforce.report_case: ticket_opened (complaint when type or reason says so) and, once closed, ticket_resolved.
-- The account is only a name here and shared besides: a fact about the case.
-- A report shows ids of 15 characters, all other exports 18: the last three follow from the capitals of the first fifteen.
with ticket as (
  select
    *,
    case
      when regexp_full_match(case_id, '[0-9A-Za-z]{15}') then case_id || array_to_string(list_transform(
        [0, 5, 10],
        lambda part: substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + cast(list_sum(list_transform(
          [1, 2, 3, 4, 5],
          lambda place: case when regexp_matches(substr(case_id, part + place, 1), '[A-Z]') then 1 << (place - 1) else 0 end
        )) as integer), 1)
      ), '')
      else case_id
    end as long_case_id,
    case
      when regexp_full_match(contact_id, '[0-9A-Za-z]{15}') then contact_id || array_to_string(list_transform(
        [0, 5, 10],
        lambda part: substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + cast(list_sum(list_transform(
          [1, 2, 3, 4, 5],
          lambda place: case when regexp_matches(substr(contact_id, part + place, 1), '[A-Z]') then 1 << (place - 1) else 0 end
        )) as integer), 1)
      ), '')
      else contact_id
    end as long_contact_id
  from export_row
),

moment as (
  select
    row_id,
    case
      when regexp_matches(lower(concat_ws(' ', type, reason)), 'complaint|klacht|klage') then 'complaint'
      else 'ticket_opened'
    end as touchpoint_type,
    opened_at as occurred_at
  from ticket
  union all
  select row_id, 'ticket_resolved' as touchpoint_type, closed_at as occurred_at
  from ticket
  where closed_at is not null
)

select
  c.row_id,
  m.touchpoint_type,
  coalesce(c.type, c.reason) as raw_type,
  m.occurred_at,
  lower(c.origin) as channel_detail,
  case when m.touchpoint_type <> 'ticket_resolved' and lower(c.origin) = 'phone' then 'offline' end as medium,
  [
    {'type': 'salesforce.contact', 'value': c.long_contact_id},
    {'type': 'salesforce.case', 'value': c.long_case_id},
    -- What the customer filled in counts; the contact's own fields are only copies of the contact.
    {'type': 'email', 'value': coalesce(c.web_email, case when c.contact_id is null then c.contact_email end)},
    {'type': 'phone', 'value': case when c.contact_id is null then c.contact_phone end}
  ] as identifiers,
  [{'type': 'ticket', 'id': coalesce(c.long_case_id, c.case_number), 'qualifier': 'subject'}] as objects,
  case when m.touchpoint_type = 'ticket_resolved' then 'success' end as outcome,
  case when m.touchpoint_type = 'ticket_resolved' then date_diff('second', c.opened_at, c.closed_at) end as duration_seconds,
  c.case_owner as agent_id,
  c.subject,
  {
    'case_number': c.case_number,
    'status': c.status,
    'type': c.type,
    'reason': c.reason,
    'priority': c.priority,
    'account_name': c.account_name
  } as attributes
from moment as m
inner join ticket as c on m.row_id = c.row_id

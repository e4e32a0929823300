-- hubspot.ticket_export: as hubspot.ticket, from the labels of the application.
with ticket as (
  select
    *,
    list_filter(
      list_transform(coalesce(string_split(contact_ids, ';'), []), lambda x: nullif(trim(x), '')), lambda x: x is not null
    ) as contacts
  from export_row
),

moment as (
  select
    row_id,
    unnest([
      {
        'touchpoint_type': case
          when regexp_matches(lower(category), 'complaint|klacht|klage|beschwerde|réclamation') then 'complaint'
          else 'ticket_opened'
        end,
        'occurred_at': created_at
      },
      {'touchpoint_type': 'ticket_replied', 'occurred_at': first_reply_at},
      {'touchpoint_type': 'ticket_resolved', 'occurred_at': closed_at}
    ], recursive := true)
  from ticket
)

select
  t.row_id,
  m.touchpoint_type,
  t.category as raw_type,
  m.occurred_at,
  lower(t.source) as channel_detail,
  case when m.touchpoint_type in ('ticket_opened', 'complaint') and lower(t.source) = 'phone' then 'offline' end as medium,
  [
    -- Of several contacts, who are several people, the first one named: HubSpot's primary contact.
    {'type': 'hubspot.contact', 'value': case when array_length(t.contacts) > 0 then t.contacts[1] end},
    {'type': 'hubspot.ticket', 'value': t.record_id}
  ] as identifiers,
  list_concat(
    [{'type': 'ticket', 'id': t.record_id, 'qualifier': 'subject'}],
    list_transform(list_sort(t.contacts), lambda x: {'type': 'contact', 'id': x, 'qualifier': 'involved'})
  ) as objects,
  case when m.touchpoint_type = 'ticket_resolved' then 'success' end as outcome,
  case when m.touchpoint_type = 'ticket_resolved' and m.occurred_at >= t.created_at
    then date_diff('second', t.created_at, m.occurred_at) end as duration_seconds,
  case when m.touchpoint_type = 'ticket_replied' and m.occurred_at >= t.created_at
    then date_diff('second', t.created_at, m.occurred_at) end as waiting_seconds,
  t.owner as agent_id,
  t.ticket_name as subject,
  {'pipeline': t.pipeline, 'status': t.ticket_status, 'priority': t.priority, 'category': t.category} as attributes
from moment as m
inner join ticket as t on m.row_id = t.row_id
where m.occurred_at is not null

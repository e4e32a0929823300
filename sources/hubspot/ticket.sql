-- hubspot.ticket: ticket_opened (complaint when the category says so), ticket_replied (the first reply), ticket_resolved.
-- Of several contacts the one with the lowest number (the oldest record) is the ticket's person; all are objects.
with contact as (
  select
    ticket_id,
    min_by(contact_id, (length(contact_id), contact_id)) as contact_id,
    list_sort(list(distinct contact_id)) as contact_ids
  from lookup_ticket_contact
  group by ticket_id
),

moment as (
  select
    row_id,
    unnest([
      {
        'touchpoint_type': case
          when regexp_matches(lower(property_hs_ticket_category), 'complaint|klacht|klage') then 'complaint'
          else 'ticket_opened'
        end,
        'occurred_at': property_createdate
      },
      {'touchpoint_type': 'ticket_replied', 'occurred_at': property_first_agent_reply_date},
      {'touchpoint_type': 'ticket_resolved', 'occurred_at': property_closed_date}
    ], recursive := true)
  from export_row
)

select
  t.row_id,
  m.touchpoint_type,
  t.property_hs_ticket_category as raw_type,
  m.occurred_at,
  lower(t.property_source_type) as channel_detail,
  case when m.touchpoint_type in ('ticket_opened', 'complaint') and lower(t.property_source_type) = 'phone' then 'offline' end
    as medium,
  [
    {'type': 'hubspot.contact', 'value': c.contact_id},
    {'type': 'hubspot.ticket', 'value': t.ticket_id}
  ] as identifiers,
  list_concat(
    [{'type': 'ticket', 'id': t.ticket_id, 'qualifier': 'subject'}],
    list_transform(coalesce(c.contact_ids, []), lambda x: {'type': 'contact', 'id': x, 'qualifier': 'involved'})
  ) as objects,
  case when m.touchpoint_type = 'ticket_resolved' then 'success' end as outcome,
  -- Not before it was opened: an imported ticket can carry an older closing time.
  case when m.touchpoint_type = 'ticket_resolved' and m.occurred_at >= t.property_createdate
    then date_diff('second', t.property_createdate, m.occurred_at) end as duration_seconds,
  case when m.touchpoint_type = 'ticket_replied' and m.occurred_at >= t.property_createdate
    then date_diff('second', t.property_createdate, m.occurred_at) end as waiting_seconds,
  t.property_hubspot_owner_id as agent_id,
  t.property_subject as subject,
  {
    'pipeline_id': t.property_hs_pipeline,
    'stage_id': t.property_hs_pipeline_stage,
    'priority': t.property_hs_ticket_priority,
    'category': t.property_hs_ticket_category
  } as attributes
from moment as m
inner join export_row as t on m.row_id = t.row_id
left join contact as c on t.ticket_id = c.ticket_id
where m.occurred_at is not null

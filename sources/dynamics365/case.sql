-- dynamics365.case: ticket_opened (complaint when its type says so), ticket_resolved. The customer is only a name: who it is says the
-- e-mail, where the view shows it.
with moment as (
  select
    row_id,
    'opened' as part,
    case
      when regexp_matches(lower(case_type), 'complaint|klacht|klage|beschwerde|réclamation') then 'complaint'
      else 'ticket_opened'
    end as touchpoint_type,
    created_at as occurred_at
  from export_row
  union all
  select row_id, 'resolved' as part, 'ticket_resolved' as touchpoint_type, resolved_at as occurred_at
  from export_row
)

select
  c.row_id,
  m.part,
  m.touchpoint_type,
  case when m.part = 'opened' then c.case_type else c.status_reason end as raw_type,
  m.occurred_at,
  lower(c.origin) as channel_detail,
  case
    when m.part = 'opened' and lower(c.origin) in ('phone', 'telefoon', 'telefon', 'téléphone') then 'offline'
  end as medium,
  [
    {'type': 'dynamics365.case', 'value': lower(trim(c.case_id, '{}'))},
    {'type': 'email', 'value': c.email}
  ] as identifiers,
  [{'type': 'ticket', 'id': coalesce(c.case_number, lower(trim(c.case_id, '{}'))), 'qualifier': 'subject'}] as objects,
  case when m.part = 'resolved' then 'success' end as outcome,
  case when m.part = 'resolved' and m.occurred_at >= c.created_at then date_diff('second', c.created_at, m.occurred_at) end
    as duration_seconds,
  c.owner as agent_id,
  c.title as subject,
  {'priority': c.priority, 'status': c.status_reason, 'customer_name': c.customer_name} as attributes
from moment as m
inner join export_row as c on m.row_id = c.row_id
where m.occurred_at is not null

-- dynamics365.opportunity: opportunity_stage when it was made; when closed, quote_accepted (won, with the revenue) or opportunity_stage
-- with outcome failure. The contact is only a name: who it is says the e-mail, where the view shows it.
with opportunity as (
  select
    *,
    lower(trim(opportunity_id, '{}')) as id,
    lower(status_word) in ('won', 'gewonnen', 'vundet', 'conclue', 'gagnée', 'conclue (gagnée)') as has_won,
    lower(status_word) in ('lost', 'verloren', 'tabt', 'perdue', 'canceled', 'cancelled') as has_lost
  from export_row
),

moment as (
  select row_id, 'opportunity_stage' as touchpoint_type, 'created' as part, created_at as occurred_at
  from opportunity
  union all
  select
    row_id,
    case when has_won then 'quote_accepted' when has_lost then 'opportunity_stage' else 'unmapped' end as touchpoint_type,
    'closed' as part,
    cast(closed_at as timestamp) as occurred_at
  from opportunity
  where status_word is not null
)

select
  o.row_id,
  m.part,
  m.touchpoint_type,
  case when m.part = 'created' then 'created' else o.status_word end as raw_type,
  m.occurred_at,
  case when m.part = 'closed' then 'day' else 'second' end as occurred_at_precision,
  [
    {'type': 'dynamics365.opportunity', 'value': o.id},
    {'type': 'email', 'value': o.email}
  ] as identifiers,
  [{'type': 'opportunity', 'id': o.id, 'qualifier': 'subject'}] as objects,
  case when m.part = 'closed' then case when o.has_won then 'success' when o.has_lost then 'failure' end end as outcome,
  case when m.part = 'closed' and o.has_won then o.actual_revenue end as amount,
  case when m.part = 'closed' and o.has_won and length(o.currency) = 3 then upper(o.currency) end as currency,
  o.owner as agent_id,
  o.topic as subject,
  {
    'status_reason': o.status_reason,
    'stage': o.stage,
    'contact_name': o.contact_name,
    'account_name': o.account_name,
    'estimated_revenue': o.estimated_revenue
  } as attributes
from moment as m
inner join opportunity as o on m.row_id = o.row_id
where m.occurred_at is not null

-- odoo.lead: lead_created, or opportunity_stage for what was an opportunity from the start; when closed: quote_accepted
-- (won, with the revenue) or opportunity_stage with outcome failure. The time in the current stage is not in the export.
with lead as (
  select
    *,
    lost_reason is not null or active is false as is_lost,
    coalesce(probability >= 100, lower(stage) in ('won', 'gewonnen')) and lost_reason is null as is_won
  from export_row
),

moment as (
  select
    row_id,
    case when lower(coalesce(type, 'opportunity')) = 'lead' then 'lead_created' else 'opportunity_stage' end
      as touchpoint_type,
    'created' as part,
    created_at as occurred_at
  from lead
  union all
  select
    row_id,
    case when is_won then 'quote_accepted' else 'opportunity_stage' end as touchpoint_type,
    'closed' as part,
    closed_at as occurred_at
  from lead
  where closed_at is not null and (is_won or is_lost)
)

select
  l.row_id,
  m.touchpoint_type,
  m.part,
  case when m.part = 'created' then 'created' else coalesce(l.lost_reason, l.stage) end as raw_type,
  m.occurred_at,
  l.source as channel_detail,
  l.campaign as campaign_name,
  l.source as campaign_source,
  l.medium as campaign_medium,
  [
    {'type': 'odoo.lead', 'value': l.id},
    {'type': 'odoo.partner', 'value': l.customer_id},
    {'type': 'email', 'value': l.email},
    {'type': 'phone', 'value': l.mobile},
    {'type': 'phone', 'value': l.phone}
  ] as identifiers,
  [{'type': 'opportunity', 'id': l.id, 'qualifier': 'subject'}] as objects,
  case when m.part = 'closed' then case when l.is_won then 'success' else 'failure' end end as outcome,
  case when m.part = 'closed' then l.expected_revenue end as amount,
  case when m.part = 'closed' and l.expected_revenue is not null then l.currency end as currency,
  l.salesperson as agent_id,
  l.opportunity as subject,
  {'stage': l.stage, 'type': l.type, 'probability': l.probability, 'expected_revenue': l.expected_revenue} as attributes
from moment as m
inner join lead as l on m.row_id = l.row_id

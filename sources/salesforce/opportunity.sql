-- salesforce.opportunity: opportunity_stage when it was created; when closed, on its closing day: quote_accepted when won
-- (the customer said yes: the conversion), opportunity_stage with outcome failure when lost.
-- The id is an identifier: payments and contact roles name only the opportunity. The account is shared, so it is none.
with opportunity as (
  select
    *,
    coalesce(is_closed, lower(stage_name) like 'closed%') as has_closed,
    coalesce(is_won, lower(stage_name) = 'closed won') as has_won
  from export_row
),

moment as (
  select
    row_id, 'opportunity_stage' as touchpoint_type, 'created' as part, 'created' as raw_type,
    created_date as occurred_at, 'second' as occurred_at_precision
  from opportunity
  where created_date is not null
  union all
  select
    row_id, case when has_won then 'quote_accepted' else 'opportunity_stage' end as touchpoint_type, 'closed' as part,
    stage_name as raw_type, cast(close_date as timestamp) as occurred_at, 'day' as occurred_at_precision
  from opportunity
  where has_closed
)

select
  o.row_id,
  m.touchpoint_type,
  m.part,
  m.raw_type,
  m.occurred_at,
  m.occurred_at_precision,
  o.lead_source as channel_detail,
  o.campaign_id,
  [
    {'type': 'salesforce.contact', 'value': o.contact_id},
    {'type': 'salesforce.opportunity', 'value': o.id}
  ] as identifiers,
  [
    {'type': 'opportunity', 'id': o.id, 'qualifier': 'subject'},
    {'type': 'organisation', 'id': o.account_id, 'qualifier': 'account'}
  ] as objects,
  case when m.part = 'closed' then case when o.has_won then 'success' else 'failure' end end as outcome,
  case when m.part = 'closed' then o.amount end as amount,
  case when m.part = 'closed' and o.amount is not null then o.currency_iso_code end as currency,
  o.owner_id as agent_id,
  o.name as subject,
  {
    'stage_name': o.stage_name,
    'type': o.type,
    'probability': o.probability,
    'close_date': o.close_date,
    'recurring_donation_id': o.npe03__recurring_donation__c
  } as attributes
from moment as m
inner join opportunity as o on m.row_id = o.row_id

-- hubspot.deal: opportunity_stage when it was created; when closed, on its closing date: quote_accepted when won, else
-- opportunity_stage with outcome failure. The closing date of an open deal is only a plan.
-- A deal can have several contacts, who are several people: the one with the lowest number (the oldest record) is the
-- deal's person, all of them are objects.
with contact as (
  select
    deal_id,
    min_by(contact_id, (length(contact_id), contact_id)) as contact_id,
    list_sort(list(distinct contact_id)) as contact_ids
  from lookup_deal_contact
  group by deal_id
),

deal as (
  select
    *,
    coalesce(property_hs_is_closed_won, lower(deal_pipeline_stage_id) = 'closedwon', false) as has_won,
    coalesce(property_hs_is_closed, lower(deal_pipeline_stage_id) in ('closedwon', 'closedlost'), false)
      or coalesce(property_hs_is_closed_won, false) as has_closed
  from export_row
),

moment as (
  select row_id, 'opportunity_stage' as touchpoint_type, 'created' as part, property_createdate as occurred_at
  from deal
  union all
  select
    row_id,
    case when has_won then 'quote_accepted' else 'opportunity_stage' end as touchpoint_type,
    'closed' as part,
    property_closedate as occurred_at
  from deal
  where has_closed and property_closedate is not null
)

select
  d.row_id,
  m.touchpoint_type,
  m.part,
  case when m.part = 'created' then 'created' else d.deal_pipeline_stage_id end as raw_type,
  m.occurred_at,
  d.property_hs_analytics_source as channel_detail,
  [
    {'type': 'hubspot.contact', 'value': c.contact_id},
    {'type': 'hubspot.deal', 'value': d.deal_id}
  ] as identifiers,
  list_concat(
    [{'type': 'opportunity', 'id': d.deal_id, 'qualifier': 'subject'}],
    list_transform(coalesce(c.contact_ids, []), lambda x: {'type': 'contact', 'id': x, 'qualifier': 'involved'})
  ) as objects,
  case when m.part = 'closed' then case when d.has_won then 'success' else 'failure' end end as outcome,
  case when m.part = 'closed' then d.property_amount end as amount,
  case when m.part = 'closed' and d.property_amount is not null then d.property_deal_currency_code end as currency,
  d.owner_id as agent_id,
  d.property_dealname as subject,
  {
    'pipeline_id': d.deal_pipeline_id,
    'stage_id': d.deal_pipeline_stage_id,
    'close_date': d.property_closedate,
    'expected_amount': d.property_amount
  } as attributes
from moment as m
inner join deal as d on m.row_id = d.row_id
left join contact as c on d.deal_id = c.deal_id

-- olist_funnel.deal: quote_accepted. The row says that the shop said yes: that is the moment of conversion ('during'),
-- which opportunity_stage (a step the salesperson sets, 'before') is not; an order_placed would invent an order and a
-- turnover that no system has. declared_monthly_revenue is what the shop hopes to sell, so it is no amount.
select
  row_id,
  'quote_accepted' as touchpoint_type,
  'won' as raw_type,
  won_date as occurred_at,
  lead_type as channel_detail,
  [
    {'type': 'olist_funnel.lead', 'value': mql_id},
    {'type': 'olist.seller', 'value': seller_id}
  ] as identifiers,
  [
    {'type': 'opportunity', 'id': mql_id, 'qualifier': 'subject'},
    {'type': 'seller', 'id': seller_id, 'qualifier': 'result'}
  ] as objects,
  'success' as outcome,
  sr_id as agent_id,
  {
    'sdr_id': sdr_id,
    'business_segment': business_segment,
    'business_type': business_type,
    'lead_behaviour_profile': lead_behaviour_profile,
    'declared_product_catalog_size': declared_product_catalog_size,
    'declared_monthly_revenue': declared_monthly_revenue
  } as attributes
from export_row

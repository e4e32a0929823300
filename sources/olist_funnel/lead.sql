-- olist_funnel.lead: lead_created on a day; origin says through which channel the shop found Olist.
select
  row_id,
  'lead_created' as touchpoint_type,
  cast(first_contact_date as timestamp) as occurred_at,
  'day' as occurred_at_precision,
  origin as channel_detail,
  origin as campaign_source,
  [{'type': 'olist_funnel.lead', 'value': mql_id}] as identifiers,
  [
    {'type': 'lead', 'id': mql_id, 'qualifier': 'subject'},
    {'type': 'landing_page', 'id': landing_page_id, 'qualifier': 'entry'}
  ] as objects
from export_row

-- olist.customer: one record per order's customer_id; customer_unique_id joins the orders of one person.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'olist.customer', 'value': customer_id},
    {'type': 'olist.person', 'value': customer_unique_id}
  ] as identifiers,
  customer_zip_code_prefix as postal_code,
  customer_city as city,
  'BR' as country,
  {'state': customer_state} as attributes
from export_row

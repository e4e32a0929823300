-- shopify.abandoned_checkout: checkout_started; it counts as abandoned until it has a time of completion.
-- The recovery link opens the cart for whoever has it, so it is not carried over. The phone of the delivery address may
-- belong to whoever receives a present: no identifier.
select
  row_id,
  'checkout_started' as touchpoint_type,
  created_at as occurred_at,
  source_name as channel_detail,
  [
    {'type': 'shopify.customer', 'value': customer_id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  [{'type': 'checkout', 'id': id, 'qualifier': 'subject'}] as objects,
  case when completed_at is null then 'abandoned' else 'success' end as outcome,
  case when completed_at is not null then date_diff('second', created_at, completed_at) end as duration_seconds,
  total_price as amount,
  case when total_price is not null then currency end as currency,
  regexp_extract(landing_site_base_url, '^(/[^?#]*)', 1) as page_path,
  nullif(regexp_extract(referring_site, '^[a-z]+://([^/?#]+)', 1), '') as referrer_host,
  {'gateway': gateway, 'accepts_marketing': buyer_accepts_marketing, 'updated_at': updated_at} as attributes
from export_row

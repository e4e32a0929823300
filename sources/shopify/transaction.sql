-- shopify.transaction: payment_received for a sale or capture, payment_failed when the card was refused (also at the
-- authorisation: that is what the customer saw). A payment that is still open stays unmapped. Card numbers are not read.
select
  row_id,
  case
    when lower(status) = 'success' then 'payment_received'
    when lower(status) in ('failure', 'error') then 'payment_failed'
    else 'unmapped'
  end as touchpoint_type,
  lower(concat_ws(' ', kind, status)) as raw_type,
  coalesce(processed_at, created_at) as occurred_at,
  gateway as channel_detail,
  [{'type': 'shopify.order', 'value': order_id}] as identifiers,
  [
    {'type': 'order', 'id': order_id, 'qualifier': 'subject'},
    {'type': 'payment', 'id': id, 'qualifier': 'subject'}
  ] as objects,
  case when lower(status) = 'success' then 'success' when lower(status) in ('failure', 'error') then 'failure' end
    as outcome,
  amount,
  case when amount is not null then currency end as currency,
  {'error_code': error_code} as attributes
from export_row

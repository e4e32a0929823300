-- woocommerce.analytics_order: order_placed. The amount is net sales: without tax, shipping and discount. The currency
-- follows from the sign before or behind the formatted amount; a sign that several currencies share gives none.
-- A cancelled or refunded order has no time of that here: the status is an attribute, a failed or cancelled one has the
-- outcome failure.
with sale as (
  select
    *,
    lower(status) as state,
    -- "2× Crew Tee, 1× Mug": a comma can be part of a name, so the cut is before the next number and ×.
    list_transform(
      list_filter(string_split(regexp_replace(products, '(^|,\s*)\d+×\s*', chr(30), 'g'), chr(30)), lambda x: x <> ''),
      lambda x: trim(x)
    ) as product_names,
    nullif(regexp_extract(attribution, '^(?:Source|Referral|Organic|Utm): *(.+)$', 1), '') as attributed_to
  from export_row
)

select
  row_id,
  'order_placed' as touchpoint_type,
  status as raw_type,
  date as occurred_at,
  coalesce(attribution, customer_type) as channel_detail,
  attributed_to as campaign_source,
  [
    {'type': 'woocommerce.order', 'value': order_number},
    {'type': 'order_reference', 'value': order_number}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': order_number, 'qualifier': 'subject'}],
    list_transform(coalesce(product_names, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  case when state in ('failed', 'cancelled', 'canceled') then 'failure' end as outcome,
  net_sales as amount,
  case
    when net_sales is null then null
    when contains(net_sales_formatted, '€') or contains(net_sales_formatted, '&euro;') then 'EUR'
    when contains(net_sales_formatted, '£') then 'GBP'
  end as currency,
  {
    'status': state,
    'customer_name': customer,
    'customer_type': lower(customer_type),
    'item_count': items_sold,
    'coupons': coupons
  } as attributes
from sale

-- shopify.order: order_placed (pos_purchase at the till) when it was processed, order_cancelled when it was cancelled.
-- processed_at is the time Shopify itself shows: an imported order keeps its own time there, created_at is the import.
-- Payments, deliveries and refunds have tables of their own; financial_status is only the state on the day of export.
with line as (
  select
    order_id,
    sum(quantity) as item_count,
    list_sort(list(distinct coalesce(product_id, sku)) filter (where coalesce(product_id, sku) is not null)) as product_ids
  from lookup_order_line
  group by order_id
),

purchase as (
  select *, lower(source_name) in ('pos', 'point_of_sale') as is_till
  from export_row
),

milestone as (
  select
    row_id,
    unnest([
      {
        'touchpoint_type': case when is_till then 'pos_purchase' else 'order_placed' end,
        'occurred_at': coalesce(processed_at, created_at)
      },
      {'touchpoint_type': 'order_cancelled', 'occurred_at': cancelled_at}
    ], recursive := true)
  from purchase
)

select
  p.row_id,
  m.touchpoint_type,
  m.occurred_at,
  p.source_name as channel_detail,
  [
    {'type': 'shopify.customer', 'value': p.customer_id},
    {'type': 'shopify.order', 'value': p.order_id},
    {'type': 'email', 'value': p.email},
    {'type': 'phone', 'value': p.phone},
    -- Only what looks like an order number: letters around digits.
    {'type': 'order_reference', 'value':
      case when regexp_full_match(p.name, '\D{0,12}\d{1,12}\D{0,6}') then ltrim(p.name, '#') end}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': p.order_id, 'qualifier': 'subject'}],
    list_transform(coalesce(l.product_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  case when m.touchpoint_type <> 'order_cancelled' then p.total_price end as amount,
  case when m.touchpoint_type <> 'order_cancelled' and p.total_price is not null then p.currency end as currency,
  p.user_id as agent_id,
  nullif(regexp_extract(p.landing_site_base_url, '[?&]utm_source=([^&#]+)', 1), '') as campaign_source,
  nullif(regexp_extract(p.landing_site_base_url, '[?&]utm_medium=([^&#]+)', 1), '') as campaign_medium,
  nullif(regexp_extract(p.landing_site_base_url, '[?&]utm_campaign=([^&#]+)', 1), '') as campaign_name,
  nullif(regexp_extract(p.referring_site, '^[a-z]+://([^/?#]+)', 1), '') as referrer_host,
  {
    'order_name': p.name,
    'financial_status': lower(p.financial_status),
    'fulfillment_status': lower(p.fulfillment_status),
    'cancel_reason': p.cancel_reason,
    'discount_amount': nullif(p.total_discounts, 0),
    'item_count': l.item_count,
    'location_id': p.location_id
  } as attributes
from milestone as m
inner join purchase as p on m.row_id = p.row_id
left join line as l on p.order_id = l.order_id
where m.occurred_at is not null

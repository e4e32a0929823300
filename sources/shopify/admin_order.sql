-- shopify.admin_order: order_placed (pos_purchase at the till) when made; payment_received, order_shipped and
-- order_cancelled when their times are filled. At the till the payment is part of the purchase.
-- A refund has an amount and no time in this export: it is an attribute, no refund_paid is made up.
with line as (
  select
    order_name,
    -- A SKU is the product; a line without one is told by its name. An edited line leaves an old copy behind, so lines are
    -- not counted, only named.
    list_sort(list(distinct coalesce(line_sku, line_name)) filter (where coalesce(line_sku, line_name) is not null))
      as product_ids
  from lookup_admin_order_line
  group by order_name
),

purchase as (
  select *, lower(source) = 'pos' as is_till, coalesce(id, order_name) as order_id
  from export_row
),

milestone as (
  select
    row_id,
    unnest([
      {'touchpoint_type': case when is_till then 'pos_purchase' else 'order_placed' end, 'occurred_at': created_at},
      {'touchpoint_type': 'payment_received', 'occurred_at': case when is_till is not true then paid_at end},
      {'touchpoint_type': 'order_shipped', 'occurred_at': fulfilled_at},
      {'touchpoint_type': 'order_cancelled', 'occurred_at': cancelled_at}
    ], recursive := true)
  from purchase
)

select
  p.row_id,
  m.touchpoint_type,
  m.occurred_at,
  case
    when m.touchpoint_type = 'payment_received' then p.payment_method
    when m.touchpoint_type = 'order_shipped' then p.shipping_method
    when m.touchpoint_type = 'pos_purchase' then coalesce(p.location, p.source)
    else p.source
  end as channel_detail,
  [
    {'type': 'email', 'value': p.email},
    {'type': 'phone', 'value': coalesce(p.phone, p.billing_phone)},
    {'type': 'shopify.order', 'value': p.id},
    -- The number that customer, warehouse and accounts know the order by; the ERP writes it as its reference.
    {'type': 'order_reference', 'value': ltrim(p.order_name, '#')}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': p.order_id, 'qualifier': 'subject'}],
    list_transform(coalesce(l.product_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  case when m.touchpoint_type = 'payment_received' then 'success' end as outcome,
  case when m.touchpoint_type in ('order_placed', 'pos_purchase', 'payment_received') then p.total end as amount,
  case
    when m.touchpoint_type in ('order_placed', 'pos_purchase', 'payment_received') and p.total is not null then p.currency
  end as currency,
  p.employee as agent_id,
  {
    'order_name': p.order_name,
    'financial_status': p.financial_status,
    'fulfillment_status': p.fulfillment_status,
    'refunded_amount': nullif(p.refunded_amount, 0),
    'discount_code': p.discount_code,
    'discount_amount': nullif(p.discount_amount, 0),
    'shipping_amount': p.shipping,
    'tax_amount': p.taxes,
    'outstanding_amount': nullif(p.outstanding_balance, 0),
    'tags': p.tags,
    'risk_level': p.risk_level
  } as attributes
from milestone as m
inner join purchase as p on m.row_id = p.row_id
left join line as l on p.order_name = l.order_name
where m.occurred_at is not null

-- olist.order: one order row gives placed, confirmed, shipped and delivered, each when its time is filled.
-- A cancelled order has no time of cancelling in this export, so it gives no order_cancelled (a made-up time would
-- move drop-off points); its order_placed has the outcome 'failure' and the status stands in the attributes.
with item as (
  select
    order_id,
    count(*) as item_count,
    sum(price + freight_value) as amount,
    sum(freight_value) as freight_amount,
    list_sort(list(distinct product_id)) as product_ids
  from lookup_order_item
  group by order_id
),

milestone as (
  select
    row_id,
    unnest([
      {'touchpoint_type': 'order_placed', 'occurred_at': order_purchase_timestamp},
      {'touchpoint_type': 'order_confirmed', 'occurred_at': order_approved_at},
      {'touchpoint_type': 'order_shipped', 'occurred_at': order_delivered_carrier_date},
      {'touchpoint_type': 'order_delivered', 'occurred_at': order_delivered_customer_date}
    ], recursive := true)
  from export_row
)

select
  o.row_id,
  m.touchpoint_type,
  m.occurred_at,
  [
    {'type': 'olist.customer', 'value': o.customer_id},
    {'type': 'olist.order', 'value': o.order_id}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': o.order_id, 'qualifier': 'subject'}],
    list_transform(coalesce(i.product_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  case
    when m.touchpoint_type = 'order_placed' and o.order_status in ('canceled', 'unavailable') then 'failure'
    when m.touchpoint_type = 'order_delivered' then 'success'
  end as outcome,
  case when m.touchpoint_type = 'order_placed' then round(i.amount, 2) end as amount,
  case when m.touchpoint_type = 'order_placed' and i.amount is not null then 'BRL' end as currency,
  {
    'order_status': o.order_status,
    'item_count': i.item_count,
    'freight_amount': round(i.freight_amount, 2),
    'estimated_delivery_date': o.order_estimated_delivery_date,
    -- Positive: later than promised. Both sides are calendar days in the shop's own time zone.
    'days_late': case when m.touchpoint_type = 'order_delivered' then
      date_diff(
        'day',
        o.order_estimated_delivery_date,
        cast(timezone('America/Sao_Paulo', timezone('UTC', m.occurred_at)) as date)
      )
    end
  } as attributes
from milestone as m
inner join export_row as o on m.row_id = o.row_id
left join item as i on o.order_id = i.order_id
where m.occurred_at is not null

-- ocel.event_csv: as ocel.event, with the objects in a column per type. price is the worth of the items of the event: money
-- for orders and payments only, in the system's currency.
with object as (
  select
    row_id,
    unnest([
      {'type': 'customer', 'ids': "ocel:type:customers"},
      {'type': 'order', 'ids': "ocel:type:orders"},
      {'type': 'item', 'ids': "ocel:type:items"},
      {'type': 'package', 'ids': "ocel:type:packages"},
      {'type': 'product', 'ids': "ocel:type:products"}
    ], recursive := true)
  from export_row
),

one as (
  select row_id, type, unnest(regexp_extract_all(ids, '''([^'']+)''', 1)) as id
  from object
),

linked as (
  select
    row_id,
    list({'type': type, 'id': id, 'qualifier': 'related'} order by type, id) as objects,
    list({'type': 'ocel.' || type, 'value': id} order by type, id) filter (where type <> 'product') as identifiers
  from one
  group by row_id
)

select
  e.row_id,
  case lower(e."ocel:activity")
    when 'place order' then 'order_placed'
    when 'confirm order' then 'order_confirmed'
    when 'cancel order' then 'order_cancelled'
    when 'pay order' then 'payment_received'
    when 'payment reminder' then 'invoice_overdue'
    when 'send package' then 'order_shipped'
    when 'package delivered' then 'order_delivered'
    when 'failed delivery' then 'delivery_failed'
    else 'unmapped'
  end as touchpoint_type,
  e."ocel:activity" as raw_type,
  e."ocel:timestamp" as occurred_at,
  l.identifiers,
  l.objects,
  case when lower(e."ocel:activity") in ('place order', 'confirm order', 'cancel order', 'pay order') then e.price end as amount,
  {'weight': e.weight} as attributes
from export_row as e
left join linked as l on e.row_id = l.row_id

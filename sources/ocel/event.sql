-- ocel.event: the event's word becomes a touchpoint type, each related object an object of the touchpoint with its qualifier.
-- Objects that belong to one person (customer, order, order line, parcel) identify too: an event that names only a parcel
-- finds its customer by the events that name parcel and order. Others (products, invoices, staff) do not.
with related as (
  select row_id, unnest(json_transform(relationships, '[{"objectId": "VARCHAR", "qualifier": "VARCHAR"}]')) as relation
  from export_row
),

linked as (
  select
    r.row_id,
    list({
      'type': coalesce(lower(o.type), 'object'),
      'id': r.relation.objectId,
      'qualifier': coalesce(r.relation.qualifier, 'related')
    } order by r.relation.objectId, r.relation.qualifier) as objects,
    list({
      'type': 'ocel.' || regexp_replace(lower(o.type), 's$', ''),
      'value': r.relation.objectId
    } order by r.relation.objectId)
      filter (where lower(o.type) in ('customer', 'customers', 'order', 'orders', 'item', 'items', 'package', 'packages'))
      as identifiers
  from related as r
  left join lookup_object as o on r.relation.objectId = o.id
  group by r.row_id
)

select
  e.row_id,
  case lower(e.type)
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
  e.type as raw_type,
  e."time" as occurred_at,
  l.identifiers,
  l.objects,
  {'attributes': e.attributes} as attributes
from export_row as e
left join linked as l on e.row_id = l.row_id

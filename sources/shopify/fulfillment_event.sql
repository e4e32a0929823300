-- shopify.fulfillment_event: order_delivered, delivery_failed, order_shipped (the carrier has it). The scans between stay
-- unmapped with their word: some carriers tell the customer, some do not. Place names of scans are not carried over.
select
  row_id,
  case lower(status)
    when 'delivered' then 'order_delivered'
    when 'picked_up' then 'order_delivered'
    when 'attempted_delivery' then 'delivery_failed'
    when 'failure' then 'delivery_failed'
    when 'carrier_picked_up' then 'order_shipped'
    else 'unmapped'
  end as touchpoint_type,
  lower(status) as raw_type,
  happened_at as occurred_at,
  [
    {'type': 'shopify.order', 'value': order_id},
    {'type': 'shopify.fulfillment', 'value': fulfillment_id}
  ] as identifiers,
  [
    {'type': 'order', 'id': order_id, 'qualifier': 'subject'},
    {'type': 'parcel', 'id': fulfillment_id, 'qualifier': 'subject'}
  ] as objects,
  case
    when lower(status) in ('delivered', 'picked_up') then 'success'
    when lower(status) in ('attempted_delivery', 'failure') then 'failure'
  end as outcome,
  {'estimated_delivery_at': estimated_delivery_at, 'country': country} as attributes
from export_row

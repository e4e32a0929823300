-- shopify.fulfillment: order_shipped when the parcel was made up. It names its order, which its events (GraphQL) do not.
select
  row_id,
  'order_shipped' as touchpoint_type,
  status as raw_type,
  created_at as occurred_at,
  tracking_company as channel_detail,
  [
    {'type': 'shopify.order', 'value': order_id},
    {'type': 'shopify.fulfillment', 'value': id}
  ] as identifiers,
  [
    {'type': 'order', 'id': order_id, 'qualifier': 'subject'},
    {'type': 'parcel', 'id': id, 'qualifier': 'subject'}
  ] as objects,
  {'shipment_status': shipment_status, 'service': service, 'location_id': location_id} as attributes
from export_row

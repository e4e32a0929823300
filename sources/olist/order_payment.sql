-- olist.order_payment: payment_received. The export has no time and no customer: the time is when the order was
-- approved (the shop approves when the money is in), else when it was bought; the customer follows from olist.order.
-- A payment whose order has not arrived yet has no time and waits in quarantine for it.
select
  p.row_id,
  'payment_received' as touchpoint_type,
  coalesce(o.order_approved_at, o.order_purchase_timestamp) as occurred_at,
  p.payment_type as channel_detail,
  [{'type': 'olist.order', 'value': p.order_id}] as identifiers,
  [{'type': 'order', 'id': p.order_id, 'qualifier': 'subject'}] as objects,
  'success' as outcome,
  p.payment_value as amount,
  'BRL' as currency,
  {
    'payment_sequential': p.payment_sequential,
    'installment_count': p.payment_installments,
    'time_from': case when o.order_approved_at is null then 'purchase' else 'approval' end
  } as attributes
from export_row as p
left join lookup_order as o on p.order_id = o.order_id

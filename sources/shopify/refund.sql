-- shopify.refund: refund_paid. The note is free text about a person and is not carried over.
with line as (
  select refund_id, sum(quantity) as item_count
  from lookup_order_line_refund
  group by refund_id
)

select
  r.row_id,
  'refund_paid' as touchpoint_type,
  coalesce(r.processed_at, r.created_at) as occurred_at,
  [{'type': 'shopify.order', 'value': r.order_id}] as identifiers,
  [
    {'type': 'order', 'id': r.order_id, 'qualifier': 'subject'},
    {'type': 'refund', 'id': r.refund_id, 'qualifier': 'subject'},
    {'type': 'return', 'id': r.return_id, 'qualifier': 'because_of'}
  ] as objects,
  'success' as outcome,
  r.total_refunded as amount,
  case when r.total_refunded is not null then r.currency end as currency,
  r.staff_member_id as agent_id,
  {'return_name': b.name, 'return_status': lower(b.status), 'item_count': coalesce(l.item_count, b.total_quantity)}
    as attributes
from export_row as r
left join lookup_order_return as b on r.return_id = b.return_id
left join line as l on r.refund_id = l.refund_id

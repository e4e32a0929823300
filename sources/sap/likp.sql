-- sap.likp: order_delivered at the proof of delivery. kunnr is who receives the goods.
select
  row_id,
  'order_delivered' as touchpoint_type,
  lfart as raw_type,
  -- Without a clock the day is all that is known.
  case when potim is null then cast(podat as timestamp) else coalesce(delivered_at, cast(podat as timestamp)) end as occurred_at,
  case when potim is null or delivered_at is null then 'day' else 'second' end as occurred_at_precision,
  route as channel_detail,
  [
    {'type': 'sap.delivery', 'value': ltrim(vbeln, '0')},
    {'type': 'sap.customer', 'value': ltrim(kunnr, '0')},
    {'type': 'customer_number', 'value': ltrim(kunnr, '0')}
  ] as identifiers,
  [{'type': 'delivery', 'id': ltrim(vbeln, '0'), 'qualifier': 'subject'}] as objects,
  'success' as outcome,
  {
    'planned_delivery_date': lfdat,
    'goods_issue_date': wadat_ist,
    -- Positive: later than planned.
    'days_late': date_diff('day', lfdat, podat)
  } as attributes
from export_row

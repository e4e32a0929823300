-- sap.likp: order_delivered at the proof of delivery. kunnr is who receives the goods.
with delivery as (
  select *, nullif(replace(potim, ':', ''), '000000') as clock
  from export_row
)

select
  row_id,
  'order_delivered' as touchpoint_type,
  lfart as raw_type,
  case
    when clock is null then cast(podat as timestamp)
    else timezone('UTC', timezone(
      'Europe/Amsterdam', try_strptime(strftime(podat, '%Y%m%d') || lpad(clock, 6, '0'), '%Y%m%d%H%M%S')
    ))
  end as occurred_at,
  case when clock is null then 'day' else 'second' end as occurred_at_precision,
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
from delivery

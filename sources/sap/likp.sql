-- sap.likp: order_delivered at the proof of delivery. kunnr is who receives the goods.
with clock as (
  select
    *,
    -- The clock of the SAP server (system.yaml); 000000 is "not filled".
    try_strptime(
      strftime(podat, '%Y%m%d') || lpad(nullif(replace(potim, ':', ''), '000000'), 6, '0'), '%Y%m%d%H%M%S'
    ) as local_time
  from export_row
),

delivery as (
  select *, timezone('UTC', timezone('Europe/Amsterdam', local_time)) as utc_time
  from clock
)

select
  row_id,
  'order_delivered' as touchpoint_type,
  lfart as raw_type,
  -- When the clocks go back an hour exists twice: the first of the two, as everywhere else.
  case
    when local_time is null then cast(podat as timestamp)
    when timezone('Europe/Amsterdam', timezone('UTC', utc_time - interval 1 hour)) = local_time
      then utc_time - interval 1 hour
    else utc_time
  end as occurred_at,
  case when local_time is null then 'day' else 'second' end as occurred_at_precision,
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

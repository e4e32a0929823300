-- square.transaction: pos_purchase, or refund_paid for a refund. The amount is what was collected, tax and tip included.
-- Amounts: Square always writes two decimals, so what stands before the last two digits is the decimal mark.
-- Times are local; Square names the zone as a city or in words. A zone that is not known is read as the company's.
with zoned as (
  select
    *,
    case
      when time_zone like 'Eastern Time%' then 'America/New_York'
      when time_zone like 'Central Time%' then 'America/Chicago'
      when time_zone like 'Mountain Time%' then 'America/Denver'
      when time_zone like 'Pacific Time%' then 'America/Los_Angeles'
      when time_zone in ('London', 'Edinburgh') then 'Europe/London'
      when time_zone in ('Dublin', 'Amsterdam', 'Copenhagen', 'Berlin', 'Brussels', 'Paris', 'Madrid', 'Rome', 'Stockholm')
        then 'Europe/' || time_zone
      else time_zone
    end as zone_name,
    try_strptime(
      strftime("date", '%Y-%m-%d') || ' ' || "time",
      ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %H:%M', '%Y-%m-%d %I:%M %p']
    ) as local_time,
    -- Without the sign of the currency and the full stop of "kr."
    rtrim(regexp_replace(total_collected, '[^0-9.,-]', '', 'g'), '.,') as amount_text
  from export_row
),

sale as (
  select
    z.*,
    coalesce(known.name, 'Europe/Amsterdam') as zone,
    timezone('UTC', timezone(coalesce(known.name, 'Europe/Amsterdam'), z.local_time)) as utc_time,
    try_cast(
      regexp_replace(regexp_replace(amount_text, '[.,](\d{1,2})$', '#\1'), '[.,]', '', 'g').replace('#', '.') as double
    ) as amount
  from zoned as z
  left join (select distinct name from pg_timezone_names()) as known on z.zone_name = known.name
)

select
  row_id,
  case when lower(event_type) = 'refund' then 'refund_paid' else 'pos_purchase' end as touchpoint_type,
  event_type as raw_type,
  -- When the clocks go back an hour exists twice: the first of the two, as everywhere else.
  case
    when timezone(zone, timezone('UTC', utc_time - interval 1 hour)) = local_time then utc_time - interval 1 hour
    else utc_time
  end as occurred_at,
  case when lower(event_type) = 'refund' then 'store' end as channel,
  coalesce("location", device_name) as channel_detail,
  case when lower(event_type) = 'refund' then 'offline' end as medium,
  [
    {'type': 'square.customer', 'value': customer_id},
    {'type': 'customer_number', 'value': nullif(ltrim(customer_reference_id, '0'), '')}
  ] as identifiers,
  [
    {'type': 'transaction', 'id': transaction_id, 'qualifier': 'subject'},
    {'type': 'payment', 'id': payment_id, 'qualifier': 'paid_by'}
  ] as objects,
  'success' as outcome,
  amount,
  case
    when contains(total_collected, '€') then 'EUR'
    when contains(total_collected, '£') then 'GBP'
    when contains(total_collected, 'kr') then 'DKK'
    when contains(total_collected, '$') then 'USD'
    else 'EUR'
  end as currency,
  staff_id as agent_id,
  {
    'source': source,
    'entry_method': card_entry_methods,
    'device': device_name,
    'description': description,
    'customer_name': customer_name,
    'discounts': discounts,
    'tip': tip,
    'refund_reason': refund_reason
  } as attributes
from sale

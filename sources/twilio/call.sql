-- twilio.call: call_inbound or call_outbound; the customer is on the from side of an inbound and the to side of an outbound
-- call. queue_time is milliseconds before the call was put through. The price is what Twilio charges the company: no amount.
select
  row_id,
  case when lower(direction) like 'inbound%' then 'call_inbound' else 'call_outbound' end as touchpoint_type,
  direction as raw_type,
  start_time as occurred_at,
  [{'type': 'phone', 'value': case when lower(direction) like 'inbound%' then "from" else "to" end}] as identifiers,
  [{'type': 'call', 'id': id, 'qualifier': 'subject'}] as objects,
  case replace(lower(status), '_', '-')
    when 'completed' then 'success'
    when 'no-answer' then 'no_answer'
    when 'busy' then 'no_answer'
    when 'failed' then 'failure'
    -- Hung up before anybody answered.
    when 'canceled' then 'abandoned'
    else status
  end as outcome,
  duration as duration_seconds,
  cast(round(queue_time / 1000.0) as integer) as waiting_seconds,
  {'status': status, 'answered_by': answered_by, 'group_id': group_id, 'price': price, 'price_currency': price_unit}
    as attributes
from export_row

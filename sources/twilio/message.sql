-- twilio.message: sms_sent. The catalogue has no type for a text message from a customer; it stays unmapped, with its word,
-- its sender and the channel messaging. The text of the message is not carried over.
select
  row_id,
  case when lower(direction) not like 'inbound%' then 'sms_sent' else 'unmapped' end as touchpoint_type,
  direction as raw_type,
  coalesce(date_sent, created_at) as occurred_at,
  'messaging' as channel,
  'sms' as channel_detail,
  case when lower(direction) like 'inbound%' then 'inbound' else 'outbound' end as direction,
  [{'type': 'phone', 'value': case when lower(direction) like 'inbound%' then "from" else "to" end}] as identifiers,
  [{'type': 'message', 'id': id, 'qualifier': 'subject'}] as objects,
  case lower(status)
    when 'delivered' then 'success'
    when 'received' then 'success'
    when 'undelivered' then 'failure'
    when 'failed' then 'failure'
    else status
  end as outcome,
  {'status': status, 'error_code': error_code, 'segment_count': num_segments} as attributes
from export_row

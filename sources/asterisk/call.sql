-- asterisk.call: an outside call. Who is outside: the side that is no extension (2 to 5 digits). Both outside: a call that
-- came in and was forwarded. A call nobody took lasted nothing; how long it rang is the wait.
with call as (
  select
    *,
    regexp_full_match(coalesce(src, ''), '\d{2,5}') as is_outbound,
    regexp_replace(case when regexp_full_match(coalesce(src, ''), '\d{2,5}') then dst else src end, '[^0-9+]', '', 'g') as outside
  from export_row
)

select
  row_id,
  case when is_outbound then 'call_outbound' else 'call_inbound' end as touchpoint_type,
  disposition as raw_type,
  "start" as occurred_at,
  dcontext as channel_detail,
  [{'type': 'phone', 'value': nullif(outside, '')}] as identifiers,
  [{'type': 'call', 'id': uniqueid, 'qualifier': 'subject'}] as objects,
  case disposition
    when 'ANSWERED' then 'success'
    when 'NO ANSWER' then case when is_outbound then 'no_answer' else 'abandoned' end
    when 'BUSY' then 'no_answer'
    when 'CONGESTION' then 'failure'
    when 'FAILED' then 'failure'
  end as outcome,
  billsec as duration_seconds,
  case when not is_outbound then greatest(date_diff('second', "start", coalesce(answer, "end")), 0) end as waiting_seconds,
  case when is_outbound then src when regexp_full_match(coalesce(dst, ''), '\d{2,5}') then dst end as agent_id,
  {'disposition': disposition, 'account': accountcode, 'application': lastapp} as attributes
from call

-- xes.event: the words of case_log.event, in small letters. A step that is in no list becomes unmapped with its own word: add it
-- here, or to the rule internal_step.
select
  row_id,
  case
    when lower("concept:name") in (
      'insert ticket', 'create ticket', 'ticket created', 'open', 'opened', 'register', 'melding', 'registreren', 'opret sag'
    ) then 'ticket_opened'
    when lower("concept:name") in ('complaint', 'register complaint', 'klacht', 'klage') then 'complaint'
    when lower("concept:name") in ('reply', 'send reply', 'answer customer', 'beantwoorden', 'svar') then 'ticket_replied'
    when lower("concept:name") in ('resolve ticket', 'resolve', 'resolved', 'solved', 'opgelost', 'løst') then 'ticket_resolved'
    when lower("concept:name") in ('reopen', 'reopened', 'reopen ticket', 'heropend', 'genåbnet') then 'ticket_reopened'
    when lower("concept:name") in ('schedule intervention', 'plan visit') then 'appointment_booked'
    when lower("concept:name") in ('service visit', 'on-site visit') then 'service_visit'
    when lower("concept:name") in ('call customer', 'call back') then 'call_outbound'
    else 'unmapped'
  end as touchpoint_type,
  "concept:name" as raw_type,
  "time:timestamp" as occurred_at,
  "case channel" as channel_detail,
  [
    {'type': 'xes.case', 'value': "case"},
    {'type': 'xes.customer', 'value': customer},
    {'type': 'customer_number', 'value': nullif(ltrim(customer_number, '0'), '')},
    {'type': 'email', 'value': email}
  ] as identifiers,
  [{'type': 'case', 'id': "case", 'qualifier': 'subject'}] as objects,
  case when lower("concept:name") like 'resolve%' or lower("concept:name") in ('solved', 'opgelost', 'løst') then 'success' end
    as outcome,
  "org:resource" as agent_id,
  {'transition': "lifecycle:transition"} as attributes
from export_row

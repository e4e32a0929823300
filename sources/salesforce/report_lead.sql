-- salesforce.report_lead: lead_created, on its day where the report shows no time.
-- A report shows ids of 15 characters, all other exports 18: the last three follow from the capitals of the first fifteen.
with lead as (
  select
    *,
    case
      when regexp_full_match(lead_id, '[0-9A-Za-z]{15}') then lead_id || array_to_string(list_transform(
        [0, 5, 10],
        lambda part: substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + cast(list_sum(list_transform(
          [1, 2, 3, 4, 5],
          lambda place: case when regexp_matches(substr(lead_id, part + place, 1), '[A-Z]') then 1 << (place - 1) else 0 end
        )) as integer), 1)
      ), '')
      else lead_id
    end as long_lead_id
  from export_row
)

select
  row_id,
  'lead_created' as touchpoint_type,
  created_at as occurred_at,
  case when created_at = date_trunc('day', created_at) then 'day' else 'second' end as occurred_at_precision,
  lead_source as channel_detail,
  [
    {'type': 'salesforce.lead', 'value': long_lead_id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': mobile},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  [{'type': 'lead', 'id': long_lead_id, 'qualifier': 'subject'}] as objects,
  lead_owner as agent_id,
  {
    'status': lead_status,
    'rating': rating,
    'company': company,
    'title': title,
    'name': nullif(concat_ws(' ', first_name, last_name), ''),
    'is_converted': converted
  } as attributes
from lead

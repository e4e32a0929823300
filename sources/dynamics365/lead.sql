-- dynamics365.lead: lead_created. The row checksum and the description (free text about a person) are not carried over.
select
  row_id,
  'lead_created' as touchpoint_type,
  created_at as occurred_at,
  lower(lead_source) as channel_detail,
  [
    -- A GUID is one id in capitals and in small letters.
    {'type': 'dynamics365.lead', 'value': lower(lead_id)},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': mobile},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  [{'type': 'lead', 'id': lower(lead_id), 'qualifier': 'subject'}] as objects,
  owner as agent_id,
  topic as subject,
  {
    'status': coalesce(status_reason, status),
    'rating': rating,
    'company': company,
    'modified_at': modified_at
  } as attributes
from export_row

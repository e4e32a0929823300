-- dynamics365.lead_person: the person of a lead. The company is a fact about the lead: colleagues share it.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'dynamics365.lead', 'value': lower(lead_id)},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': mobile},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  coalesce(nullif(concat_ws(' ', first_name, last_name), ''), full_name) as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  coalesce(mobile, phone) as phone,
  case when length(country) = 2 then upper(country) end as country,
  modified_at as valid_from,
  {'company': company, 'job_title': job_title, 'lead_source': lead_source, 'country_name': country} as attributes
from export_row

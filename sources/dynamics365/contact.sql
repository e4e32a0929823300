-- dynamics365.contact: a person of the CRM. The company is a fact about the contact: colleagues share it.
select
  row_id,
  'person' as party_type,
  [
    -- A GUID is one id in capitals and in small letters, with and without braces.
    {'type': 'dynamics365.contact', 'value': lower(trim(contact_id, '{}'))},
    {'type': 'customer_number', 'value': customer_number},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': mobile},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  coalesce(full_name, nullif(concat_ws(' ', first_name, last_name), '')) as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  coalesce(mobile, phone) as phone,
  street,
  postal_code,
  city,
  case when length(country) = 2 then upper(country) end as country,
  modified_at as valid_from,
  {'company': company, 'job_title': job_title, 'country_name': country, 'created_at': created_at} as attributes
from export_row

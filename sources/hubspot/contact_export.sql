-- hubspot.contact_export: what the CRM says about a person. The owner is the company's own employee, the companies are
-- shared by colleagues: facts, not identifiers.
select
  row_id,
  'person' as party_type,
  list_concat(
    [
      {'type': 'hubspot.contact', 'value': record_id},
      {'type': 'email', 'value': email},
      {'type': 'phone', 'value': mobile_phone},
      {'type': 'phone', 'value': phone}
    ],
    list_transform(
      coalesce(string_split(merged_ids, ';'), []), lambda x: {'type': 'hubspot.contact', 'value': nullif(trim(x), '')}
    ),
    list_transform(
      coalesce(string_split(additional_emails, ';'), []), lambda x: {'type': 'email', 'value': nullif(trim(x), '')}
    )
  ) as identifiers,
  nullif(concat_ws(' ', first_name, last_name), '') as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  coalesce(mobile_phone, phone) as phone,
  street,
  postal_code,
  city,
  case when length(country) = 2 then upper(country) end as country,
  not opted_out as consent_email,
  coalesce(modified_at, created_at) as valid_from,
  {
    'company': company,
    'company_ids': company_ids,
    'lead_status': lead_status,
    'lifecycle_stage': lifecycle_stage,
    'country_name': country,
    'created_at': created_at
  } as attributes
from export_row

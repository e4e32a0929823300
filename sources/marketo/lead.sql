-- marketo.lead: a person. Not having unsubscribed is no consent.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'marketo.lead', 'value': id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone},
    {'type': 'phone', 'value': mobile_phone}
  ] as identifiers,
  nullif(concat_ws(' ', first_name, last_name), '') as full_name,
  first_name as given_name,
  last_name as family_name,
  company as organisation_name,
  email,
  coalesce(mobile_phone, phone) as phone,
  postal_code,
  city,
  country,
  case when unsubscribed then false end as consent_email,
  coalesce(updated_at, created_at) as valid_from,
  {'created_at': created_at} as attributes
from export_row

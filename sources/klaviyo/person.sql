-- klaviyo.person: a profile. custom_consent lists the channels consent was given for; custom_accepts_marketing comes from
-- the shop and is about mail.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'klaviyo.person', 'value': id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone_number}
  ] as identifiers,
  nullif(concat_ws(' ', first_name, last_name), '') as full_name,
  first_name as given_name,
  last_name as family_name,
  organization as organisation_name,
  email,
  phone_number as phone,
  address_1 as street,
  zip as postal_code,
  city,
  country,
  case when contains(lower(custom_consent), 'email') then true else custom_accepts_marketing end as consent_email,
  coalesce(updated, created) as valid_from,
  {'created_at': created, 'region': region, 'time_zone': timezone, 'consent': custom_consent} as attributes
from export_row

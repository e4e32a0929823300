-- qualtrics.directory_contact: a person of the survey directory. ext_ref is where a company puts its own customer number.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'qualtrics.contact', 'value': contact_id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone},
    {'type': 'customer_number', 'value': nullif(ltrim(ext_ref, '0'), '')}
  ] as identifiers,
  nullif(concat_ws(' ', first_name, last_name), '') as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  phone,
  lower(left(language, 2)) as language,
  -- To have left the directory is a no; to be in it is no yes.
  case when directory_unsubscribed then false end as consent_email,
  coalesce(last_modified, creation_date) as valid_from,
  {'directory_id': directory_id} as attributes
from export_row

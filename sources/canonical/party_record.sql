-- canonical.party_record: the columns are already ours; the plain columns and the JSON array become one list of identifiers.
select
  row_id,
  party_type,
  list_concat(
    [
      {'type': 'canonical.party', 'value': id},
      {'type': 'email', 'value': email},
      {'type': 'phone', 'value': phone},
      {'type': 'customer_number', 'value': customer_number},
      {'type': 'login', 'value': login}
    ],
    json_transform(identifiers, '[{"type": "VARCHAR", "value": "VARCHAR"}]')
  ) as identifiers,
  full_name,
  given_name,
  family_name,
  organisation_name,
  email,
  phone,
  street,
  house_number,
  postal_code,
  city,
  country,
  birth_date,
  language,
  consent_email,
  consent_phone,
  consent_post,
  valid_from,
  attributes
from export_row

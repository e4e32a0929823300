-- amplitude.user: the user properties that the latest event of a person carries, as sites usually call them.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'amplitude.user', 'value': amplitude_id},
    {'type': 'login', 'value': user_id},
    {'type': 'cookie', 'value': device_id},
    {'type': 'email', 'value': user_properties ->> '$.email'},
    {'type': 'phone', 'value': user_properties ->> '$.phone'}
  ] as identifiers,
  user_properties ->> '$.name' as full_name,
  coalesce(user_properties ->> '$.first_name', user_properties ->> '$.firstName') as given_name,
  coalesce(user_properties ->> '$.last_name', user_properties ->> '$.lastName') as family_name,
  user_properties ->> '$.email' as email,
  user_properties ->> '$.phone' as phone,
  server_upload_time as valid_from
from export_row

-- segment.user: in `users` the id is the user's; in `identifies` it is the call's and the user's stands beside it.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'login', 'value': coalesce(user_id, case when anonymous_id is null then id end)},
    {'type': 'cookie', 'value': anonymous_id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  name as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  phone,
  address_street as street,
  address_postal_code as postal_code,
  address_city as city,
  case when length(address_country) = 2 then upper(address_country) end as country,
  received_at as valid_from
from export_row

-- segment.identify: traits that the spec reserves; other traits stay where they are. The anonymous id beside the user id is what
-- joins the visits before somebody logged in.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'login', 'value': userId},
    {'type': 'email', 'value': case when userId like '%@%.%' then userId end},
    {'type': 'cookie', 'value': anonymousId},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  full_name,
  given_name,
  family_name,
  company as organisation_name,
  email,
  phone,
  street,
  postal_code,
  city,
  case when length(country) = 2 then upper(country) end as country,
  birthday as birth_date,
  coalesce(receivedAt, timestamp) as valid_from
from export_row

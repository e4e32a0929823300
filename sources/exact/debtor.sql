-- exact.debtor: the customer of an order. Type C is Exact's word for a customer account, a person or a company alike, so
-- the party is a person unless the name says what only a company has.
with debtor as (
  select
    row_id,
    trim(Debtor ->> '$[0]."@code"') as code,
    trim(Debtor ->> '$[0].Name') as name,
    Address -> '$[0]' as place,
    "Date" as ordered_on
  from export_row
)

select
  row_id,
  case
    when regexp_matches(lower(name), '(^|\s)(b\.?v\.?|n\.?v\.?|v\.?o\.?f\.?|gmbh|aps|a/s|ltd|llc|inc|stichting|vereniging)\.?($|\s)')
      then 'organisation'
    else 'person'
  end as party_type,
  [
    {'type': 'customer_number', 'value': nullif(ltrim(code, '0'), '')},
    {'type': 'exact.debtor', 'value': code},
    {'type': 'email', 'value': nullif(place ->> '$.Email', '')},
    {'type': 'phone', 'value': nullif(place ->> '$.Phone', '')}
  ] as identifiers,
  name as full_name,
  nullif(place ->> '$.Email', '') as email,
  nullif(place ->> '$.Phone', '') as phone,
  nullif(place ->> '$.AddressLine1', '') as street,
  nullif(place ->> '$.PostalCode', '') as postal_code,
  nullif(place ->> '$.City', '') as city,
  upper(place ->> '$.Country[0]."@code"') as country,
  cast(try_cast(left(ordered_on, 10) as date) as timestamp) as valid_from
from debtor

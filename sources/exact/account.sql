-- exact.account: a customer or another relation; a person unless the name says what only a company has. The people under Contacts
-- belong to the account: of a person's account the first one's address stands in where the account has none.
with account as (
  select
    *,
    regexp_matches(lower(Name), '(^|\s)(b\.?v\.?|n\.?v\.?|v\.?o\.?f\.?|gmbh|aps|a/s|ltd|llc|inc|stichting|vereniging)\.?($|\s)') as is_organisation,
    Address -> '$[0]' as place,
    Contacts -> '$[0].Contact[0]' as contact
  from export_row
)

select
  row_id,
  case when is_organisation then 'organisation' else 'person' end as party_type,
  [
    {'type': 'customer_number', 'value': nullif(ltrim(trim(code), '0'), '')},
    {'type': 'exact.debtor', 'value': trim(code)},
    {'type': 'email', 'value': coalesce(Email, case when not is_organisation then nullif(contact ->> '$.Email', '') end)},
    {'type': 'phone', 'value': Phone}
  ] as identifiers,
  Name as full_name,
  case when is_organisation then Name end as organisation_name,
  coalesce(Email, case when not is_organisation then nullif(contact ->> '$.Email', '') end) as email,
  Phone as phone,
  nullif(place ->> '$.AddressLine1', '') as street,
  nullif(place ->> '$.PostalCode', '') as postal_code,
  nullif(place ->> '$.City', '') as city,
  upper(place ->> '$.Country[0]."@code"') as country,
  {'status': status, 'type': account_type} as attributes
from account

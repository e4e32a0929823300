-- dynamics365.account: an organisation, a party of its own. Its id and its number are never identifiers of a contact: colleagues share them.
select
  row_id,
  'organisation' as party_type,
  [{'type': 'dynamics365.account', 'value': lower(trim(account_id, '{}'))}] as identifiers,
  account_name as full_name,
  account_name as organisation_name,
  email,
  phone,
  city,
  case when length(country) = 2 then upper(country) end as country,
  modified_at as valid_from,
  {'account_number': account_number, 'primary_contact': primary_contact, 'country_name': country} as attributes
from export_row

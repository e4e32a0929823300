-- hubspot.company_export: an organisation, a party of its own. Its id is never an identifier of a contact: colleagues share it.
select
  row_id,
  'organisation' as party_type,
  [{'type': 'hubspot.company', 'value': record_id}] as identifiers,
  company_name as full_name,
  company_name as organisation_name,
  phone,
  street,
  postal_code,
  city,
  case when length(country) = 2 then upper(country) end as country,
  coalesce(modified_at, created_at) as valid_from,
  {'industry': industry, 'website': domain, 'country_name': country} as attributes
from export_row

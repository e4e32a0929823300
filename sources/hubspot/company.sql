-- hubspot.company: an organisation, a party of its own. Its id is never an identifier of a contact: colleagues share it.
select
  row_id,
  'organisation' as party_type,
  [{'type': 'hubspot.company', 'value': id}] as identifiers,
  property_name as full_name,
  property_name as organisation_name,
  property_phone as phone,
  property_address as street,
  property_zip as postal_code,
  property_city as city,
  case when length(property_country) = 2 then upper(property_country) end as country,
  coalesce(property_hs_lastmodifieddate, property_createdate) as valid_from,
  {
    'industry': property_industry,
    'website': property_domain,
    'annual_revenue': property_annualrevenue,
    'country_name': property_country
  } as attributes
from export_row

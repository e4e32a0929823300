-- hubspot.contact: what the CRM says about a person. The ids of contacts that were merged into this one are this person's
-- too: older events name them.
select
  row_id,
  'person' as party_type,
  list_concat(
    [
      {'type': 'hubspot.contact', 'value': id},
      {'type': 'email', 'value': property_email},
      {'type': 'phone', 'value': property_mobilephone},
      {'type': 'phone', 'value': property_phone},
      {'type': 'customer_number', 'value': nullif(ltrim(property_customer_number, '0'), '')}
    ],
    list_transform(
      coalesce(string_split(property_hs_merged_object_ids, ';'), []),
      lambda x: {'type': 'hubspot.contact', 'value': nullif(trim(x), '')}
    ),
    list_transform(
      coalesce(string_split(property_hs_additional_emails, ';'), []),
      lambda x: {'type': 'email', 'value': nullif(trim(x), '')}
    )
  ) as identifiers,
  nullif(concat_ws(' ', property_firstname, property_lastname), '') as full_name,
  property_firstname as given_name,
  property_lastname as family_name,
  property_email as email,
  coalesce(property_mobilephone, property_phone) as phone,
  property_address as street,
  property_zip as postal_code,
  property_city as city,
  case when length(property_country) = 2 then upper(property_country) end as country,
  lower(left(property_hs_language, 2)) as language,
  not property_hs_email_optout as consent_email,
  coalesce(property_lastmodifieddate, property_createdate) as valid_from,
  {
    'company': property_company,
    'job_title': property_jobtitle,
    'lifecycle_stage': property_lifecyclestage,
    'country_name': property_country,
    'created_at': property_createdate
  } as attributes
from export_row

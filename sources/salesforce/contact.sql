-- salesforce.contact: what the CRM says about a person. The account is shared by colleagues and household members, so it
-- is a fact about the contact (attributes) and no identifier; so is the home phone.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'salesforce.contact', 'value': id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': mobile_phone},
    {'type': 'phone', 'value': phone},
    {'type': 'login', 'value': username_c},
    {'type': 'customer_number', 'value': nullif(ltrim(customer_number_c, '0'), '')}
  ] as identifiers,
  coalesce(name, nullif(concat_ws(' ', first_name, last_name), '')) as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  coalesce(mobile_phone, phone, home_phone) as phone,
  mailing_street as street,
  mailing_postal_code as postal_code,
  mailing_city as city,
  upper(coalesce(mailing_country_code, case when length(mailing_country) = 2 then mailing_country end)) as country,
  birthdate as birth_date,
  not has_opted_out_of_email as consent_email,
  not do_not_call as consent_phone,
  coalesce(last_modified_date, created_date) as valid_from,
  {
    'account_id': account_id,
    'primary_affiliation_id': primary_affiliation__c,
    'salutation': salutation,
    'title': title,
    'lead_source': lead_source
  } as attributes
from export_row

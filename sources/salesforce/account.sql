-- salesforce.account: an organisation, or a household in the Nonprofit Success Pack. It is a party of its own; its id is
-- never an identifier of a contact, because colleagues and family share it.
select
  row_id,
  case when npe01__system_accounttype__c = 'Household Account' then 'household' else 'organisation' end as party_type,
  [{'type': 'salesforce.account', 'value': id}] as identifiers,
  name as full_name,
  case when npe01__system_accounttype__c is distinct from 'Household Account' then name end as organisation_name,
  phone,
  billing_street as street,
  billing_postal_code as postal_code,
  billing_city as city,
  upper(coalesce(billing_country_code, case when length(billing_country) = 2 then billing_country end)) as country,
  last_modified_date as valid_from,
  {
    'type': type,
    'industry': industry,
    'website': website,
    'account_number': account_number,
    'parent_id': parent_id,
    'state': billing_state,
    'country_name': billing_country
  } as attributes
from export_row

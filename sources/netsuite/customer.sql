-- netsuite.customer: a person or an organisation. The id is the entity of its transactions. The entity id is a display
-- name that several records may carry; the account number is the number the company itself gives to the customer.
-- The home and the alternative phone may be shared, so they identify nobody.
select
  row_id,
  case when isperson is false then 'organisation' else 'person' end as party_type,
  [
    {'type': 'netsuite.customer', 'value': id},
    {'type': 'email', 'value': email},
    {'type': 'email', 'value': altemail},
    {'type': 'phone', 'value': mobilephone},
    {'type': 'phone', 'value': phone},
    {'type': 'customer_number', 'value': nullif(ltrim(accountnumber, '0'), '')}
  ] as identifiers,
  coalesce(nullif(concat_ws(' ', firstname, lastname), ''), companyname, altname) as full_name,
  firstname as given_name,
  lastname as family_name,
  companyname as organisation_name,
  coalesce(email, altemail) as email,
  coalesce(mobilephone, phone, altphone, homephone) as phone,
  lower(left(language, 2)) as language,
  coalesce(lastmodifieddate, datecreated) as valid_from,
  {
    'stage': lower(searchstage),
    'is_inactive': isinactive,
    'entity_id': entityid,
    'entity_number': entitynumber,
    'external_id': externalid,
    'lead_source': leadsource,
    'sales_representative': salesrep,
    'parent_id': parent,
    'created_at': datecreated
  } as attributes
from export_row

-- brevo.contact: an address and its consent. Blacklisted is a no; not blacklisted is no consent. SMS is an international
-- number written without its plus sign.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'email', 'value': EMAIL},
    {'type': 'phone', 'value': '+' || ltrim(SMS, '+0')},
    {'type': 'customer_number', 'value': nullif(ltrim(EXT_ID, '0'), '')}
  ] as identifiers,
  nullif(concat_ws(' ', FIRSTNAME, LASTNAME), '') as full_name,
  FIRSTNAME as given_name,
  LASTNAME as family_name,
  EMAIL as email,
  '+' || ltrim(SMS, '+0') as phone,
  case when EMAIL_BLACKLISTED then false end as consent_email,
  case when SMS_BLACKLISTED then false end as consent_phone,
  coalesce(MODIFIED_TIME, ADDED_TIME) as valid_from,
  {'added_at': ADDED_TIME} as attributes
from export_row

-- zendesk.user: the record of an end user. external_id is the field Zendesk offers for the company's own customer number.
-- A phone that Zendesk marks as shared stays a fact about the user, but identifies nobody.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'zendesk.user', 'value': id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': case when shared_phone_number is not true then phone end},
    {'type': 'customer_number', 'value': nullif(ltrim(external_id, '0'), '')}
  ] as identifiers,
  name as full_name,
  email,
  phone,
  lower(split_part(locale, '-', 1)) as language,
  coalesce(updated_at, created_at) as valid_from,
  {
    'organization_id': organization_id,
    'is_suspended': suspended,
    'is_active': active
  } as attributes
from export_row

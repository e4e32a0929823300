-- intercom.contact: a user or a lead. Only a user's external_id is the company's own number; a lead gets one from Intercom.
-- Not having unsubscribed is no consent, so consent_email is a no or not known.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'intercom.contact', 'value': id},
    -- Connectors may hash addresses; a hash is not an address.
    {'type': 'email', 'value': case when contains(email, '@') then email end},
    {'type': 'phone', 'value': phone},
    {'type': 'customer_number', 'value': case when role = 'user' then nullif(ltrim(external_id, '0'), '') end}
  ] as identifiers,
  name as full_name,
  case when contains(email, '@') then email end as email,
  phone,
  location_city as city,
  location_country as country,
  lower(left(coalesce(language_override, browser_language), 2)) as language,
  case when unsubscribed_from_emails then false end as consent_email,
  coalesce(updated_at, created_at) as valid_from,
  {
    'role': role,
    'external_id': external_id,
    'has_hard_bounced': has_hard_bounced,
    'created_at': created_at,
    'signed_up_at': signed_up_at,
    'workspace_id': workspace_id
  } as attributes
from export_row

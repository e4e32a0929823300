-- mailchimp.audience: an address and its consent. The API's member id is the MD5 of the lower-case address; made here, it
-- joins this file to the activity tables. Which file it is shows in its columns: UNSUB_TIME, CLEAN_TIME, or neither.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'email', 'value': "Email Address"},
    {'type': 'email_md5', 'value': md5(lower("Email Address"))},
    {'type': 'mailchimp.unique_email_id', 'value': EUID}
  ] as identifiers,
  nullif(concat_ws(' ', "First Name", "Last Name"), '') as full_name,
  "First Name" as given_name,
  "Last Name" as family_name,
  "Email Address" as email,
  "Phone Number" as phone,
  upper(CC) as country,
  case
    when UNSUB_TIME is not null or CLEAN_TIME is not null then false
    -- Non-subscribed (transactional) members never confirmed.
    when CONFIRM_TIME is not null then true
  end as consent_email,
  coalesce(LAST_CHANGED, UNSUB_TIME, CLEAN_TIME, CONFIRM_TIME, OPTIN_TIME) as valid_from,
  {
    'signup_at': OPTIN_TIME,
    'confirmed_at': CONFIRM_TIME,
    'unsubscribed_at': UNSUB_TIME,
    'unsubscribe_reason': UNSUB_REASON,
    'unsubscribe_campaign_id': UNSUB_CAMPAIGN_ID,
    'cleaned_at': CLEAN_TIME,
    'member_rating': MEMBER_RATING,
    'time_zone': TIMEZONE,
    'tags': TAGS
  } as attributes
from export_row

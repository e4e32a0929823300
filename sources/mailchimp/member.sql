-- mailchimp.member: an address and its consent. The id is the MD5 of the lower-case address, which the other tables use.
-- consent_email is a yes only for status subscribed; pending (not confirmed) is not known, all other states are a no.
-- The sign-up is a fact here (attributes.signup_at); the subscription form's own export gives newsletter_signup.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'email', 'value': email_address},
    {'type': 'email_md5', 'value': lower(id)},
    -- what a click in a newsletter carries as mc_eid
    {'type': 'mailchimp.unique_email_id', 'value': unique_email_id}
  ] as identifiers,
  nullif(concat_ws(' ', merge_fname, merge_lname), '') as full_name,
  merge_fname as given_name,
  merge_lname as family_name,
  email_address as email,
  upper(country_code) as country,
  lower(left(language, 2)) as language,
  case when status = 'subscribed' then true when status <> 'pending' then false end as consent_email,
  coalesce(last_changed, timestamp_opt, timestamp_signup) as valid_from,
  {
    'status': status,
    'list_id': list_id,
    'signup_at': timestamp_signup,
    'confirmed_at': timestamp_opt,
    'member_rating': member_rating,
    'email_client': email_client
  } as attributes
from export_row

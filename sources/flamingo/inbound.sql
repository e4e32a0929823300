-- flamingo.inbound: form_submitted. Flamingo puts a warning (in the site's language, with a link to contactform7.com) before
-- every value that begins with =, +, - or @, so that a spreadsheet does not run it: international phone numbers carry it.
with message as (
  select
    row_id,
    sent_at,
    regexp_replace(sender_name, '^\([^)]*contactform7\.com[^)]*\)\s*', '') as sender_name,
    regexp_replace(sender_email, '^\([^)]*contactform7\.com[^)]*\)\s*', '') as sender_email,
    regexp_replace(sender_phone, '^\([^)]*contactform7\.com[^)]*\)\s*', '') as sender_phone,
    regexp_replace(subject, '^\([^)]*contactform7\.com[^)]*\)\s*', '') as subject,
    regexp_replace(message, '^\([^)]*contactform7\.com[^)]*\)\s*', '') as message
  from export_row
)

select
  row_id,
  'form_submitted' as touchpoint_type,
  sent_at as occurred_at,
  'contact form' as channel_detail,
  [
    {'type': 'email', 'value': sender_email},
    {'type': 'phone', 'value': sender_phone}
  ] as identifiers,
  subject,
  {'name': sender_name, 'message': message} as attributes
from message

-- drupal.webform_submission: form_submitted when it was completed; the time between opening and completing is its duration.
select
  row_id,
  'form_submitted' as touchpoint_type,
  coalesce(completed, created) as occurred_at,
  concat_ws(' ', 'webform', webform_id) as channel_detail,
  [
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone},
    {'type': 'customer_number', 'value': nullif(ltrim(customer_number, '0'), '')},
    -- User 0 is the anonymous visitor.
    {'type': 'drupal.user', 'value': nullif(uid, '0')}
  ] as identifiers,
  [
    {'type': 'form_entry', 'id': sid, 'qualifier': 'subject'},
    {'type': 'form', 'id': webform_id, 'qualifier': 'form'}
  ] as objects,
  greatest(date_diff('second', created, completed), 0) as duration_seconds,
  coalesce(
    nullif(regexp_extract(uri, '^(?:[a-z]+://[^/?#]+)?(/[^?#]*)', 1), ''),
    case when uri is not null then '/' end
  ) as page_path,
  subject,
  {'language': langcode, 'serial': serial} as attributes
from export_row

-- hubspot.contact_form_submission: form_submitted, or newsletter_signup when form or page is named so.
with submission as (
  select s.*, coalesce(f.name, s.title) as form_name, f.form_type
  from export_row as s
  left join lookup_form as f on s.form_id = f.form_id
)

select
  row_id,
  case
    when regexp_matches(lower(form_name), 'newsletter|nieuwsbrief|nyhedsbrev') then 'newsletter_signup'
    else 'form_submitted'
  end as touchpoint_type,
  form_name as raw_type,
  "timestamp" as occurred_at,
  lower(form_type) as channel_detail,
  [{'type': 'hubspot.contact', 'value': contact_id}] as identifiers,
  [{'type': 'form', 'id': form_id, 'qualifier': 'subject'}] as objects,
  -- Path without query string: the query can carry the address.
  case when page_url is not null
    then coalesce(nullif(regexp_extract(page_url, '^[a-z]+://[^/?#]+(/[^?#]*)', 1), ''), '/') end as page_path,
  form_name as subject,
  {'page_title': title} as attributes
from submission

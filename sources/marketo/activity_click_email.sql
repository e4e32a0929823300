-- marketo.activity_click_email: email_clicked, with the path of the link (its query can carry the address) and its utm words.
with click as (
  select *, '&' || replace(regexp_extract(link, '\?([^#]*)', 1), '+', ' ') as parameters
  from export_row
)

select
  row_id,
  'email_clicked' as touchpoint_type,
  activity_date as occurred_at,
  campaign_id,
  primary_attribute_value as campaign_name,
  url_decode(nullif(regexp_extract(parameters, '&utm_source=([^&]*)', 1), '')) as campaign_source,
  url_decode(nullif(regexp_extract(parameters, '&utm_medium=([^&]*)', 1), '')) as campaign_medium,
  url_decode(nullif(regexp_extract(parameters, '&utm_content=([^&]*)', 1), '')) as campaign_content,
  url_decode(nullif(regexp_extract(parameters, '&utm_term=([^&]*)', 1), '')) as campaign_term,
  [{'type': 'marketo.lead', 'value': lead_id}] as identifiers,
  [
    {'type': 'campaign', 'id': campaign_id, 'qualifier': 'subject'},
    {'type': 'email_template', 'id': email_template_id, 'qualifier': 'content'}
  ] as objects,
  case when link is not null then coalesce(nullif(regexp_extract(link, '^[a-z]+://[^/?#]+(/[^?#]*)', 1), ''), '/') end
    as page_path,
  case
    when lower(device) like '%ipad%' or lower(device) like '%tablet%' then 'tablet'
    when is_mobile_device then 'mobile'
    when device in ('PC', 'Macintosh', 'Windows Desktop') then 'desktop'
  end as device,
  {
    'campaign_run_id': campaign_run_id,
    'url': regexp_extract(link, '^[^?#]*'),
    'utm_campaign': url_decode(nullif(regexp_extract(parameters, '&utm_campaign=([^&]*)', 1), ''))
  } as attributes
from click

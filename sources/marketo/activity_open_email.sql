-- marketo.activity_open_email: email_opened. Marketo's device is a model name; ours is mobile where it says so, desktop for
-- the desktop words, else not known.
select
  row_id,
  'email_opened' as touchpoint_type,
  activity_date as occurred_at,
  campaign_id,
  primary_attribute_value as campaign_name,
  [{'type': 'marketo.lead', 'value': lead_id}] as identifiers,
  [
    {'type': 'campaign', 'id': campaign_id, 'qualifier': 'subject'},
    {'type': 'email_template', 'id': email_template_id, 'qualifier': 'content'}
  ] as objects,
  case
    when lower(device) like '%ipad%' or lower(device) like '%tablet%' then 'tablet'
    when is_mobile_device then 'mobile'
    when device in ('PC', 'Macintosh', 'Windows Desktop') then 'desktop'
  end as device,
  {'campaign_run_id': campaign_run_id, 'device': device, 'platform': platform} as attributes
from export_row

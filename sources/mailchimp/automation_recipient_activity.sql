-- mailchimp.automation_recipient_activity: email_opened, email_clicked, email_bounced, as for campaigns.
select
  row_id,
  case lower(action)
    when 'open' then 'email_opened'
    when 'click' then 'email_clicked'
    when 'bounce' then 'email_bounced'
    else 'unmapped'
  end as touchpoint_type,
  action as raw_type,
  "timestamp" as occurred_at,
  'automation' as channel_detail,
  automation_email_id as campaign_id,
  [{'type': 'email_md5', 'value': lower(member_id)}] as identifiers,
  [{'type': 'campaign', 'id': automation_email_id, 'qualifier': 'subject'}] as objects,
  case when lower(action) = 'bounce' then 'failure' end as outcome,
  -- Path without query string: the query can carry the address.
  case when url is not null then coalesce(nullif(regexp_extract(url, '^[a-z]+://[^/?#]+(/[^?#]*)', 1), ''), '/') end
    as page_path,
  {'bounce_type': bounce_type, 'url': regexp_extract(url, '^[^?#]*'), 'list_id': list_id} as attributes
from export_row

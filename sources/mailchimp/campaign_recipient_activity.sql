-- mailchimp.campaign_recipient_activity: email_opened, email_clicked, email_bounced. The ip is not carried over: it is the
-- mail program's proxy more often than the reader.
select
  a.row_id,
  case lower(a.action)
    when 'open' then 'email_opened'
    when 'click' then 'email_clicked'
    when 'bounce' then 'email_bounced'
    else 'unmapped'
  end as touchpoint_type,
  a.action as raw_type,
  a."timestamp" as occurred_at,
  'newsletter' as channel_detail,
  a.campaign_id,
  c.title as campaign_name,
  [{'type': 'email_md5', 'value': lower(a.member_id)}] as identifiers,
  [{'type': 'campaign', 'id': a.campaign_id, 'qualifier': 'subject'}] as objects,
  case when lower(a.action) = 'bounce' then 'failure' end as outcome,
  -- Path without query string: the query can carry the address.
  case when a.url is not null then coalesce(nullif(regexp_extract(a.url, '^[a-z]+://[^/?#]+(/[^?#]*)', 1), ''), '/') end
    as page_path,
  c.subject_line as subject,
  {
    'bounce_type': a.bounce_type,
    'url': regexp_extract(a.url, '^[^?#]*'),
    'list_id': a.list_id
  } as attributes
from export_row as a
left join lookup_campaign as c on a.campaign_id = c.campaign_id

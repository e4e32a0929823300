-- mailchimp.campaign_recipient: email_sent at the campaign's time of sending. A recipient whose campaign is not known yet
-- has no time and waits in quarantine for it. member_id is the MD5 of the lower-case address.
select
  r.row_id,
  'email_sent' as touchpoint_type,
  c.send_time as occurred_at,
  'newsletter' as channel_detail,
  r.campaign_id,
  c.title as campaign_name,
  [{'type': 'email_md5', 'value': lower(r.member_id)}] as identifiers,
  [{'type': 'campaign', 'id': r.campaign_id, 'qualifier': 'subject'}] as objects,
  c.subject_line as subject,
  {'list_id': r.list_id, 'combination_id': r.combination_id, 'campaign_type': c.type} as attributes
from export_row as r
left join lookup_campaign as c on r.campaign_id = c.campaign_id

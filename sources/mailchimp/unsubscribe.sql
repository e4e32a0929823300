-- mailchimp.unsubscribe: email_unsubscribed.
select
  u.row_id,
  'email_unsubscribed' as touchpoint_type,
  u."timestamp" as occurred_at,
  'newsletter' as channel_detail,
  u.campaign_id,
  c.title as campaign_name,
  [{'type': 'email_md5', 'value': lower(u.member_id)}] as identifiers,
  [{'type': 'campaign', 'id': u.campaign_id, 'qualifier': 'subject'}] as objects,
  {'reason': u.reason, 'list_id': u.list_id} as attributes
from export_row as u
left join lookup_campaign as c on u.campaign_id = c.campaign_id

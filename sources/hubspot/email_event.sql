-- hubspot.email_event: email_sent, email_opened, email_clicked, email_bounced, email_unsubscribed (HubSpot stops mailing
-- whoever reports spam). A change of subscriptions does not say in which direction: unmapped. Address, place and mail
-- program of the reader are not carried over.
select
  e.row_id,
  case upper(e.type)
    when 'SENT' then 'email_sent'
    when 'OPEN' then 'email_opened'
    when 'CLICK' then 'email_clicked'
    when 'BOUNCE' then 'email_bounced'
    when 'SPAMREPORT' then 'email_unsubscribed'
    when 'UNSUBSCRIBED' then 'email_unsubscribed'
    else 'unmapped'
  end as touchpoint_type,
  lower(e.type) as raw_type,
  e.created as occurred_at,
  e.email_campaign_id as campaign_id,
  [{'type': 'email', 'value': e.recipient}] as identifiers,
  [{'type': 'campaign', 'id': e.email_campaign_id, 'qualifier': 'subject'}] as objects,
  case when upper(e.type) = 'BOUNCE' then 'failure' end as outcome,
  -- Path without query string: the query can carry the address.
  case when c.url is not null then coalesce(nullif(regexp_extract(c.url, '^[a-z]+://[^/?#]+(/[^?#]*)', 1), ''), '/') end
    as page_path,
  s.subject,
  {'bounce_category': lower(b.category), 'sent_event_id': e.sent_by_id} as attributes
from export_row as e
left join lookup_email_event_bounce as b on e.id = b.id
left join lookup_email_event_click as c on e.id = c.id
left join lookup_email_event_sent as s on e.id = s.id

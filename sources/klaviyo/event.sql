-- klaviyo.event: the metric's name becomes a touchpoint type. "Received" is said of the recipient: the company sent it.
-- property_value is money for shop events only.
with event as (
  select e.*, coalesce(e.type, m.name) as metric
  from export_row as e
  left join lookup_metric as m on e.metric_id = m.metric_id
),

named as (
  select
    *,
    case metric
      when 'Received Email' then 'email_sent'
      when 'Opened Email' then 'email_opened'
      when 'Clicked Email' then 'email_clicked'
      when 'Bounced Email' then 'email_bounced'
      when 'Dropped Email' then 'email_bounced'
      when 'Unsubscribed' then 'email_unsubscribed'
      when 'Unsubscribed from Email Marketing' then 'email_unsubscribed'
      when 'Marked Email as Spam' then 'email_unsubscribed'
      when 'Received SMS' then 'sms_sent'
      when 'Failed to Deliver SMS' then 'sms_sent'
      when 'Received Push' then 'push_sent'
      when 'Subscribed to List' then 'newsletter_signup'
      when 'Subscribed to Email Marketing' then 'newsletter_signup'
      when 'Active on Site' then 'page_view'
      when 'Viewed Product' then 'page_view'
      when 'Added to Cart' then 'cart_updated'
      when 'Checkout Started' then 'checkout_started'
      when 'Started Checkout' then 'checkout_started'
      when 'Placed Order' then 'order_placed'
      when 'Confirmed Order' then 'order_confirmed'
      when 'Fulfilled Order' then 'order_shipped'
      when 'Cancelled Order' then 'order_cancelled'
      when 'Refunded Order' then 'refund_paid'
      when 'Submitted review' then 'review_posted'
      else 'unmapped'
    end as touchpoint_type
  from event
)

select
  n.row_id,
  n.touchpoint_type,
  n.metric as raw_type,
  n.datetime as occurred_at,
  coalesce(n.property_source_name, case when n.flow_id is not null then 'flow' when n.campaign_id is not null then 'campaign' end)
    as channel_detail,
  coalesce(n.campaign_id, n.flow_id) as campaign_id,
  coalesce(c.name, f.name, n.property_campaign_name) as campaign_name,
  [{'type': 'klaviyo.person', 'value': n.person_id}] as identifiers,
  [
    {'type': 'campaign', 'id': coalesce(n.campaign_id, n.flow_id), 'qualifier': 'subject'},
    {
      'type': 'order',
      'id': case when n.touchpoint_type like 'order%' or n.touchpoint_type = 'refund_paid' then n.property_event_id end,
      'qualifier': 'subject'
    }
  ] as objects,
  case when n.metric in ('Bounced Email', 'Dropped Email', 'Failed to Deliver SMS') then 'failure' end as outcome,
  case
    when n.touchpoint_type in ('order_placed', 'order_confirmed', 'order_cancelled', 'refund_paid', 'checkout_started')
      then n.property_value
  end as amount,
  case
    when n.touchpoint_type in ('order_placed', 'order_confirmed', 'order_cancelled', 'refund_paid', 'checkout_started')
      then n.property_currency_code
  end as currency,
  case when n.touchpoint_type = 'review_posted' and n.property_rating is not null then 'rating' end as score_kind,
  case when n.touchpoint_type = 'review_posted' then n.property_rating end as score_raw,
  case when n.touchpoint_type = 'review_posted' and n.property_rating is not null then 1 end as score_min,
  case when n.touchpoint_type = 'review_posted' and n.property_rating is not null then 5 end as score_max,
  nullif(regexp_extract(coalesce(n.property_url, n.property_page), '^(?:[a-z]+://[^/?#]+)?(/[^?#]*)', 1), '') as page_path,
  case lower(n.property_client_type) when 'mobile' then 'mobile' when 'desktop' then 'desktop' end as device,
  coalesce(n.property_subject, c.subject) as subject,
  {'metric_id': n.metric_id, 'flow_id': n.flow_id, 'bounce_type': n.property_bounce_type, 'list': n.property_list} as attributes
from named as n
left join lookup_campaign as c on n.campaign_id = c.campaign_id
left join lookup_flow as f on n.flow_id = f.flow_id

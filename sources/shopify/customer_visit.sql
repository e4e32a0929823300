-- shopify.customer_visit: landing_page_view of whoever placed the order later; Shopify knows the visitor only by it.
select
  row_id,
  'landing_page_view' as touchpoint_type,
  type as raw_type,
  occurred_at,
  source as channel_detail,
  utm_parameters_campaign as campaign_name,
  utm_parameters_source as campaign_source,
  utm_parameters_medium as campaign_medium,
  utm_parameters_content as campaign_content,
  utm_parameters_term as campaign_term,
  [{'type': 'shopify.order', 'value': order_id}] as identifiers,
  [{'type': 'order', 'id': order_id, 'qualifier': 'led_to'}] as objects,
  nullif(regexp_extract(landing_page, '^(?:[a-z]+://[^/?#]+)?(/[^?#]*)', 1), '') as page_path,
  nullif(regexp_extract(referrer_url, '^[a-z]+://([^/?#]+)', 1), '') as referrer_host,
  {'source_type': source_type, 'referral_code': referral_code} as attributes
from export_row

-- ga4.event_table: as ga4.event; the connector has amounts in US dollars only. A time more than two days from the date of the
-- event is a wrong clock: then the date counts, as a day.
with described as (
  select
    *,
    case
      when name = 'page_view' then
        coalesce(web_touchpoint_type('GET', web_path(param_page_location), web_query(param_page_location), 200, 'GA4'), 'page_view')
      else coalesce(web_event_type(name), 'unmapped')
    end as touchpoint_type,
    coalesce(abs(date_diff('day', cast("timestamp" as date), "date")), 0) > 2 as is_clock_wrong
  from export_row
)

select
  row_id,
  touchpoint_type,
  name as raw_type,
  case when is_clock_wrong then cast("date" as timestamp) else "timestamp" end as occurred_at,
  case when is_clock_wrong then 'day' else 'second' end as occurred_at_precision,
  case when lower(platform) in ('ios', 'android', 'app') then 'app' when touchpoint_type = 'unmapped' then 'website' end as channel,
  lower(platform) as channel_detail,
  coalesce(collected_traffic_source_manual_campaign_name, param_campaign) as campaign_name,
  coalesce(collected_traffic_source_manual_source, param_source) as campaign_source,
  coalesce(collected_traffic_source_manual_medium, param_medium) as campaign_medium,
  case when param_gclid is not null then 'gclid' else web_click_id_type(param_page_location) end as click_id_type,
  [
    {'type': 'login', 'value': user_id},
    {'type': 'cookie', 'value': user_pseudo_id},
    {'type': 'order_reference', 'value': case when touchpoint_type in ('order_placed', 'refund_paid') then ecommerce_transaction_id end}
  ] as identifiers,
  [{'type': 'order', 'id': ecommerce_transaction_id, 'qualifier': 'subject'}] as objects,
  case touchpoint_type when 'order_placed' then ecommerce_purchase_revenue_in_usd when 'refund_paid' then ecommerce_refund_value_in_usd
  end as amount,
  case when touchpoint_type in ('order_placed', 'refund_paid') then 'USD' end as currency,
  web_without_address(web_path(param_page_location)) as page_path,
  web_source_host(param_page_referrer) as referrer_host,
  lower(device_category) as device,
  device_web_info_browser as browser,
  device_operating_system as operating_system,
  false as is_bot,
  case when touchpoint_type = 'site_search' then web_without_number(web_without_address(param_search_term)) end as subject,
  {'session': param_ga_session_id, 'clock': case when is_clock_wrong then 'replaced' else 'device' end} as attributes
from described

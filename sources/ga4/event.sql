-- ga4.event: the name of the event says what happened (models/lists/event_name.csv), other names unmapped; page views by the rules
-- for requests (web.rules). event_timestamp is the device's time; where it is more than two days from event_date, the day on
-- which Google took it in, that day counts, as a day. traffic_source is where the person first came from, not this event:
-- collected_traffic_source and the parameters of the event say that.
with parameter as (
  select
    *,
    -- Parquet files of some writers wrap lists: {"list": [{"element": …}]}
    list_transform(
      cast(coalesce(event_params -> '$.list', event_params) as json[]),
      lambda item: coalesce(item -> '$.element', item)
    ) as entries
  from export_row
),

named as (
  select
    *,
    list_transform(entries, lambda item: item ->> '$.key') as keys,
    list_transform(
      entries,
      lambda item: coalesce(
        item ->> '$.value.string_value', item ->> '$.value.int_value', item ->> '$.value.double_value', item ->> '$.value.float_value'
      )
    ) as texts
  from parameter
),

event as (
  select
    * exclude (entries, keys, texts),
    texts[list_position(keys, 'page_location')] as page_location,
    texts[list_position(keys, 'page_referrer')] as page_referrer,
    texts[list_position(keys, 'source')] as source,
    texts[list_position(keys, 'medium')] as medium,
    texts[list_position(keys, 'campaign')] as campaign,
    texts[list_position(keys, 'content')] as content,
    texts[list_position(keys, 'term')] as term,
    texts[list_position(keys, 'search_term')] as search_term,
    texts[list_position(keys, 'currency')] as parameter_currency,
    texts[list_position(keys, 'transaction_id')] as parameter_transaction_id,
    try_cast(texts[list_position(keys, 'value')] as double) as parameter_value,
    texts[list_position(keys, 'ga_session_id')] as ga_session_id,
    texts[list_position(keys, 'firebase_screen')] as screen,
    coalesce(abs(date_diff('day', cast(event_timestamp as date), event_date)), 0) > 2 as is_clock_wrong
  from named
),

described as (
  select
    *,
    case
      when event_name = 'page_view'
        then coalesce(web_touchpoint_type('GET', web_path(page_location), web_query(page_location), 200, 'GA4'), 'page_view')
      else coalesce(web_event_type(event_name), 'unmapped')
    end as touchpoint_type,
    coalesce(nullif(ecommerce ->> '$.transaction_id', '(not set)'), parameter_transaction_id) as transaction_id,
    coalesce(
      try_cast(ecommerce ->> '$.purchase_revenue' as double), try_cast(ecommerce ->> '$.refund_value' as double), parameter_value
    ) as revenue
  from event
)

select
  row_id,
  touchpoint_type,
  event_name as raw_type,
  case when is_clock_wrong then cast(event_date as timestamp) else event_timestamp end as occurred_at,
  case when is_clock_wrong then 'day' else 'second' end as occurred_at_precision,
  case when lower(platform) in ('ios', 'android') then 'app' when touchpoint_type = 'unmapped' then 'website' end as channel,
  lower(platform) as channel_detail,
  collected_traffic_source ->> '$.manual_campaign_id' as campaign_id,
  coalesce(collected_traffic_source ->> '$.manual_campaign_name', campaign) as campaign_name,
  coalesce(collected_traffic_source ->> '$.manual_source', source) as campaign_source,
  coalesce(collected_traffic_source ->> '$.manual_medium', medium) as campaign_medium,
  coalesce(collected_traffic_source ->> '$.manual_content', content) as campaign_content,
  coalesce(collected_traffic_source ->> '$.manual_term', term) as campaign_term,
  case
    when collected_traffic_source ->> '$.gclid' is not null then 'gclid'
    when collected_traffic_source ->> '$.dclid' is not null then 'dclid'
    else web_click_id_type(page_location)
  end as click_id_type,
  [
    {'type': 'login', 'value': user_id},
    {'type': 'cookie', 'value': user_pseudo_id},
    {'type': 'order_reference', 'value': case when touchpoint_type in ('order_placed', 'refund_paid') then transaction_id end}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': transaction_id, 'qualifier': 'subject'}],
    list_transform(
      cast(coalesce(items -> '$.list', items) as json[]),
      lambda item: {'type': 'product', 'id': coalesce(item ->> '$.item_id', item ->> '$.element.item_id'), 'qualifier': 'subject'}
    )
  ) as objects,
  case when touchpoint_type in ('order_placed', 'refund_paid', 'checkout_started') then revenue end as amount,
  case when touchpoint_type in ('order_placed', 'refund_paid', 'checkout_started') then parameter_currency end as currency,
  web_without_address(coalesce(web_path(page_location), screen)) as page_path,
  nullif(web_source_host(page_referrer), regexp_replace(lower(device ->> '$.web_info.hostname'), '^www[.]', '')) as referrer_host,
  lower(device ->> '$.category') as device,
  coalesce(device ->> '$.web_info.browser', device ->> '$.browser') as browser,
  device ->> '$.operating_system' as operating_system,
  -- Google leaves known robots out before it exports.
  false as is_bot,
  case when touchpoint_type = 'site_search' then web_without_number(web_without_address(search_term)) end as subject,
  {
    'session': ga_session_id,
    'stream': stream_id,
    'clock': case when is_clock_wrong then 'replaced' else 'device' end,
    'event_usd': ecommerce ->> '$.purchase_revenue_in_usd'
  } as attributes
from described

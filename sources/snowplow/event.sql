-- snowplow.event: page views by the rules for requests (web.rules); structured and self-describing events by their action or name
-- (models/lists/event_name.csv), other names unmapped. Time: true_tstamp where the site sets it, else derived_tstamp (collector
-- less the wait on the device), within the bounds of every tracker's clock around collector_tstamp (docs/sources/trackers.md).
with event_row as (
  select
    *,
    coalesce(true_tstamp, derived_tstamp, dvce_created_tstamp) as happened_at,
    -- true and derived times need no more correction
    case when true_tstamp is null and derived_tstamp is null then dvce_sent_tstamp end as sent_at,
    -- {"schema": …, "data": {"schema": "iglu:vendor/name/…", "data": {…}}}
    unstruct_event -> '$.data.data' as described_by,
    split_part(unstruct_event ->> '$.data.schema', '/', 2) as described_as,
    -- contexts of the IAB list of robots and of the ecommerce schemas
    cast(coalesce(contexts -> '$.data', '[]') as json[]) as context_list,
    cast(coalesce(derived_contexts -> '$.data', '[]') as json[]) as derived_list
  from export_row
),

named as (
  select
    *,
    case
      when event = 'struct' then se_action
      when described_as = 'snowplow_ecommerce_action' then described_by ->> '$.type'
      when event = 'unstruct' then coalesce(event_name, described_as)
      else event
    end as action,
    list_filter(context_list, lambda c: c ->> '$.schema' like '%/transaction/%')[1] -> '$.data' as order_context,
    list_filter(derived_list, lambda c: c ->> '$.schema' like '%iab%spiders_and_robots%')[1] ->> '$.data.spiderOrRobot' as spider
  from event_row
),

typed_event as (
  select
    named.*,
    case
      when event = 'page_view'
        then coalesce(web_touchpoint_type('GET', page_urlpath, page_urlquery, 200, useragent), 'page_view')
      when event = 'transaction' then 'order_placed'
      when event = 'ad_impression' then 'ad_impression'
      else coalesce(web_event_type(action), 'unmapped')
    end as touchpoint_type,
    coalesce(tr_orderid, order_context ->> '$.transaction_id') as order_id,
    coalesce(tr_total, try_cast(order_context ->> '$.revenue' as double)) as order_total,
    coalesce(tr_currency, order_context ->> '$.currency') as order_currency,
    coalesce(web_agent.is_bot, false) or coalesce(spider = 'true', false) as is_robot,
    web_agent.bot_reason as agent_reason,
    web_agent.is_bot as is_agent_robot,
    web_agent.device as agent_device,
    web_agent.browser as agent_browser,
    web_agent.operating_system as agent_system
  from named
  left join web_agent on web_agent.user_agent = named.useragent
)

select
  row_id,
  touchpoint_type,
  case
    when event = 'struct' then concat_ws(': ', se_category, se_action)
    when event = 'unstruct' then coalesce(action, event_name)
    else event
  end as raw_type,
  web_event_time(happened_at, sent_at, collector_tstamp) as occurred_at,
  case when platform = 'mob' then 'app' when touchpoint_type = 'unmapped' then 'website' end as channel,
  app_id as channel_detail,
  mkt_campaign as campaign_name,
  mkt_source as campaign_source,
  mkt_medium as campaign_medium,
  mkt_content as campaign_content,
  mkt_term as campaign_term,
  web_click_id_type('?' || page_urlquery) as click_id_type,
  case when not is_robot then [
    {'type': 'login', 'value': user_id},
    {'type': 'email', 'value': case when user_id like '%@%.%' then user_id end},
    {'type': 'cookie', 'value': domain_userid},
    {'type': 'cookie', 'value': network_userid},
    {'type': 'order_reference', 'value': case when touchpoint_type like 'order%' then order_id end}
  ] end as identifiers,
  [{'type': 'order', 'id': order_id, 'qualifier': 'subject'}] as objects,
  case when touchpoint_type in ('order_placed', 'refund_paid') then order_total end as amount,
  case when touchpoint_type in ('order_placed', 'refund_paid') then order_currency end as currency,
  web_without_address(coalesce(page_urlpath, web_path(page_url))) as page_path,
  nullif(
    coalesce(regexp_replace(lower(refr_urlhost), '^www[.]', ''), web_source_host(page_referrer)),
    regexp_replace(lower(page_urlhost), '^www[.]', '')
  ) as referrer_host,
  coalesce(agent_device, case lower(dvce_type) when 'computer' then 'desktop' else lower(dvce_type) end) as device,
  coalesce(agent_browser, br_family) as browser,
  coalesce(agent_system, os_family) as operating_system,
  is_robot as is_bot,
  case when is_agent_robot then agent_reason when is_robot then 'source' end as bot_reason,
  case when touchpoint_type = 'site_search'
    then web_without_number(web_without_address(coalesce(described_by ->> '$.terms[0]', se_label))) end as subject,
  {
    'session': domain_sessionid,
    'clock': case
      when web_event_clock(happened_at, sent_at, collector_tstamp) = 'device' and true_tstamp is null and derived_tstamp is not null
        then 'corrected'
      else web_event_clock(happened_at, sent_at, collector_tstamp)
    end,
    'received_at': collector_tstamp,
    'target_host': web_source_host(described_by ->> '$.targetUrl')
  } as attributes
from typed_event

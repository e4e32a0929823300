-- access_log.request: what a request is follows from its path, as shops and sites commonly name their pages. A site with other
-- names has its own folder of this system outside the repository, with its words in this SELECT.
with agent as (
  -- Some hundred agents stand behind millions of requests: each is looked at once.
  select
    user_agent,
    case
      when user_agent is null then null
      when regexp_matches(lower(user_agent), 'ipad|tablet|android(?:[^m]|m[^o])*$') then 'tablet'
      when regexp_matches(lower(user_agent), 'mobi|iphone|android') then 'mobile'
      else 'desktop'
    end as device,
    -- An agent that says what it is. Robots that do not say so are found by what they do, in a later step.
    user_agent is null or regexp_matches(
      lower(user_agent),
      'bot\b|bot/|crawl|spider|slurp|monitor|curl|wget|python|java/|go-http|scrapy|headless|http-?client|feed|zgrab|masscan|libwww|axios|okhttp'
    ) as is_bot
  from (select distinct user_agent from export_row)
),

request as (
  select
    *,
    lower(path) as page,
    regexp_extract(coalesce(referrer, ''), '^[a-z]+://(?:www\.)?([^/:?#]+)', 1) as host,
    -- NULL without a query: most requests have none, and nothing is searched in them
    '&' || replace(query, '+', ' ') as parameters
  from export_row
),

parameter as (
  select
    *,
    url_decode(nullif(regexp_extract(parameters, '&utm_source=([^&]*)', 1), '')) as utm_source,
    url_decode(nullif(regexp_extract(parameters, '&utm_medium=([^&]*)', 1), '')) as utm_medium,
    url_decode(nullif(regexp_extract(parameters, '&utm_campaign=([^&]*)', 1), '')) as utm_campaign,
    url_decode(nullif(regexp_extract(parameters, '&utm_content=([^&]*)', 1), '')) as utm_content,
    url_decode(nullif(regexp_extract(parameters, '&utm_term=([^&]*)', 1), '')) as utm_term,
    url_decode(nullif(regexp_extract(parameters, '&(?:q|s|query|search)=([^&]*)', 1), '')) as search_text,
    nullif(regexp_extract(parameters, '&order=([^&]*)', 1), '') as order_reference,
    nullif(regexp_extract(parameters, '&mc_eid=([^&]*)', 1), '') as mail_recipient,
    regexp_extract(parameters, '&(gclid|msclkid|fbclid|mc_cid)=', 1) as click_parameter
  from request
)

select
  row_id,
  case
    when status >= 400 then 'error_page'
    when method = 'POST' and regexp_matches(page, '/cart/(add|update)/?$') then 'cart_updated'
    when method = 'POST' then 'login'
    when regexp_matches(page, 'payment-(failed|error|cancelled)') then 'payment_failed'
    when regexp_matches(page, '(^|/)(checkout|kassa|kasse|betalen)/?$') then 'checkout_started'
    when search_text is not null or regexp_matches(page, '(^|/)(search|zoeken|soeg)/?$') then 'site_search'
    when regexp_matches(page, '(^|/)(download|downloads)/.') or regexp_matches(page, '\.(pdf|zip|docx?|xlsx?|epub)$')
      then 'content_download'
    when utm_source is not null or coalesce(click_parameter, '') <> '' or regexp_matches(page, '^/(lp|landing)/') then 'landing_page_view'
    else 'page_view'
  end as touchpoint_type,
  time as occurred_at,
  utm_campaign as campaign_name,
  utm_source as campaign_source,
  utm_medium as campaign_medium,
  utm_content as campaign_content,
  utm_term as campaign_term,
  -- mc_eid and the order reference stand in the address because a mail or the shop put this person's own there.
  [
    {'type': 'visitor', 'value': visitor},
    {'type': 'login', 'value': remote_user},
    {'type': 'mailchimp.unique_email_id', 'value': mail_recipient},
    {'type': 'order_reference', 'value': order_reference}
  ] as identifiers,
  case
    when order_reference is not null
      then [{'type': 'order_reference', 'id': order_reference, 'qualifier': 'confirmed'}]
  end as objects,
  case when status >= 400 then 'failure' else 'success' end as outcome,
  path as page_path,
  nullif(host, '') as referrer_host,
  agent.device,
  agent.is_bot,
  search_text as subject,
  {'status': status, 'method': method, 'ip_masked': ip_masked, 'user_agent': parameter.user_agent} as attributes
from parameter
join agent on agent.user_agent is not distinct from parameter.user_agent

-- access_log.request: one touchpoint per request that the rules of the configuration (web.rules) do not fold away.
-- Of the query string only campaign parameters, click ids and the parameters that the configuration names are looked at.
-- Robots name nobody: what they carry (a borrowed login, a link from a mail) must not lead to a person.
with request as (
  select
    row_id, time, method, path, query, status, referrer, user_agent, visitor, ip_masked, remote_user,
    web_touchpoint_type(method, path, query, status, user_agent) as touchpoint_type,
    -- a page of the same host is no referrer; other hosts of the company stand in the configuration (web.own_domains)
    nullif(web_source_host(referrer), regexp_replace(lower(host), '^www[.]|:[0-9]+$', '', 'g')) as referrer_host,
    -- what cookies and headers say about the person, as the configuration names them
    from_json(identified, '[{"type": "VARCHAR", "value": "VARCHAR"}]') as identified
  from export_row
),

-- Most requests have no query, and few queries occur once: each is taken apart once.
query_part as (
  select
    query,
    replace(unnest(string_split(query, '&')), '+', ' ') as part
  from (select distinct query from request where query is not null)
),

parameter as (
  select
    query,
    lower(url_decode(split_part(part, '=', 1))) as name,
    url_decode(nullif(substr(part, length(split_part(part, '=', 1)) + 2), '')) as text
  from query_part
),

-- A parameter that the configuration names; in any case, since addresses are typed and rewritten.
used_parameter as (
  select
    parameter.query,
    web_parameter.parameter,
    web_parameter.parameter_use,
    web_parameter.parameter_rank,
    web_parameter.identifier_type,
    parameter.text
  from parameter
  join web_parameter on lower(web_parameter.parameter) = parameter.name
  where parameter.text is not null
),

campaign as (
  select
    query,
    min(text) filter (where name = 'utm_source') as utm_source,
    min(text) filter (where name = 'utm_medium') as utm_medium,
    min(text) filter (where name = 'utm_campaign') as utm_campaign,
    min(text) filter (where name = 'utm_id') as utm_id,
    min(text) filter (where name = 'utm_content') as utm_content,
    min(text) filter (where name = 'utm_term') as utm_term
  from parameter
  where name like 'utm%'
  group by query
),

used as (
  select
    query,
    min_by(text, parameter_rank) filter (where parameter_use = 'search') as search_text,
    min_by(parameter, parameter_rank) filter (where parameter_use = 'click_id') as click_id_type,
    min_by(text, parameter_rank) filter (where parameter_use = 'click_id') as click_id,
    -- sorted: equal input gives equal rows
    list_sort(list({'type': identifier_type, 'value': text}) filter (where parameter_use = 'identity')) as identifiers,
    map_from_entries(list_sort(list(distinct {'k': parameter, 'v': text}) filter (where parameter_use = 'keep'))) as kept,
    min(text) filter (where identifier_type = 'order_reference') as order_reference
  from used_parameter
  group by query
),

described as (
  select
    request.*,
    campaign.* exclude (query),
    used.* exclude (query),
    web_agent.browser,
    web_agent.operating_system,
    web_agent.device,
    -- What a visitor does in a day says more than the agent, which anybody can borrow.
    coalesce(web_visitor.is_bot, web_agent.is_bot) as is_bot,
    case when coalesce(web_visitor.is_bot, web_agent.is_bot)
      then coalesce(web_visitor.bot_reason, web_agent.bot_reason) end as bot_reason,
    web_visitor.continues_visitor
  from request
  left join campaign on campaign.query = request.query
  left join used on used.query = request.query
  left join web_agent on web_agent.user_agent is not distinct from request.user_agent
  left join web_visitor on web_visitor.visitor = request.visitor
)

select
  row_id,
  touchpoint_type,
  time as occurred_at,
  utm_id as campaign_id,
  utm_campaign as campaign_name,
  utm_source as campaign_source,
  utm_medium as campaign_medium,
  utm_content as campaign_content,
  utm_term as campaign_term,
  click_id_type,
  case when not is_bot then
    list_concat(
      [
        {'type': 'visitor', 'value': visitor},
        -- the same device before midnight, where the visitor's hash changes
        {'type': 'visitor', 'value': continues_visitor},
        {'type': 'login', 'value': remote_user}
      ],
      coalesce(identified, []),
      coalesce(identifiers, [])
    )
  end as identifiers,
  case
    when order_reference is not null
      then [{'type': 'order_reference', 'id': order_reference, 'qualifier': 'confirmed'}]
  end as objects,
  case when status >= 400 then 'failure' else 'success' end as outcome,
  web_without_address(path) as page_path,
  referrer_host,
  device,
  browser,
  operating_system,
  is_bot,
  bot_reason,
  case
    when touchpoint_type = 'site_search' then web_without_number(web_without_address(search_text))
  end as subject,
  {
    'status': status, 'method': method, 'ip_masked': ip_masked, 'user_agent': user_agent, 'click_id': click_id, 'parameters': kept
  } as attributes
from described

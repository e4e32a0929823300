-- matomo.log_link_visit_action: as matomo.visit, from the tables of the database. The kind of an action is that of its address
-- (1 page, 2 outlink, 3 download) or of its text (8 search); with an event action it is an event.
with action as (
  select
    a.*,
    v.user_id,
    v.referer_type,
    v.referer_name,
    v.referer_keyword,
    v.referer_url,
    v.campaign_name,
    v.campaign_source,
    v.campaign_medium,
    v.campaign_content,
    v.campaign_keyword,
    v.config_device_type,
    v.config_browser_name,
    v.config_os,
    a.server_time = v.visit_first_action_time as is_first,
    -- Addresses are kept without https://
    'https://' || u.name as url,
    u.type as url_type,
    n.type as name_type,
    n.name as action_name,
    e.name as event_action
  from export_row as a
  left join lookup_log_visit as v on v.idvisit = a.idvisit
  left join lookup_log_action_url as u on u.idaction_url = a.idaction_url
  left join lookup_log_action_name as n on n.idaction_name = a.idaction_name
  left join lookup_log_action_event_action as e on e.idaction_event_action = a.idaction_event_action
),

typed_action as (
  select
    *,
    case
      when idaction_event_action is not null then coalesce(web_event_type(event_action), 'unmapped')
      when name_type = 8 then 'site_search'
      when url_type = 3 then 'content_download'
      when url_type = 2 then 'unmapped'
      when is_first and referer_type = 6 then 'landing_page_view'
      else coalesce(web_touchpoint_type('GET', web_path(url), web_query(url), 200, 'Matomo'), 'page_view')
    end as touchpoint_type
  from action
)

select
  row_id,
  touchpoint_type,
  case
    when idaction_event_action is not null then coalesce(event_action, 'event ' || idaction_event_action)
    when url_type = 2 then 'outlink'
    else 'action'
  end as raw_type,
  server_time as occurred_at,
  case when touchpoint_type = 'unmapped' then 'website' end as channel,
  'site ' || idsite as channel_detail,
  case when is_first and referer_type = 6 then coalesce(campaign_name, referer_name) end as campaign_name,
  case when is_first then coalesce(campaign_source, case when referer_type in (2, 7) then lower(referer_name) end) end as campaign_source,
  case when is_first then coalesce(campaign_medium, case referer_type when 2 then 'organic' when 7 then 'social' end) end
    as campaign_medium,
  case when is_first then campaign_content end as campaign_content,
  case when is_first and referer_type = 6 then coalesce(campaign_keyword, referer_keyword) end as campaign_term,
  case when is_first then web_click_id_type(url) end as click_id_type,
  [
    {'type': 'cookie', 'value': lower(idvisitor)},
    {'type': 'login', 'value': user_id},
    {'type': 'email', 'value': case when user_id like '%@%.%' then user_id end}
  ] as identifiers,
  case when coalesce(url_type, 1) <> 2 then web_without_address(web_path(url)) end as page_path,
  case when is_first then web_source_host(referer_url) end as referrer_host,
  case config_device_type when 0 then 'desktop' when 1 then 'mobile' when 2 then 'tablet' when 3 then 'mobile' when 4 then 'console' when 5 then 'tv'
    when 10 then 'mobile' end as device,
  config_browser_name as browser,
  config_os as operating_system,
  false as is_bot,
  case when touchpoint_type = 'site_search' then web_without_number(web_without_address(action_name)) end as subject,
  {'session': idvisit, 'site': idsite} as attributes
from typed_action

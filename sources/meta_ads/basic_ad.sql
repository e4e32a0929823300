-- meta_ads.basic_ad: spend per ad and day. The campaign is the one of the ad's newest version, its name the campaign's newest.
-- Without the account's table the currency is not known, and the amount is counted without one.
with ad as (
  select ad_id, arg_max(campaign_id, updated_time) as campaign_id, arg_max(name, updated_time) as name
  from lookup_ad_history
  group by ad_id
),

campaign as (
  select id, arg_max(name, updated_time) as name
  from lookup_campaign_history
  where name is not null
  group by id
),

account as (
  select account_id, max(currency) as currency
  from lookup_account_history
  group by account_id
)

select
  s.row_id,
  s."date" as cost_date,
  'advertising' as channel,
  'meta' as channel_detail,
  a.campaign_id,
  c.name as campaign_name,
  s.impressions as impression_count,
  s.inline_link_clicks as click_count,
  s.spend as cost_amount,
  k.currency
from export_row as s
left join ad as a on s.ad_id = a.ad_id
left join campaign as c on a.campaign_id = c.id
left join account as k on s.account_id = k.account_id

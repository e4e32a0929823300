-- google_ads.campaign_stats: spend per campaign, day, network and device. cost_micros are millionths of the account's currency.
-- A campaign has several versions in its history; its name is the newest one.
with campaign as (
  select id, arg_max(name, updated_at) as name
  from lookup_campaign_history
  where name is not null
  group by id
),

account as (
  select customer_id, arg_max(currency_code, updated_at) as currency
  from lookup_account_history
  where currency_code is not null
  group by customer_id
)

select
  s.row_id,
  s."date" as cost_date,
  'advertising' as channel,
  concat_ws(' ', 'google', lower(s.ad_network_type), lower(s.device)) as channel_detail,
  s.id as campaign_id,
  c.name as campaign_name,
  s.impressions as impression_count,
  s.clicks as click_count,
  s.conversions as conversion_count,
  s.cost_micros / 1000000 as cost_amount,
  a.currency
from export_row as s
left join campaign as c on s.id = c.id
left join account as a on s.customer_id = a.customer_id

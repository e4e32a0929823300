-- meta_ads.campaign_report: spend per line of the report. A line is a day with the breakdown "Day", else the report's whole period,
-- which then counts on its first day. The currency is the one in the name of the column.
select
  row_id,
  coalesce("Day", "Reporting starts") as cost_date,
  'advertising' as channel,
  concat_ws(' ', 'meta', lower("Platform")) as channel_detail,
  "Campaign ID" as campaign_id,
  "Campaign name" as campaign_name,
  "Impressions" as impression_count,
  -- Clicks (all) counts likes and profile clicks too.
  coalesce("Link clicks", "Clicks (all)") as click_count,
  "Purchases" as conversion_count,
  coalesce(
    "Amount spent (EUR)",
    "Amount spent (USD)",
    "Amount spent (GBP)",
    "Amount spent (DKK)",
    "Amount spent (SEK)",
    "Amount spent (NOK)",
    "Amount spent (CHF)",
    "Amount spent (PLN)"
  ) as cost_amount,
  case
    when "Amount spent (EUR)" is not null then 'EUR'
    when "Amount spent (USD)" is not null then 'USD'
    when "Amount spent (GBP)" is not null then 'GBP'
    when "Amount spent (DKK)" is not null then 'DKK'
    when "Amount spent (SEK)" is not null then 'SEK'
    when "Amount spent (NOK)" is not null then 'NOK'
    when "Amount spent (CHF)" is not null then 'CHF'
    when "Amount spent (PLN)" is not null then 'PLN'
  end as currency
from export_row

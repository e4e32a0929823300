-- google_ads.campaign_report_excel: spend per line; the currency stands in a column. "--" is no figure, not zero.
select
  row_id,
  cost_date,
  'advertising' as channel,
  concat_ws(' ', 'google', lower("Network"), lower("Device")) as channel_detail,
  "Campaign ID" as campaign_id,
  "Campaign" as campaign_name,
  "Impr." as impression_count,
  "Clicks" as click_count,
  "Conversions" as conversion_count,
  "Cost" as cost_amount,
  "Currency code" as currency
from export_row

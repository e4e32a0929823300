-- google_ads.campaign_report_local: spend per line; the currency stands in a column. "--" is no figure, not zero.
select
  row_id,
  cost_date,
  'advertising' as channel,
  concat_ws(' ', 'google', lower("Netwerk"), lower("Apparaat")) as channel_detail,
  "Campagne-ID" as campaign_id,
  "Campagne" as campaign_name,
  "Vert." as impression_count,
  "Klikken" as click_count,
  "Conversies" as conversion_count,
  "Kosten" as cost_amount,
  "Valutacode" as currency
from export_row

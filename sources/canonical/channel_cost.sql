-- canonical.channel_cost: the columns are already ours.
select
  row_id,
  cost_date,
  channel,
  channel_detail,
  campaign_id,
  campaign_name,
  impression_count,
  click_count,
  conversion_count,
  cost_amount,
  currency
from export_row

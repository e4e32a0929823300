-- Weekly touchpoints per type and channel.
select
    touchpoint_type,
    channel,
    week_date,
    touchpoint_count,
    previous_median_count,
    change_share,
    is_outlier,
    is_complete
from touchpoint_trend
order by touchpoint_type, channel, week_date

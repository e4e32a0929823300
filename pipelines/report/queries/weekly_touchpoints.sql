-- Touchpoints of people per week and channel.
select
    cast(date_trunc('week', activity_date) as date) as week_date,
    channel,
    sum(touchpoint_count - bot_touchpoint_count) as touchpoint_count
from channel_daily
group by all
order by week_date, channel

-- Each channel over the last 90 days.
select
    channel_daily.channel,
    sum(channel_daily.touchpoint_count) as touchpoint_count,
    sum(channel_daily.session_count) as session_count,
    sum(channel_daily.journey_conversion_count) as journey_conversion_count,
    nullif(sum(channel_daily.value_amount_base), 0) as value_amount_base,
    nullif(sum(channel_daily.cost_amount_base), 0) as cost_amount_base,
    sum(channel_daily.failure_count) / nullif(sum(channel_daily.touchpoint_count), 0) as failure_share
from channel_daily
cross join setting
where channel_daily.activity_date > cast(setting.data_date_at - interval '90' day as date)
group by all
order by touchpoint_count desc, channel

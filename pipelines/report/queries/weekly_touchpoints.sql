-- Touchpoints of people per week and channel; a week is complete when it lies whole between the first day and the data date.
with

counted as (
    select
        cast(date_trunc('week', activity_date) as date) as week_date,
        channel,
        sum(touchpoint_count - bot_touchpoint_count) as touchpoint_count
    from channel_daily
    group by all
),

ends as (
    select min(activity_date) as first_date
    from channel_daily
)

select
    counted.week_date,
    counted.channel,
    counted.touchpoint_count,
    counted.week_date >= ends.first_date
        and counted.week_date + interval '7' day <= setting.data_date_at as is_complete
from counted
cross join ends
cross join setting
order by counted.week_date, counted.channel

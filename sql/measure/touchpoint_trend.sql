-- touchpoint_trend: touchpoints per type, channel and week, with the weeks that stand out from those before.
-- kind: aggregate
-- grain: touchpoint_type, channel, week_date
-- finish: models.statistics.touchpoint_trend
-- Weeks begin on Monday (UTC). The finish function fills in weeks with no touchpoint and compares each complete week
-- with the median of the eight before: a silent export and a campaign both show as an outlier.
with

setting_import as (
    select data_date_at
    from setting
),

weekly as (
    select
        touchpoint_type.touchpoint_type,
        channel.channel,
        date_trunc('week', spine.occurred_at) as week_at,
        count(*) as touchpoint_count,
        count(distinct spine.customer_id) as customer_count
    from spine
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
    inner join channel on channel.channel_code = spine.channel_code
    group by
        touchpoint_type.touchpoint_type,
        channel.channel,
        date_trunc('week', spine.occurred_at)
)

select
    cast(weekly.touchpoint_type as varchar) as touchpoint_type,
    cast(weekly.channel as varchar) as channel,
    cast(weekly.week_at as date) as week_date,
    cast(weekly.touchpoint_count as bigint) as touchpoint_count,
    cast(weekly.customer_count as bigint) as customer_count,
    cast(weekly.week_at + interval '7' day <= setting_import.data_date_at as boolean) as is_complete
from weekly
cross join setting_import

-- touchpoint_trend: every touchpoint type, channel, source and kind of score per week, with the weeks that changed beyond chance.
-- kind: aggregate
-- grain: measure, series_kind, series, week_date
-- finish: models.trend.touchpoint_trend
-- Weeks begin on Monday (UTC). Robots are left out; touchpoints without a customer count, for a source that loses its
-- identifiers must not look as if it lost its touchpoints. The finish function fills in empty weeks and tests the last complete ones.
with

setting_import as (
    select
        data_date_at,
        incident_weeks,
        special_days
    from setting
),

counted as (
    select
        touchpoint.touchpoint_type,
        touchpoint.channel,
        touchpoint.source_system,
        touchpoint.score_kind,
        cast(date_trunc('day', touchpoint.occurred_at) as date) as activity_date,
        count(*) as touchpoint_count,
        count(touchpoint.score_scaled) as score_count,
        sum(cast(touchpoint.score_scaled as decimal(38, 9))) as score_sum
    from touchpoint
    cross join setting_import
    where not touchpoint.is_bot
        and touchpoint.occurred_at <= setting_import.data_date_at
    group by
        touchpoint.touchpoint_type,
        touchpoint.channel,
        touchpoint.source_system,
        touchpoint.score_kind,
        cast(date_trunc('day', touchpoint.occurred_at) as date)
),

daily as (
    select
        'count' as measure,
        'touchpoint' as series_kind,
        touchpoint_type as series,
        activity_date,
        touchpoint_count,
        cast(null as decimal(38, 9)) as score_sum
    from counted

    union all

    select
        'count' as measure,
        'channel' as series_kind,
        channel as series,
        activity_date,
        touchpoint_count,
        cast(null as decimal(38, 9)) as score_sum
    from counted

    union all

    select
        'count' as measure,
        'source' as series_kind,
        source_system as series,
        activity_date,
        touchpoint_count,
        cast(null as decimal(38, 9)) as score_sum
    from counted

    union all

    select
        'score' as measure,
        'score' as series_kind,
        coalesce(score_kind, 'unknown') as series,
        activity_date,
        score_count as touchpoint_count,
        score_sum
    from counted
    where score_count > 0
),

active as (
    select
        measure,
        series_kind,
        series,
        activity_date,
        lag(activity_date) over (
            partition by measure, series_kind, series
            order by activity_date
        ) as previous_date
    from (
        select distinct
            measure,
            series_kind,
            series,
            activity_date
        from daily
    ) as day
),

-- Pauses of the last quarter only: an export that came weekly two years ago comes daily now.
pause as (
    select
        active.measure,
        active.series_kind,
        active.series,
        max(active.activity_date) as last_seen_date,
        max(
            case
                when date_diff('day', active.activity_date, cast(setting_import.data_date_at as date)) <= 91
                    then date_diff('day', active.previous_date, active.activity_date)
            end
        ) as longest_pause_days
    from active
    cross join setting_import
    group by
        active.measure,
        active.series_kind,
        active.series
),

weekly as (
    select
        measure,
        series_kind,
        series,
        cast(date_trunc('week', activity_date) as date) as week_date,
        sum(touchpoint_count) as touchpoint_count,
        cast(sum(score_sum) as double) as score_sum
    from daily
    group by
        measure,
        series_kind,
        series,
        cast(date_trunc('week', activity_date) as date)
)

select
    cast(weekly.measure as varchar) as measure,
    cast(weekly.series_kind as varchar) as series_kind,
    cast(weekly.series as varchar) as series,
    cast(weekly.week_date as date) as week_date,
    cast(weekly.touchpoint_count as bigint) as touchpoint_count,
    cast(weekly.score_sum as double) as score_sum,
    cast(setting_import.data_date_at as date) as data_date,
    cast(pause.last_seen_date as date) as last_seen_date,
    cast(pause.longest_pause_days as integer) as longest_pause_days,
    cast(setting_import.incident_weeks as varchar) as incident_weeks,
    cast(setting_import.special_days as varchar) as special_days
from weekly
cross join setting_import
inner join pause
    on pause.measure = weekly.measure
    and pause.series_kind = weekly.series_kind
    and pause.series = weekly.series

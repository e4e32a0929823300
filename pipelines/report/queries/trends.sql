-- Weeks of every touchpoint type, channel, source and kind of score, with what was expected of those tested.
select
    measure,
    series_kind,
    series,
    week_date,
    touchpoint_count,
    mean_score_scaled,
    expected_value,
    change_share,
    smallest_drop_share,
    trend_status,
    is_complete,
    is_alert,
    alert_reason
from touchpoint_trend
order by measure, series_kind, series, week_date

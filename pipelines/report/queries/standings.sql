-- What a release says that the next one is compared with: journeys, marked drop-off points, alerts, marked effects, rows read.
select
    'journey' as standing_kind,
    journey_definition as name,
    status as detail,
    cast(count(*) as double) as standing_value
from journey
group by all

union all

select
    'drop_off' as standing_kind,
    journey_definition as name,
    touchpoint_type as detail,
    dropped_share as standing_value
from drop_off_point
where drop_off_level = 'touchpoint' and is_marked

union all

select
    'alert' as standing_kind,
    series_kind as name,
    series as detail,
    cast(touchpoint_count as double) as standing_value
from touchpoint_trend
where is_alert
qualify row_number() over (partition by series_kind, series order by week_date desc) = 1

union all

select
    'effect' as standing_kind,
    scope as name,
    factor as detail,
    effect as standing_value
from touchpoint_effect
where is_marked and factor_kind = 'touchpoint'

union all

select
    'export' as standing_kind,
    source_export as name,
    '' as detail,
    cast(sum(row_count) as double) as standing_value
from reconciliation
group by all
order by standing_kind, name, detail

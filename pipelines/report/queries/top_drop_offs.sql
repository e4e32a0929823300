-- Where most journeys are lost above what their definition leads one to expect.
select
    journey_definition,
    touchpoint_type,
    reached_count,
    dropped_count,
    dropped_share,
    dropped_share_low,
    dropped_share_high,
    baseline_share,
    is_marked
from drop_off_point
where drop_off_level = 'touchpoint' and is_marked and dropped_share > baseline_share
order by dropped_count - baseline_share * (reached_count - open_count) desc, journey_definition, touchpoint_type
limit 8

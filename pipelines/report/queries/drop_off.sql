-- Drop-off points of a definition by touchpoint type, the most people lost first.
select
    touchpoint_type,
    reached_count,
    dropped_count,
    open_count,
    dropped_share,
    dropped_share_low,
    dropped_share_high,
    baseline_share,
    p_value_adjusted,
    is_marked,
    evidence,
    evidence_dropped_share,
    evidence_went_on_share
from drop_off_point
where drop_off_level = 'touchpoint' and journey_definition = $definition
order by is_marked desc, dropped_count desc, touchpoint_type

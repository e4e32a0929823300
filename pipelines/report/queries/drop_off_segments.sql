-- Parts of the journeys at a drop-off point that lose more than the other parts there (five or more lost).
select
    touchpoint_type,
    segment_kind,
    segment,
    reached_count,
    dropped_count,
    open_count,
    dropped_share,
    dropped_share_low,
    dropped_share_high,
    baseline_share,
    p_value_adjusted,
    is_marked
from drop_off_segment
where journey_definition = $definition and is_marked and dropped_count >= 5
order by dropped_count - baseline_share * (reached_count - open_count) desc, touchpoint_type, segment_kind, segment
limit 12

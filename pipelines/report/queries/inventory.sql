-- The touchpoint map: every type of the catalogue, seen or not, and words of exports without a type.
select
    touchpoint_type,
    raw_type,
    channel,
    journey_phase,
    category,
    direction,
    medium,
    control,
    character,
    journey_family,
    is_seen,
    gap,
    source_systems,
    touchpoint_count,
    customer_count,
    customer_share,
    journey_count,
    failure_share,
    mean_score_scaled,
    satisfaction_effect,
    conversion_effect,
    retention_effect,
    critical_rank
from touchpoint_inventory
order by journey_phase, category, customer_count desc, touchpoint_type

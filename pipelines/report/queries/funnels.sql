-- The configured funnels, step by step.
select
    funnel,
    mode,
    step_number,
    touchpoint_type,
    reached_count,
    continued_count,
    dropped_count,
    open_count,
    entered_share,
    previous_share,
    previous_share_low,
    previous_share_high,
    mean_seconds_from_entry
from funnel_step
order by funnel, step_number

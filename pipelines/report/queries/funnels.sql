-- The configured funnels, step by step.
with

allowed as (
    select distinct
        funnel,
        window_seconds
    from funnel_definition
)

select
    funnel_step.funnel,
    funnel_step.mode,
    allowed.window_seconds,
    funnel_step.step_number,
    funnel_step.touchpoint_type,
    funnel_step.reached_count,
    funnel_step.continued_count,
    funnel_step.dropped_count,
    funnel_step.open_count,
    funnel_step.entered_share,
    funnel_step.previous_share,
    funnel_step.previous_share_low,
    funnel_step.previous_share_high,
    funnel_step.mean_seconds_from_entry,
    funnel_step.median_seconds_from_entry
from funnel_step
inner join allowed on allowed.funnel = funnel_step.funnel
order by funnel_step.funnel, funnel_step.step_number

-- funnel_step: how many customers reach each step of each funnel; the people behind a count stand in funnel_progress.
-- kind: aggregate
-- grain: funnel, step_number
-- finish: models.statistics.funnel_step
-- A customer counts once per funnel, by the best attempt. Whoever stopped at a step while the window still runs is open, not
-- dropped. The shares are those of customers whose window is over (decided): counting the others, who may have reached a step and
-- not yet the next, would call a trial younger than the window lost.
with

setting_import as (
    select data_date_at
    from setting
),

definition as (
    select
        funnel,
        mode,
        step_number,
        touchpoint_type
    from funnel_definition
),

-- The window that counts is that of the deepest attempt.
decided as (
    select
        funnel_progress.funnel,
        funnel_progress.customer_id,
        funnel_progress.open_until_at < setting_import.data_date_at as is_decided
    from funnel_progress
    cross join setting_import
    where funnel_progress.is_last
),

progress as (
    select
        funnel_progress.funnel,
        funnel_progress.step_number,
        count(*) as reached_count,
        count(*) filter (where decided.is_decided) as decided_count,
        count(*) filter (
            where funnel_progress.is_last and funnel_progress.open_until_at >= setting_import.data_date_at
        ) as waiting_count,
        sum(funnel_progress.seconds_from_entry) as seconds_from_entry,
        percentile_cont(0.25) within group (order by funnel_progress.seconds_from_entry) as seconds_from_entry_quarter,
        percentile_cont(0.5) within group (order by funnel_progress.seconds_from_entry) as median_seconds_from_entry,
        percentile_cont(0.75) within group (order by funnel_progress.seconds_from_entry) as seconds_from_entry_three_quarters,
        percentile_cont(0.9) within group (order by funnel_progress.seconds_from_entry) as seconds_from_entry_nine_tenths
    from funnel_progress
    cross join setting_import
    inner join decided
        on decided.funnel = funnel_progress.funnel
        and decided.customer_id = funnel_progress.customer_id
    group by
        funnel_progress.funnel,
        funnel_progress.step_number
),

filled as (
    select
        definition.funnel,
        definition.mode,
        definition.step_number,
        definition.touchpoint_type,
        coalesce(progress.reached_count, 0) as reached_count,
        coalesce(progress.waiting_count, 0) as waiting_count,
        coalesce(progress.decided_count, 0) as decided_count,
        progress.seconds_from_entry,
        progress.seconds_from_entry_quarter,
        progress.median_seconds_from_entry,
        progress.seconds_from_entry_three_quarters,
        progress.seconds_from_entry_nine_tenths
    from definition
    left join progress
        on progress.funnel = definition.funnel
        and progress.step_number = definition.step_number
),

compared as (
    select
        funnel,
        mode,
        step_number,
        touchpoint_type,
        reached_count,
        waiting_count,
        decided_count,
        seconds_from_entry,
        seconds_from_entry_quarter,
        median_seconds_from_entry,
        seconds_from_entry_three_quarters,
        seconds_from_entry_nine_tenths,
        lag(decided_count) over (partition by funnel order by step_number) as previous_decided_count,
        max(decided_count) over (partition by funnel) as entered_decided_count,
        lag(reached_count) over (partition by funnel order by step_number) as previous_count,
        lead(reached_count) over (partition by funnel order by step_number) as next_count,
        max(reached_count) over (partition by funnel) as entered_count
    from filled
)

select
    cast(compared.funnel as varchar) as funnel,
    cast(compared.step_number as integer) as step_number,
    cast(mode as varchar) as mode,
    cast(touchpoint_type as varchar) as touchpoint_type,
    cast(reached_count as bigint) as reached_count,
    cast(coalesce(next_count, 0) as bigint) as continued_count,
    -- At the last step there is nothing left to do: nobody is open or dropped there.
    cast(case when next_count is null then 0 else waiting_count end as bigint) as open_count,
    cast(
        case when next_count is null then 0 else reached_count - next_count - waiting_count end
        as bigint
    ) as dropped_count,
    cast(entered_count as bigint) as entered_count,
    cast(previous_count as bigint) as previous_count,
    -- beside the count within the window: who is slow, not lost
    cast(funnel_reach.ever_reached_count as bigint) as ever_reached_count,
    cast(decided_count as bigint) as decided_count,
    cast(previous_decided_count as bigint) as previous_decided_count,
    cast(entered_decided_count as bigint) as entered_decided_count,
    cast(
        case when reached_count > 0 then cast(seconds_from_entry as double) / reached_count end as double
    ) as mean_seconds_from_entry,
    cast(seconds_from_entry_quarter as double) as seconds_from_entry_quarter,
    cast(median_seconds_from_entry as double) as median_seconds_from_entry,
    cast(seconds_from_entry_three_quarters as double) as seconds_from_entry_three_quarters,
    cast(seconds_from_entry_nine_tenths as double) as seconds_from_entry_nine_tenths
from compared
left join funnel_reach
    on funnel_reach.funnel = compared.funnel
    and funnel_reach.step_number = compared.step_number

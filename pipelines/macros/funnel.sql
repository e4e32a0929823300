-- funnel(steps, window_days, mode, exclusions): how many customers reach each step; arguments and rules as for funnel_people, which gives the
-- people. previous_share is that of customers whose window was over at the data date, so that a trial younger than the window is not
-- counted as lost; open_count are the others who stopped at the step so far.
-- example: from funnel(['page_view', 'cart_updated', 'checkout_started', 'order_placed'], window_days := 7)
create or replace macro funnel(
    steps, window_days := 7, mode := 'ordered', exclusions := [], considered := []
) as table
with

person as (
    select *
    from funnel_people(
        steps, window_days := window_days, mode := mode, exclusions := exclusions, considered := considered
    )
),

step as (
    select
        step_number,
        steps[step_number] as touchpoint_type
    from (select unnest(range(1, array_length(steps) + 1)) as step_number)
),

reached as (
    select
        step.step_number,
        person.is_window_over,
        person.step_count = step.step_number and not person.is_converted as is_stopped,
        person.is_open,
        date_diff('second', person.entered_at, met[step.step_number]) as seconds_from_entry,
        date_diff('second', met[step.step_number - 1], met[step.step_number]) as seconds_from_previous
    from (
        select
            *,
            [step_1_at, step_2_at, step_3_at, step_4_at, step_5_at, step_6_at, step_7_at, step_8_at] as met
        from person
    ) as person
    join step on step.step_number <= person.step_count
),

counted as (
    select
        step.step_number,
        step.touchpoint_type,
        count(reached.step_number) as reached_count,
        count(*) filter (where reached.is_window_over) as decided_count,
        count(*) filter (where reached.is_stopped and reached.is_open) as open_count,
        count(*) filter (where reached.is_stopped and not reached.is_open) as dropped_count,
        avg(reached.seconds_from_entry) as mean_seconds_from_entry,
        quantile_cont(reached.seconds_from_entry, 0.5) as median_seconds_from_entry,
        quantile_cont(reached.seconds_from_previous, 0.25) as low_seconds_from_previous,
        quantile_cont(reached.seconds_from_previous, 0.5) as median_seconds_from_previous,
        quantile_cont(reached.seconds_from_previous, 0.75) as high_seconds_from_previous
    from step
    left join reached on reached.step_number = step.step_number
    group by all
)

select
    step_number,
    touchpoint_type,
    reached_count,
    decided_count / nullif(lag(decided_count) over (order by step_number), 0) as previous_share,
    decided_count / nullif(first_value(decided_count) over (order by step_number), 0) as entered_share,
    dropped_count,
    open_count,
    mean_seconds_from_entry,
    median_seconds_from_entry,
    low_seconds_from_previous,
    median_seconds_from_previous,
    high_seconds_from_previous
from counted
order by step_number

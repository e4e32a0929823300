-- channel_transition: from which channel to which the journeys go, from (start) to (converted), (exited), (dropped) or (open).
-- kind: aggregate
-- grain: journey_definition, from_channel, to_channel
-- Every journey leaves (start) once and enters one of the four ends once, so both sums are the number of journeys (checked).
with

journey_import as (
    select
        journey_id,
        journey_definition,
        customer_id,
        status,
        first_channel,
        last_channel
    from journey
),

transition as (
    select
        journey_id,
        journey_definition,
        customer_id,
        previous_channel as from_channel,
        channel as to_channel,
        seconds_since_previous
    from journey_step
    where step_number > 1

    union all

    select
        journey_id,
        journey_definition,
        customer_id,
        '(start)' as from_channel,
        first_channel as to_channel,
        cast(null as bigint) as seconds_since_previous
    from journey_import

    union all

    select
        journey_id,
        journey_definition,
        customer_id,
        last_channel as from_channel,
        '(' || status || ')' as to_channel,
        cast(null as bigint) as seconds_since_previous
    from journey_import
),

counted as (
    select
        journey_definition,
        from_channel,
        to_channel,
        count(*) as transition_count,
        count(distinct journey_id) as journey_count,
        count(distinct customer_id) as customer_count,
        sum(seconds_since_previous) as seconds_sum,
        count(seconds_since_previous) as seconds_count,
        percentile_cont(0.5) within group (order by seconds_since_previous) as median_seconds
    from transition
    group by
        journey_definition,
        from_channel,
        to_channel
),

total as (
    select
        journey_definition,
        from_channel,
        sum(transition_count) as total_count
    from counted
    group by
        journey_definition,
        from_channel
)

select
    cast(counted.journey_definition as varchar) as journey_definition,
    cast(counted.from_channel as varchar) as from_channel,
    cast(counted.to_channel as varchar) as to_channel,
    cast(counted.transition_count as bigint) as transition_count,
    cast(counted.journey_count as bigint) as journey_count,
    cast(counted.customer_count as bigint) as customer_count,
    cast(cast(counted.transition_count as double) / cast(total.total_count as double) as double) as transition_share,
    cast(
        case when counted.seconds_count > 0 then cast(counted.seconds_sum as double) / counted.seconds_count end as double
    ) as mean_seconds_since_previous,
    cast(counted.median_seconds as double) as median_seconds_since_previous
from counted
inner join total
    on total.journey_definition = counted.journey_definition
    and total.from_channel = counted.from_channel

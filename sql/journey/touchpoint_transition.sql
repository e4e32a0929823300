-- touchpoint_transition: from which type to which the journeys go, from (start) to (converted), (exited), (dropped) or (open).
-- kind: aggregate
-- grain: journey_definition, from_touchpoint_type, to_touchpoint_type
-- Every journey leaves (start) once and enters one of the four ends once, so both sums are the number of journeys (checked).
with

journey_import as (
    select
        journey_id,
        journey_definition,
        customer_id,
        status,
        first_touchpoint_type,
        last_touchpoint_type
    from journey
),

transition as (
    select
        journey_id,
        journey_definition,
        customer_id,
        touchpoint_type as from_touchpoint_type,
        next_touchpoint_type as to_touchpoint_type,
        seconds_until_next as seconds_since_previous
    from journey_step
    where not is_last

    union all

    select
        journey_id,
        journey_definition,
        customer_id,
        '(start)' as from_touchpoint_type,
        first_touchpoint_type as to_touchpoint_type,
        cast(null as bigint) as seconds_since_previous
    from journey_import

    union all

    select
        journey_id,
        journey_definition,
        customer_id,
        last_touchpoint_type as from_touchpoint_type,
        '(' || status || ')' as to_touchpoint_type,
        cast(null as bigint) as seconds_since_previous
    from journey_import
),

counted as (
    select
        journey_definition,
        from_touchpoint_type,
        to_touchpoint_type,
        count(*) as transition_count,
        count(distinct journey_id) as journey_count,
        count(distinct customer_id) as customer_count,
        sum(seconds_since_previous) as seconds_sum,
        count(seconds_since_previous) as seconds_count,
        percentile_cont(0.5) within group (order by seconds_since_previous) as median_seconds
    from transition
    group by
        journey_definition,
        from_touchpoint_type,
        to_touchpoint_type
),

total as (
    select
        journey_definition,
        from_touchpoint_type,
        sum(transition_count) as total_count
    from counted
    group by
        journey_definition,
        from_touchpoint_type
)

select
    cast(counted.journey_definition as varchar) as journey_definition,
    cast(counted.from_touchpoint_type as varchar) as from_touchpoint_type,
    cast(counted.to_touchpoint_type as varchar) as to_touchpoint_type,
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
    and total.from_touchpoint_type = counted.from_touchpoint_type

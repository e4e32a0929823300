-- Of the journeys asked for that begin (or end) with a way: what comes next, and how they stand.
with

way as (
    select
        case when $direction = 'forward' then forward_1_code else backward_1_code end as way_1,
        case when $direction = 'forward' then forward_2_code else backward_2_code end as way_2,
        case when $direction = 'forward' then forward_3_code else backward_3_code end as way_3,
        case when $direction = 'forward' then forward_4_code else backward_4_code end as way_4,
        case when $direction = 'forward' then forward_5_code else backward_5_code end as way_5,
        case when $direction = 'forward' then forward_6_code else backward_6_code end as way_6,
        status,
        change_count,
        customer_id,
        value_amount_base,
        date_diff('second', started_at, ended_at) as duration_seconds
    from journey_way
    where journey_way.journey_definition = $definition
        and ($status is null or journey_way.status = $status)
        and ($start is null or journey_way.started_at >= cast($start as timestamp))
        and ($until is null or journey_way.started_at < cast($until as timestamp))
        and (
            $stage is null
            or journey_way.customer_id in (select customer_id from customer_360 where lifecycle_stage = $stage)
        )
),

followed as (
    select
        case $depth
            when 0 then way_1 when 1 then way_2 when 2 then way_3 when 3 then way_4 when 4 then way_5 when 5 then way_6
        end as next_code,
        status,
        change_count > 6 and $depth = 6 as is_cut,
        customer_id,
        value_amount_base,
        duration_seconds
    from way
    where true
        and ($way_1 is null or way_1 = $way_1)
        and ($way_2 is null or way_2 = $way_2)
        and ($way_3 is null or way_3 = $way_3)
        and ($way_4 is null or way_4 = $way_4)
        and ($way_5 is null or way_5 = $way_5)
        and ($way_6 is null or way_6 = $way_6)
),

counted as (
    -- by codes, which are narrow; words come at the end
    select
        next_code,
        is_cut,
        case when next_code is null and not is_cut and $direction = 'forward' then status end as ended,
        count(*) as journey_count,
        count(distinct customer_id) as customer_count,
        count(*) filter (where status = 'converted') as converted_count,
        count(*) filter (where status = 'dropped') as dropped_count,
        count(*) filter (where status <> 'open') as ended_count,
        median(duration_seconds) as median_duration_seconds,
        sum(value_amount_base) as value_amount_base
    from followed
    group by
        next_code,
        is_cut,
        case when next_code is null and not is_cut and $direction = 'forward' then status end
)

select
    case
        when counted.next_code is not null then touchpoint_type.touchpoint_type
        when counted.is_cut then '(deeper)'
        when $direction = 'forward' then '(' || counted.ended || ')'
        else '(start)'
    end as next_step,
    counted.journey_count,
    counted.customer_count,
    counted.converted_count,
    counted.dropped_count,
    counted.converted_count / nullif(counted.ended_count, 0) as converted_share,
    counted.median_duration_seconds,
    counted.value_amount_base
from counted
left join touchpoint_type on touchpoint_type.touchpoint_type_code = counted.next_code
order by journey_count desc, next_step

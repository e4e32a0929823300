-- The journeys asked for that begin (or end) with a way, one row each, all of them for a file (`way_people` is for a page).
with

way as (
    select
        case when $direction = 'forward' then forward_1_code else backward_1_code end as way_1,
        case when $direction = 'forward' then forward_2_code else backward_2_code end as way_2,
        case when $direction = 'forward' then forward_3_code else backward_3_code end as way_3,
        case when $direction = 'forward' then forward_4_code else backward_4_code end as way_4,
        case when $direction = 'forward' then forward_5_code else backward_5_code end as way_5,
        case when $direction = 'forward' then forward_6_code else backward_6_code end as way_6,
        journey_id,
        customer_id,
        status,
        started_at,
        ended_at,
        change_count,
        value_amount_base
    from journey_way
    where journey_way.journey_definition = $definition
        and ($status is null or journey_way.status = $status)
        and ($start is null or journey_way.started_at >= cast($start as timestamp))
        and ($until is null or journey_way.started_at < cast($until as timestamp))
        and (
            $stage is null
            or journey_way.customer_id in (select customer_id from customer_360 where lifecycle_stage = $stage)
        )
)

select
    journey_id,
    customer_id,
    status,
    started_at,
    ended_at,
    change_count,
    value_amount_base
from way
where ($length is null or change_count = $length)
        and ($way_1 is null or way_1 = $way_1)
        and ($way_2 is null or way_2 = $way_2)
        and ($way_3 is null or way_3 = $way_3)
        and ($way_4 is null or way_4 = $way_4)
        and ($way_5 is null or way_5 = $way_5)
        and ($way_6 is null or way_6 = $way_6)
order by started_at desc, journey_id
limit $limit

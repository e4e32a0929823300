-- The first four different touchpoints of the journeys asked for, and how they went on.
with

way as (
    select
        forward_1_code,
        forward_2_code,
        forward_3_code,
        forward_4_code,
        case when change_count > 4 then 'continued' else status end as ended
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
    forward_1_code,
    forward_2_code,
    forward_3_code,
    forward_4_code,
    ended,
    count(*) as journey_count
from way
group by all
order by journey_count desc, forward_1_code, forward_2_code, forward_3_code, forward_4_code, ended

-- The last four different touchpoints of each journey that ended, from its end backwards.
with

counted as (
    select
        status,
        backward_1_code,
        backward_2_code,
        backward_3_code,
        backward_4_code,
        count(*) as journey_count
    from journey_way
    where journey_definition = $definition
        and status <> 'open'
    group by all
)

select
    counted.status as ended,
    type_1.touchpoint_type as step_1,
    type_2.touchpoint_type as step_2,
    type_3.touchpoint_type as step_3,
    type_4.touchpoint_type as step_4,
    counted.journey_count
from counted
left join touchpoint_type as type_1 on type_1.touchpoint_type_code = counted.backward_1_code
left join touchpoint_type as type_2 on type_2.touchpoint_type_code = counted.backward_2_code
left join touchpoint_type as type_3 on type_3.touchpoint_type_code = counted.backward_3_code
left join touchpoint_type as type_4 on type_4.touchpoint_type_code = counted.backward_4_code
order by journey_count desc, ended, step_1, step_2, step_3, step_4

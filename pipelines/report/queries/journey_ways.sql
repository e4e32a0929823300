-- The first four different touchpoints of each journey and how it went on; at each position the six commonest types by name.
with

way as (
    select
        forward_1_code,
        forward_2_code,
        forward_3_code,
        forward_4_code,
        case when change_count > 4 then 'continued' else status end as ended
    from journey_way
    where journey_definition = $definition
),

common_1 as (
    -- at each position the six commonest types keep their name
    select forward_1_code as code
    from way
    where forward_1_code is not null
    group by forward_1_code
    order by count(*) desc, forward_1_code
    limit 6
),

common_2 as (
    select forward_2_code as code
    from way
    where forward_2_code is not null
    group by forward_2_code
    order by count(*) desc, forward_2_code
    limit 6
),

common_3 as (
    select forward_3_code as code
    from way
    where forward_3_code is not null
    group by forward_3_code
    order by count(*) desc, forward_3_code
    limit 6
),

common_4 as (
    select forward_4_code as code
    from way
    where forward_4_code is not null
    group by forward_4_code
    order by count(*) desc, forward_4_code
    limit 6
),

counted as (
    select
        case when forward_1_code is not null then coalesce(common_1.code, -1) end as step_1_code,
        case when forward_2_code is not null then coalesce(common_2.code, -1) end as step_2_code,
        case when forward_3_code is not null then coalesce(common_3.code, -1) end as step_3_code,
        case when forward_4_code is not null then coalesce(common_4.code, -1) end as step_4_code,
        way.ended,
        count(*) as journey_count
    from way
    left join common_1 on common_1.code = way.forward_1_code
    left join common_2 on common_2.code = way.forward_2_code
    left join common_3 on common_3.code = way.forward_3_code
    left join common_4 on common_4.code = way.forward_4_code
    group by all
)

select
    case when step_1_code = -1 then 'other' else type_1.touchpoint_type end as step_1,
    case when step_2_code = -1 then 'other' else type_2.touchpoint_type end as step_2,
    case when step_3_code = -1 then 'other' else type_3.touchpoint_type end as step_3,
    case when step_4_code = -1 then 'other' else type_4.touchpoint_type end as step_4,
    counted.ended,
    counted.journey_count
from counted
left join touchpoint_type as type_1 on type_1.touchpoint_type_code = counted.step_1_code
left join touchpoint_type as type_2 on type_2.touchpoint_type_code = counted.step_2_code
left join touchpoint_type as type_3 on type_3.touchpoint_type_code = counted.step_3_code
left join touchpoint_type as type_4 on type_4.touchpoint_type_code = counted.step_4_code
order by journey_count desc, step_1, step_2, step_3, step_4, ended

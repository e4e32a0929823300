-- funnel_reach: how many customers ever go through the steps of a funnel in order, however long they take.
-- kind: aggregate
-- grain: funnel, step_number
-- Beside funnel_step it tells who is slow from who is lost. By chained minima: step k is first reached at the earliest
-- touchpoint of its type after step k - 1 was; without a window the earliest is always the best, so nothing is sorted (a third
-- of the cost, measured). moment packs the total order into one number: microseconds, precision, catalogue rank; two
-- touchpoints that tie beyond that are of one type, and the steps of a funnel are of different ones. Exclusions and modes are
-- not looked at.
with

funnel_import as (
    select
        funnel,
        step_number,
        touchpoint_type_code
    from funnel_definition
),

wanted as (
    select touchpoint_type_code
    from funnel_import
    group by touchpoint_type_code
),

happened as (
    select
        spine.customer_id,
        spine.touchpoint_type_code,
        date_diff('microsecond', timestamp '1970-01-01 00:00:00', spine.occurred_at) * 512
        + case
            -- sort_rank begins with the precision, in units of 10000 catalogue ranks of 2147483648 rows.
            when spine.sort_rank >= 42949672960000 then 256
            when spine.sort_rank >= 21474836480000 then 128
            else 0
        end
        + spine.touchpoint_type_code as moment
    from spine
    inner join wanted on wanted.touchpoint_type_code = spine.touchpoint_type_code
),

step_1 as (
    select
        funnel_import.funnel,
        happened.customer_id,
        min(happened.moment) as moment
    from happened
    inner join funnel_import
        on funnel_import.touchpoint_type_code = happened.touchpoint_type_code
        and funnel_import.step_number = 1
    group by
        funnel_import.funnel,
        happened.customer_id
),

step_2 as (
    select
        step_1.funnel,
        step_1.customer_id,
        min(happened.moment) as moment
    from step_1
    inner join funnel_import
        on funnel_import.funnel = step_1.funnel
        and funnel_import.step_number = 2
    inner join happened
        on happened.customer_id = step_1.customer_id
        and happened.touchpoint_type_code = funnel_import.touchpoint_type_code
        and happened.moment > step_1.moment
    group by
        step_1.funnel,
        step_1.customer_id
),

step_3 as (
    select
        step_2.funnel,
        step_2.customer_id,
        min(happened.moment) as moment
    from step_2
    inner join funnel_import
        on funnel_import.funnel = step_2.funnel
        and funnel_import.step_number = 3
    inner join happened
        on happened.customer_id = step_2.customer_id
        and happened.touchpoint_type_code = funnel_import.touchpoint_type_code
        and happened.moment > step_2.moment
    group by
        step_2.funnel,
        step_2.customer_id
),

step_4 as (
    select
        step_3.funnel,
        step_3.customer_id,
        min(happened.moment) as moment
    from step_3
    inner join funnel_import
        on funnel_import.funnel = step_3.funnel
        and funnel_import.step_number = 4
    inner join happened
        on happened.customer_id = step_3.customer_id
        and happened.touchpoint_type_code = funnel_import.touchpoint_type_code
        and happened.moment > step_3.moment
    group by
        step_3.funnel,
        step_3.customer_id
),

step_5 as (
    select
        step_4.funnel,
        step_4.customer_id,
        min(happened.moment) as moment
    from step_4
    inner join funnel_import
        on funnel_import.funnel = step_4.funnel
        and funnel_import.step_number = 5
    inner join happened
        on happened.customer_id = step_4.customer_id
        and happened.touchpoint_type_code = funnel_import.touchpoint_type_code
        and happened.moment > step_4.moment
    group by
        step_4.funnel,
        step_4.customer_id
),

step_6 as (
    select
        step_5.funnel,
        step_5.customer_id,
        min(happened.moment) as moment
    from step_5
    inner join funnel_import
        on funnel_import.funnel = step_5.funnel
        and funnel_import.step_number = 6
    inner join happened
        on happened.customer_id = step_5.customer_id
        and happened.touchpoint_type_code = funnel_import.touchpoint_type_code
        and happened.moment > step_5.moment
    group by
        step_5.funnel,
        step_5.customer_id
),

step_7 as (
    select
        step_6.funnel,
        step_6.customer_id,
        min(happened.moment) as moment
    from step_6
    inner join funnel_import
        on funnel_import.funnel = step_6.funnel
        and funnel_import.step_number = 7
    inner join happened
        on happened.customer_id = step_6.customer_id
        and happened.touchpoint_type_code = funnel_import.touchpoint_type_code
        and happened.moment > step_6.moment
    group by
        step_6.funnel,
        step_6.customer_id
),

step_8 as (
    select
        step_7.funnel,
        step_7.customer_id,
        min(happened.moment) as moment
    from step_7
    inner join funnel_import
        on funnel_import.funnel = step_7.funnel
        and funnel_import.step_number = 8
    inner join happened
        on happened.customer_id = step_7.customer_id
        and happened.touchpoint_type_code = funnel_import.touchpoint_type_code
        and happened.moment > step_7.moment
    group by
        step_7.funnel,
        step_7.customer_id
),

counted as (
    select
        funnel,
        1 as step_number,
        count(*) as customer_count
    from step_1
    group by funnel

    union all

    select
        funnel,
        2 as step_number,
        count(*) as customer_count
    from step_2
    group by funnel

    union all

    select
        funnel,
        3 as step_number,
        count(*) as customer_count
    from step_3
    group by funnel

    union all

    select
        funnel,
        4 as step_number,
        count(*) as customer_count
    from step_4
    group by funnel

    union all

    select
        funnel,
        5 as step_number,
        count(*) as customer_count
    from step_5
    group by funnel

    union all

    select
        funnel,
        6 as step_number,
        count(*) as customer_count
    from step_6
    group by funnel

    union all

    select
        funnel,
        7 as step_number,
        count(*) as customer_count
    from step_7
    group by funnel

    union all

    select
        funnel,
        8 as step_number,
        count(*) as customer_count
    from step_8
    group by funnel
)

select
    cast(funnel_import.funnel as varchar) as funnel,
    cast(funnel_import.step_number as integer) as step_number,
    cast(coalesce(counted.customer_count, 0) as bigint) as ever_reached_count
from funnel_import
left join counted
    on counted.funnel = funnel_import.funnel
    and counted.step_number = funnel_import.step_number

-- funnel_reach: how many customers ever go through the steps of a funnel in order, however long they take.
-- kind: aggregate
-- grain: funnel, step_number
-- Beside funnel_step it tells who is slow from who is lost. By chained minima: step k is first reached at the earliest
-- touchpoint of its type after step k - 1 was; without a window the earliest is always the best, so nothing is sorted (a third
-- of the cost, measured). moment packs the total order into one number: microseconds, precision, catalogue rank; two
-- touchpoints that tie beyond that are of one type, and the steps of a funnel are of different ones. Exclusions and modes are
-- not looked at.
-- Entries stand apart from what comes later: they are most of the rows and need one pass, the others are read by every step. A
-- number instead of the name of a funnel in all joins: both together take a third off (measured). One recursive step instead
-- of eight written out takes twice as long: it joins all rows again at every depth.
with

funnel_import as (
    select
        funnel,
        step_number,
        touchpoint_type_code,
        -- steps are numbered without gaps, so this is one number per funnel
        cast(row_number() over (order by funnel, step_number) - step_number as smallint) as funnel_number
    from funnel_definition
),

step_1 as (
    select
        funnel_import.funnel_number,
        spine.customer_id,
        min(
            date_diff('microsecond', timestamp '1970-01-01 00:00:00', spine.occurred_at) * 512
            + case
                -- sort_rank begins with the precision, in units of 10000 catalogue ranks of 2147483648 rows.
                when spine.sort_rank >= 42949672960000 then 256
                when spine.sort_rank >= 21474836480000 then 128
                else 0
            end
            + spine.touchpoint_type_code
        ) as moment
    from spine
    inner join funnel_import on funnel_import.touchpoint_type_code = spine.touchpoint_type_code
    where funnel_import.step_number = 1
    group by
        funnel_import.funnel_number,
        spine.customer_id
),

later as (
    select
        funnel_import.funnel_number,
        funnel_import.step_number,
        spine.customer_id,
        date_diff('microsecond', timestamp '1970-01-01 00:00:00', spine.occurred_at) * 512
        + case
            when spine.sort_rank >= 42949672960000 then 256
            when spine.sort_rank >= 21474836480000 then 128
            else 0
        end
        + spine.touchpoint_type_code as moment
    from spine
    inner join funnel_import on funnel_import.touchpoint_type_code = spine.touchpoint_type_code
    where funnel_import.step_number > 1
),

step_2 as (
    select
        later.funnel_number,
        later.customer_id,
        min(later.moment) as moment
    from step_1
    inner join later
        on later.funnel_number = step_1.funnel_number
        and later.customer_id = step_1.customer_id
        and later.step_number = 2
        and later.moment > step_1.moment
    group by
        later.funnel_number,
        later.customer_id
),

step_3 as (
    select
        later.funnel_number,
        later.customer_id,
        min(later.moment) as moment
    from step_2
    inner join later
        on later.funnel_number = step_2.funnel_number
        and later.customer_id = step_2.customer_id
        and later.step_number = 3
        and later.moment > step_2.moment
    group by
        later.funnel_number,
        later.customer_id
),

step_4 as (
    select
        later.funnel_number,
        later.customer_id,
        min(later.moment) as moment
    from step_3
    inner join later
        on later.funnel_number = step_3.funnel_number
        and later.customer_id = step_3.customer_id
        and later.step_number = 4
        and later.moment > step_3.moment
    group by
        later.funnel_number,
        later.customer_id
),

step_5 as (
    select
        later.funnel_number,
        later.customer_id,
        min(later.moment) as moment
    from step_4
    inner join later
        on later.funnel_number = step_4.funnel_number
        and later.customer_id = step_4.customer_id
        and later.step_number = 5
        and later.moment > step_4.moment
    group by
        later.funnel_number,
        later.customer_id
),

step_6 as (
    select
        later.funnel_number,
        later.customer_id,
        min(later.moment) as moment
    from step_5
    inner join later
        on later.funnel_number = step_5.funnel_number
        and later.customer_id = step_5.customer_id
        and later.step_number = 6
        and later.moment > step_5.moment
    group by
        later.funnel_number,
        later.customer_id
),

step_7 as (
    select
        later.funnel_number,
        later.customer_id,
        min(later.moment) as moment
    from step_6
    inner join later
        on later.funnel_number = step_6.funnel_number
        and later.customer_id = step_6.customer_id
        and later.step_number = 7
        and later.moment > step_6.moment
    group by
        later.funnel_number,
        later.customer_id
),

step_8 as (
    select
        later.funnel_number,
        later.customer_id,
        min(later.moment) as moment
    from step_7
    inner join later
        on later.funnel_number = step_7.funnel_number
        and later.customer_id = step_7.customer_id
        and later.step_number = 8
        and later.moment > step_7.moment
    group by
        later.funnel_number,
        later.customer_id
),

reached as (
    select
        funnel_number,
        1 as step_number
    from step_1

    union all

    select
        funnel_number,
        2 as step_number
    from step_2

    union all

    select
        funnel_number,
        3 as step_number
    from step_3

    union all

    select
        funnel_number,
        4 as step_number
    from step_4

    union all

    select
        funnel_number,
        5 as step_number
    from step_5

    union all

    select
        funnel_number,
        6 as step_number
    from step_6

    union all

    select
        funnel_number,
        7 as step_number
    from step_7

    union all

    select
        funnel_number,
        8 as step_number
    from step_8
),

counted as (
    select
        funnel_number,
        step_number,
        count(*) as customer_count
    from reached
    group by
        funnel_number,
        step_number
)

select
    cast(funnel_import.funnel as varchar) as funnel,
    cast(funnel_import.step_number as integer) as step_number,
    cast(coalesce(counted.customer_count, 0) as bigint) as ever_reached_count
from funnel_import
left join counted
    on counted.funnel_number = funnel_import.funnel_number
    and counted.step_number = funnel_import.step_number

-- cohort_retention: of the customers first met in a month, how many act again in each later month; by channel and in all.
-- kind: aggregate
-- grain: cohort_month, first_touch_channel, period_number
-- finish: models.survival.cohort_retention
-- To act is a touchpoint that the customer began (inbound or self-service): a newsletter that arrives keeps nobody. A month that
-- the data date has not completed is censored: it has counts and no share.
with

setting_import as (
    select data_date_at
    from setting
),

cohort as (
    select
        customer_id,
        cohort_month,
        first_touch_channel,
        cast(date_trunc('month', first_touch_at) as date) as first_month
    from customer_cohort
),

acted as (
    select distinct
        spine.customer_id,
        cast(date_trunc('month', spine.occurred_at) as date) as active_month
    from spine
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
    where touchpoint_type.direction in ('inbound', 'self_service')
),

-- Months in which anybody acted or was first met: the columns of the cohort table. A cohort that only received something in its first
-- month has that month too.
calendar as (
    select active_month
    from acted

    union

    select first_month as active_month
    from cohort
),

size as (
    select
        cohort_month,
        coalesce(first_touch_channel, '(all)') as first_touch_channel,
        min(first_month) as first_month,
        count(*) as customer_count
    from cohort
    group by
        grouping sets (
            (cohort_month),
            (cohort_month, first_touch_channel)
        )
),

active as (
    select
        cohort.cohort_month,
        coalesce(cohort.first_touch_channel, '(all)') as first_touch_channel,
        acted.active_month,
        count(*) as active_count
    from cohort
    inner join acted on acted.customer_id = cohort.customer_id
    group by
        grouping sets (
            (cohort.cohort_month, acted.active_month),
            (cohort.cohort_month, cohort.first_touch_channel, acted.active_month)
        )
)

select
    cast(size.cohort_month as varchar) as cohort_month,
    cast(size.first_touch_channel as varchar) as first_touch_channel,
    cast(
        (year(calendar.active_month) - year(size.first_month)) * 12 + month(calendar.active_month) - month(size.first_month)
        as integer
    ) as period_number,
    cast(size.customer_count as bigint) as customer_count,
    cast(coalesce(active.active_count, 0) as bigint) as active_count,
    cast(calendar.active_month + interval '1' month <= setting_import.data_date_at as boolean) as is_complete
from size
cross join setting_import
inner join calendar on calendar.active_month >= size.first_month
left join active
    on active.cohort_month = size.cohort_month
    and active.first_touch_channel = size.first_touch_channel
    and active.active_month = calendar.active_month

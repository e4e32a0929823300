-- repeat_purchase: what share of buyers order again within 30, 90, 180 and 365 days, by month and channel of first touch.
-- kind: aggregate
-- grain: cohort_month, first_touch_channel, within_days
-- finish: models.survival.repeat_purchase
-- Who has not ordered again is watched from the first order to the data date, and then censored: last month's buyers are not
-- lost buyers.
-- Counted here per days watched; the finish function makes the shares.
with

setting_import as (
    select data_date_at
    from setting
),

buyer as (
    select
        customer_cohort.cohort_month,
        customer_cohort.first_touch_channel,
        customer_cohort.second_order_at is not null as has_second,
        customer_cohort.first_order_at is not null as has_first,
        date_diff(
            'microsecond',
            customer_cohort.first_order_at,
            coalesce(customer_cohort.second_order_at, setting_import.data_date_at)
        ) as watched_microseconds
    from customer_cohort
    cross join setting_import
),

watched as (
    select
        cohort_month,
        first_touch_channel,
        has_first,
        has_second,
        (watched_microseconds - watched_microseconds % 86400000000) / 86400000000 as watched_days
    from buyer
),

counted as (
    select
        cohort_month,
        first_touch_channel,
        watched_days,
        count(*) as customer_count,
        count(*) filter (where has_first) as buyer_count,
        count(*) filter (where has_second) as repeat_buyer_count
    from watched
    group by
        grouping sets (
            (watched_days),
            (cohort_month, watched_days),
            (first_touch_channel, watched_days),
            (cohort_month, first_touch_channel, watched_days)
        )
)

select
    cast(coalesce(cohort_month, '(all)') as varchar) as cohort_month,
    cast(coalesce(first_touch_channel, '(all)') as varchar) as first_touch_channel,
    cast(watched_days as integer) as watched_days,
    cast(customer_count as bigint) as customer_count,
    cast(buyer_count as bigint) as buyer_count,
    cast(repeat_buyer_count as bigint) as repeat_buyer_count
from counted

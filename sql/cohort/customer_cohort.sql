-- customer_cohort: when and through which channel each customer was first met, and the first two orders.
-- kind: per_customer
-- grain: customer_id
-- The people behind cohort_retention and repeat_purchase. An order is an order placed or a purchase at the till.
with

spine_import as (
    select
        spine.customer_id,
        spine.occurred_at,
        spine.sort_rank,
        spine.touchpoint_id,
        spine.channel_code,
        touchpoint_type.touchpoint_type in ('order_placed', 'pos_purchase') as is_order
    from spine
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
),

first_touch as (
    select
        customer_id,
        occurred_at,
        channel_code
    from spine_import
    qualify row_number() over (
        partition by customer_id
        order by occurred_at, sort_rank, touchpoint_id
    ) = 1
),

numbered as (
    select
        customer_id,
        occurred_at,
        row_number() over (
            partition by customer_id
            order by occurred_at, sort_rank, touchpoint_id
        ) as order_number
    from spine_import
    where is_order
),

ordered as (
    select
        customer_id,
        count(*) as order_count,
        min(occurred_at) as first_order_at,
        max(case when order_number = 2 then occurred_at end) as second_order_at
    from numbered
    group by customer_id
)

select
    cast(first_touch.customer_id as bigint) as customer_id,
    cast(strftime(first_touch.occurred_at, '%Y-%m') as varchar) as cohort_month,
    cast(channel.channel as varchar) as first_touch_channel,
    cast(first_touch.occurred_at as timestamp) as first_touch_at,
    cast(coalesce(ordered.order_count, 0) as integer) as order_count,
    cast(ordered.first_order_at as timestamp) as first_order_at,
    cast(ordered.second_order_at as timestamp) as second_order_at
from first_touch
inner join channel on channel.channel_code = first_touch.channel_code
left join ordered on ordered.customer_id = first_touch.customer_id

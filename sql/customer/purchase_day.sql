-- purchase_day: the days on which each customer bought, and for how much: what purchase_prediction is fitted on.
-- kind: aggregate
-- grain: customer_id, purchase_date
-- Cancelled orders count as bought: the decision to buy was made. Sums of money run over decimals.
select
    cast(spine.customer_id as bigint) as customer_id,
    cast(date_trunc('day', spine.occurred_at) as date) as purchase_date,
    cast(count(*) as integer) as order_count,
    cast(coalesce(cast(sum(cast(spine.amount_base as decimal(38, 4))) as double), 0) as double) as order_amount_base
from spine
inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
where touchpoint_type.touchpoint_type in ('order_placed', 'pos_purchase')
group by
    spine.customer_id,
    cast(date_trunc('day', spine.occurred_at) as date)

-- Customers by the channel they use most.
select
    preferred_channel as channel,
    count(*) as customer_count,
    avg(online_share) as online_share,
    sum(order_amount_base) as order_amount_base
from customer_360
group by all
order by customer_count desc, channel

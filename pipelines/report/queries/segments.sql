-- Customers with an order by the usual segments of recency, frequency and money.
select
    rfm_segment,
    count(*) as customer_count,
    sum(order_amount_base_365_days) as order_amount_base,
    avg(days_since_last_order) as mean_days_since_last_order,
    avg(purchase_probability) as mean_purchase_probability,
    sum(expected_value_amount_base) as expected_value_amount_base
from customer_360
where rfm_segment is not null
group by rfm_segment
order by customer_count desc, rfm_segment

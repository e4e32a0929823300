-- Customers by lifecycle stage.
select
    lifecycle_stage,
    count(*) as customer_count,
    sum(order_amount_base) as order_amount_base,
    avg(touchpoint_count_90_days) as mean_touchpoint_count_90_days,
    avg(cast(consent_email as integer)) as consent_email_share,
    count(last_nps_scaled) as nps_count,
    10 * avg(last_nps_scaled) as mean_nps_value
from customer_360
group by all
order by customer_count desc, lifecycle_stage

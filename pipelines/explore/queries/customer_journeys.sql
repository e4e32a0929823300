-- The journeys of one customer, the latest first.
select
    journey_id,
    journey_definition,
    status,
    started_at,
    ended_at,
    step_count,
    first_touchpoint_type,
    last_touchpoint_type,
    value_amount_base
from journey
where customer_id = $customer_id
order by started_at desc, journey_definition, journey_id
limit 200

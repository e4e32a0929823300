-- Journeys by definition and status.
select
    journey_definition,
    status,
    count(*) as journey_count,
    count(distinct customer_id) as customer_count,
    median(duration_seconds) as median_duration_seconds,
    sum(value_amount_base) as value_amount_base
from journey
group by all
order by journey_definition, status

-- Customers by name, for a text that is no identifier.
select
    customer_id,
    full_name,
    city,
    touchpoint_count,
    last_seen_at
from customer
where contains(lower(full_name), lower($text))
order by last_seen_at desc, customer_id
limit 50

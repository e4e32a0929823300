-- Customers by name, for a text that is no identifier.
select
    customer_id,
    full_name,
    city,
    touchpoint_count,
    last_seen_at
from customer
where lower(full_name) like '%' || lower($text) || '%'
order by last_seen_at desc, customer_id
limit 50

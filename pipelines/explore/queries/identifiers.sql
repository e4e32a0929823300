-- The identifiers of one customer.
select
    identifier_type,
    identifier_value,
    source_systems,
    first_seen_at,
    last_seen_at,
    record_count,
    is_link
from customer_identifier
where customer_id = $customer_id
order by identifier_type, identifier_value
limit 200

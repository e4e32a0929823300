-- Customers by id or by an identifier (whole value, or its beginning).
select
    customer_identifier.customer_id,
    customer_identifier.identifier_type,
    customer_identifier.identifier_value,
    customer.touchpoint_count,
    customer.last_seen_at
from customer_identifier
inner join customer on customer.customer_id = customer_identifier.customer_id
where customer_identifier.identifier_value = $text
    or starts_with(customer_identifier.identifier_value, $text)
    or cast(customer_identifier.customer_id as varchar) = $text
order by customer_identifier.identifier_value <> $text, customer_identifier.identifier_value, customer_identifier.customer_id
limit 50

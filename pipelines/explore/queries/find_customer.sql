-- Customers by id or by an identifier (whole value, or its beginning: from the text up to the last one that begins with it).
with

matching as (
    -- two looks, each by one comparison: both in one condition take twice as long
    select
        customer_id,
        identifier_type,
        identifier_value
    from customer_identifier
    where identifier_value >= $text and identifier_value <= $text_end
    union all
    select
        customer_id,
        identifier_type,
        identifier_value
    from customer_identifier
    where customer_id = $customer_id
        and not (identifier_value >= $text and identifier_value <= $text_end)
),

found as (
    select
        customer_id,
        identifier_type,
        identifier_value
    from matching
    order by identifier_value <> $text, identifier_value, customer_id
    limit 50
)

select
    found.customer_id,
    found.identifier_type,
    found.identifier_value,
    customer.touchpoint_count,
    customer.last_seen_at
from found
inner join customer on customer.customer_id = found.customer_id
order by found.identifier_value <> $text, found.identifier_value, found.customer_id

-- customer_identifier: every identifier of every customer, with the systems that know it. The one table of direct identifiers.
-- kind: per_customer
-- grain: customer_id, identifier_type, identifier_value
with

evidence as (
    select
        customer_id,
        identifier_type,
        identifier_value,
        source_system,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(record_count) as record_count,
        bool_or(is_link) as is_link
    from identifier_evidence
    where customer_id is not null
    group by
        customer_id,
        identifier_type,
        identifier_value,
        source_system
)

select
    cast(customer_id as bigint) as customer_id,
    cast(identifier_type as varchar) as identifier_type,
    cast(identifier_value as varchar) as identifier_value,
    cast(string_agg(source_system, ', ' order by source_system) as varchar) as source_systems,
    cast(min(first_seen_at) as timestamp) as first_seen_at,
    cast(max(last_seen_at) as timestamp) as last_seen_at,
    cast(sum(record_count) as bigint) as record_count,
    cast(bool_or(is_link) as boolean) as is_link
from evidence
group by
    customer_id,
    identifier_type,
    identifier_value

-- identity_link: what joins the identifiers of one customer, pair by pair.
-- kind: per_customer
-- grain: customer_id, left_type, left_value, right_type, right_value, link_rule
-- Pairs that do not join (shared identifiers, two customer numbers, vetoes) are in identity_event. Left and right are in the
-- order of type and value, so that a pair is one row.
with

evidence as (
    select
        customer_id,
        left_type,
        left_value,
        right_type,
        right_value,
        link_rule,
        match_weight,
        reason,
        source_system,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        sum(record_count) as record_count
    from identity_link_evidence
    group by
        customer_id,
        left_type,
        left_value,
        right_type,
        right_value,
        link_rule,
        match_weight,
        reason,
        source_system
)

select
    cast(customer_id as bigint) as customer_id,
    cast(left_type as varchar) as left_type,
    cast(left_value as varchar) as left_value,
    cast(right_type as varchar) as right_type,
    cast(right_value as varchar) as right_value,
    cast(link_rule as varchar) as link_rule,
    cast(max(match_weight) as double) as match_weight,
    cast(max(reason) as varchar) as reason,
    cast(string_agg(source_system, ', ' order by source_system) as varchar) as source_systems,
    cast(min(first_seen_at) as timestamp) as first_seen_at,
    cast(max(last_seen_at) as timestamp) as last_seen_at,
    cast(sum(record_count) as bigint) as record_count
from evidence
group by
    customer_id,
    left_type,
    left_value,
    right_type,
    right_value,
    link_rule

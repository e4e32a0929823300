-- The touchpoints of one customer, the latest first.
select
    occurred_at,
    touchpoint_type,
    channel,
    channel_detail,
    direction,
    outcome,
    amount_base,
    score_kind,
    score_raw,
    page_path,
    subject,
    source_system || '.' || regexp_replace(source_export, '^.*[.]', '') as source,
    count(*) over () as total_count
from touchpoint
where customer_id = $customer_id
    and ($channel is null or channel = $channel)
order by occurred_at desc, touchpoint_id desc
limit $limit offset $offset

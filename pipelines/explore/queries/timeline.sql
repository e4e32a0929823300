-- The touchpoints of one customer, the latest first, and the customer's channels for the filter, in one look through the table;
-- of a page without touchpoints one row that has the channels only.
with

own as materialized (
    select
        touchpoint_id,
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
        source_system || '.' || regexp_replace(source_export, '^.*[.]', '') as source
    from touchpoint
    where customer_id = $customer_id
),

known as (
    select list(channel order by touchpoint_count desc, channel) as channels
    from (select channel, count(*) as touchpoint_count from own group by channel)
),

shown as (
    select
        * exclude (touchpoint_id),
        count(*) over () as total_count,
        row_number() over (order by occurred_at desc, touchpoint_id desc) as number
    from own
    where $channel is null or channel = $channel
    order by number
    limit $limit offset $offset
)

select
    shown.* exclude (number),
    known.channels
from known
left join shown on true
order by shown.number

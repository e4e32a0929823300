-- The figures of the overview, one row: what the release holds and how the last 30 days went.
with

latest as (
    select data_date_at
    from setting
),

recent as (
    select
        touchpoint.customer_id,
        touchpoint.touchpoint_type,
        touchpoint.amount_base
    from touchpoint
    cross join latest
    where touchpoint.occurred_at > latest.data_date_at - interval '30' day
        and touchpoint.occurred_at <= latest.data_date_at
        and not touchpoint.is_bot
)

select
    (select count(*) from touchpoint) as touchpoint_count,
    (select count(*) from customer) as customer_count,
    (select count(*) from customer where party_record_count > 0) as known_customer_count,
    (select count(*) from recent) as touchpoint_count_30_days,
    (select count(distinct customer_id) from recent) as customer_count_30_days,
    -- those of the till without a known buyer too, which customer_360 does not have
    (
        select cast(sum(cast(amount_base as decimal(38, 4))) as double)
        from recent
        where touchpoint_type in ('order_placed', 'pos_purchase')
    ) as order_amount_base_30_days,
    (
        select count(*) filter (where status = 'converted') / nullif(count(*) filter (where status <> 'open'), 0)
        from journey, setting
        where journey_definition = attribution_journey_definition
    ) as converted_share,
    (select count(*) from journey where status = 'open') as open_journey_count,
    (
        -- promoters (9 and 10) less detractors (0 to 6), of the answers of the last 90 days
        select 100.0 * (count(*) filter (where score_scaled >= 0.9) - count(*) filter (where score_scaled < 0.7)) / nullif(count(*), 0)
        from touchpoint, latest
        where score_kind = 'nps' and occurred_at > data_date_at - interval '90' day and occurred_at <= data_date_at
    ) as nps_90_days,
    (select count(*) from contact_suggestion) as contact_suggestion_count,
    (select count(*) from quarantine) as quarantine_count,
    (select data_date_at from latest) as data_date_at

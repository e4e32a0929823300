-- friction: every bad experience of a customer: one row per touchpoint and kind. What stands beside the drop-off points.
-- kind: per_customer
-- grain: touchpoint_id, friction
-- A request is unanswered when the company did nothing that answers it within the configured time: known_at says from when on
-- that is certain, and who reads this table leaves out what is not known yet. So a row follows from the
-- customer's touchpoints alone, whatever the data date.
with

setting_import as (
    select
        data_date_at,
        low_score_scaled,
        long_wait_seconds,
        unanswered_seconds,
        out_of_stock_pattern
    from setting
),

-- A pattern that comes from a column is compiled for every row: it looks at each text once.
out_of_stock_text as (
    select
        seen.page_path,
        seen.subject,
        true as is_found
    from (
        select distinct
            page_path,
            subject
        from touchpoint
        where page_path is not null
            or subject is not null
    ) as seen
    cross join setting_import
    where regexp_matches(
        coalesce(seen.page_path, '') || ' ' || coalesce(seen.subject, ''),
        setting_import.out_of_stock_pattern
    )
),

met as (
    select
        touchpoint.touchpoint_id,
        touchpoint.customer_id,
        touchpoint.occurred_at,
        touchpoint.touchpoint_type,
        touchpoint.direction,
        coalesce(touchpoint.outcome, '') as outcome,
        coalesce(touchpoint.waiting_seconds >= setting_import.long_wait_seconds, false) as is_long_wait,
        coalesce(touchpoint.score_scaled <= setting_import.low_score_scaled, false) as is_low_score,
        out_of_stock_text.is_found is not null as is_out_of_stock,
        touchpoint.touchpoint_type in (
            'ticket_opened', 'ticket_reopened', 'complaint', 'email_received', 'social_message'
        ) as is_request,
        touchpoint.touchpoint_type in (
            'ticket_replied', 'ticket_resolved', 'call_outbound', 'chat', 'service_visit', 'appointment_held', 'refund_paid'
        ) as is_answer,
        setting_import.unanswered_seconds
    from touchpoint
    cross join setting_import
    left join out_of_stock_text
        on out_of_stock_text.page_path is not distinct from touchpoint.page_path
        and out_of_stock_text.subject is not distinct from touchpoint.subject
    where touchpoint.customer_id is not null
        and not touchpoint.is_bot
        and touchpoint.occurred_at <= setting_import.data_date_at
),

-- An answer in the same second comes after the question.
asked as (
    select
        touchpoint_id,
        customer_id,
        occurred_at,
        is_request,
        occurred_at + unanswered_seconds * interval '1' second as due_at,
        min(case when is_answer then occurred_at end) over (
            partition by customer_id
            order by occurred_at, is_answer, touchpoint_id
            rows between 1 following and unbounded following
        ) as answered_at
    from met
    where is_request
        or is_answer
),

found as (
    select
        touchpoint_id,
        case touchpoint_type
            when 'error_page' then 'error_page'
            when 'payment_failed' then 'payment_failed'
            when 'delivery_failed' then 'delivery_failed'
            else 'failure'
        end as friction,
        customer_id,
        occurred_at,
        occurred_at as known_at
    from met
    where touchpoint_type in ('error_page', 'payment_failed', 'delivery_failed')
        or outcome = 'failure'

    union all

    select
        touchpoint_id,
        'out_of_stock' as friction,
        customer_id,
        occurred_at,
        occurred_at as known_at
    from met
    where is_out_of_stock
        or outcome = 'out_of_stock'

    union all

    select
        touchpoint_id,
        'long_wait' as friction,
        customer_id,
        occurred_at,
        occurred_at as known_at
    from met
    where is_long_wait

    union all

    select
        touchpoint_id,
        'low_score' as friction,
        customer_id,
        occurred_at,
        occurred_at as known_at
    from met
    where is_low_score

    union all

    -- A call or chat that nobody took.
    select
        touchpoint_id,
        'unanswered' as friction,
        customer_id,
        occurred_at,
        occurred_at as known_at
    from met
    where outcome in ('no_answer', 'abandoned')
        and direction = 'inbound'
        and not is_request

    union all

    select
        touchpoint_id,
        'unanswered' as friction,
        customer_id,
        occurred_at,
        due_at as known_at
    from asked
    where is_request
        and (answered_at is null or answered_at > due_at)
)

select
    cast(touchpoint_id as bigint) as touchpoint_id,
    cast(friction as varchar) as friction,
    cast(customer_id as bigint) as customer_id,
    cast(occurred_at as timestamp) as occurred_at,
    cast(known_at as timestamp) as known_at
from found

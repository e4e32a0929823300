-- contact_suggestion: whom to contact tomorrow, why, and through which channel they allow.
-- kind: aggregate
-- grain: customer_id
-- A rule fires on the customer's latest trigger when nothing that answers it happened since, the customer was left in
-- peace for wait_seconds, and it is not too late. One suggestion per person: the rule with the highest priority.
-- Never without a stated consent and an address for the channel; unknown consent is no consent.
with

setting_import as (
    select data_date_at
    from setting
),

rule_type as (
    select 'unanswered_complaint' as contact_rule, 'complaint' as touchpoint_type, true as is_trigger
    union all select 'unanswered_complaint', 'ticket_replied', false
    union all select 'unanswered_complaint', 'ticket_resolved', false
    union all select 'unanswered_complaint', 'call_outbound', false
    union all select 'unanswered_complaint', 'service_visit', false
    union all select 'unanswered_complaint', 'refund_paid', false
    union all select 'failed_payment', 'payment_failed', true
    union all select 'failed_payment', 'payment_received', false
    union all select 'failed_payment', 'order_placed', false
    union all select 'failed_payment', 'order_cancelled', false
    union all select 'failed_payment', 'invoice_paid', false
    union all select 'failed_payment', 'call_outbound', false
    union all select 'abandoned_checkout', 'checkout_started', true
    union all select 'abandoned_checkout', 'order_placed', false
    union all select 'abandoned_checkout', 'pos_purchase', false
    union all select 'abandoned_checkout', 'call_outbound', false
),

rule as (
    select
        contact_rule.contact_rule,
        contact_rule.priority,
        contact_rule.wait_seconds * 1000000 as wait_microseconds,
        contact_rule.window_seconds * 1000000 as window_microseconds,
        touchpoint_type.touchpoint_type_code,
        rule_type.is_trigger
    from contact_rule
    inner join rule_type on rule_type.contact_rule = contact_rule.contact_rule
    inner join touchpoint_type on touchpoint_type.touchpoint_type = rule_type.touchpoint_type
),

concerned as (
    select
        spine.customer_id,
        rule.contact_rule,
        rule.priority,
        rule.wait_microseconds,
        rule.window_microseconds,
        max(case when rule.is_trigger then spine.occurred_at end) as triggered_at,
        max(case when not rule.is_trigger then spine.occurred_at end) as answered_at,
        count(*) filter (where rule.is_trigger) as trigger_count
    from spine
    inner join rule on rule.touchpoint_type_code = spine.touchpoint_type_code
    group by
        spine.customer_id,
        rule.contact_rule,
        rule.priority,
        rule.wait_microseconds,
        rule.window_microseconds
),

due as (
    select
        concerned.customer_id,
        concerned.contact_rule,
        concerned.priority,
        concerned.triggered_at,
        concerned.trigger_count,
        concerned.triggered_at + (concerned.window_microseconds / 1000000) * interval '1' second as due_until_at
    from concerned
    cross join setting_import
    where concerned.triggered_at is not null
        and (concerned.answered_at is null or concerned.answered_at < concerned.triggered_at)
        and date_diff('microsecond', concerned.triggered_at, setting_import.data_date_at)
        between concerned.wait_microseconds and concerned.window_microseconds
),

allowed as (
    select
        customer_id,
        case
            when consent_phone and phone is not null then 'phone'
            when consent_email and email is not null then 'email'
            when consent_post and street is not null then 'post'
        end as suggested_channel
    from customer
),

ranked as (
    select
        due.customer_id,
        due.contact_rule,
        due.priority,
        allowed.suggested_channel,
        due.triggered_at,
        due.due_until_at,
        due.trigger_count,
        row_number() over (
            partition by due.customer_id
            order by due.priority, due.contact_rule
        ) as rule_rank
    from due
    inner join allowed on allowed.customer_id = due.customer_id
    where allowed.suggested_channel is not null
)

select
    cast(customer_id as bigint) as customer_id,
    cast(contact_rule as varchar) as contact_rule,
    cast(priority as smallint) as priority,
    cast(suggested_channel as varchar) as suggested_channel,
    cast(triggered_at as timestamp) as triggered_at,
    cast(due_until_at as timestamp) as due_until_at,
    cast(trigger_count as integer) as trigger_count
from ranked
where rule_rank = 1

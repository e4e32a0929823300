-- contact_suggestion: whom to contact tomorrow, why, through which channel they allow, by when, and who first.
-- kind: aggregate
-- grain: customer_id
-- In this order: consent (a stated yes and an address for a channel of the rule; unknown is no), eligibility (the trigger happened,
-- nothing answered it since, the customer was left in peace for wait_seconds, it is not too late, and the rule's conditions
-- on value and score hold), contact cap (not more than so many contacts of ours in so many days), priority times value.
-- One suggestion per person: the rule with the highest product, then the first in the configuration.
-- Value is the monetary score (1 to 5; 1 for who never ordered), so that one large order does not outweigh every complaint.
with

setting_import as (
    select
        data_date_at,
        contact_cap_count,
        contact_cap_seconds * 1000000 as cap_microseconds
    from setting
),

rule as (
    select
        contact_rule.contact_rule,
        contact_rule.priority,
        contact_rule.rule_weight,
        contact_rule.wait_seconds * 1000000 as wait_microseconds,
        contact_rule.window_seconds * 1000000 as window_microseconds,
        contact_rule.minimum_monetary_score,
        contact_rule.maximum_score_scaled,
        contact_rule.reason,
        contact_rule_type.touchpoint_type_code,
        contact_rule_type.is_trigger
    from contact_rule
    inner join contact_rule_type on contact_rule_type.contact_rule = contact_rule.contact_rule
),

-- 1. Consent: per rule the first of its channels the customer allows and can be reached by.
reachable as (
    select
        customer_id,
        'phone' as channel
    from customer
    where consent_phone
        and phone is not null

    union all

    select
        customer_id,
        'email' as channel
    from customer
    where consent_email
        and email is not null

    union all

    select
        customer_id,
        'post' as channel
    from customer
    where consent_post
        and street is not null
),

allowed as (
    select
        reachable.customer_id,
        contact_rule_channel.contact_rule,
        reachable.channel as suggested_channel
    from reachable
    inner join contact_rule_channel on contact_rule_channel.channel = reachable.channel
    qualify row_number() over (
        partition by reachable.customer_id, contact_rule_channel.contact_rule
        order by contact_rule_channel.channel_rank
    ) = 1
),

-- 2. Eligibility
concerned as (
    select
        spine.customer_id,
        rule.contact_rule,
        rule.priority,
        rule.rule_weight,
        rule.wait_microseconds,
        rule.window_microseconds,
        rule.minimum_monetary_score,
        rule.maximum_score_scaled,
        rule.reason,
        max(case when rule.is_trigger then spine.occurred_at end) as triggered_at,
        max(case when not rule.is_trigger then spine.occurred_at end) as answered_at,
        count(*) filter (where rule.is_trigger) as trigger_count
    from spine
    inner join rule on rule.touchpoint_type_code = spine.touchpoint_type_code
    group by
        spine.customer_id,
        rule.contact_rule,
        rule.priority,
        rule.rule_weight,
        rule.wait_microseconds,
        rule.window_microseconds,
        rule.minimum_monetary_score,
        rule.maximum_score_scaled,
        rule.reason
),

eligible as (
    select
        concerned.customer_id,
        concerned.contact_rule,
        concerned.priority,
        concerned.rule_weight,
        concerned.reason,
        concerned.triggered_at,
        concerned.trigger_count,
        allowed.suggested_channel,
        coalesce(customer_360.monetary_score, 1) as value_score,
        customer_360.order_amount_base_365_days as value_amount_base,
        concerned.triggered_at + (concerned.window_microseconds / 1000000) * interval '1' second as due_until_at
    from concerned
    cross join setting_import
    inner join allowed
        on allowed.customer_id = concerned.customer_id
        and allowed.contact_rule = concerned.contact_rule
    inner join customer_360 on customer_360.customer_id = concerned.customer_id
    where concerned.triggered_at is not null
        and (concerned.answered_at is null or concerned.answered_at < concerned.triggered_at)
        and date_diff('microsecond', concerned.triggered_at, setting_import.data_date_at)
        between concerned.wait_microseconds and concerned.window_microseconds
        and (
            concerned.minimum_monetary_score is null
            or coalesce(customer_360.monetary_score, 0) >= concerned.minimum_monetary_score
        )
        and (
            concerned.maximum_score_scaled is null
            or coalesce(customer_360.last_nps_scaled, customer_360.mean_score_scaled_365_days) <= concerned.maximum_score_scaled
        )
),

-- 3. Contact cap: what we started towards the customer lately, whatever for.
contacted as (
    select
        spine.customer_id,
        count(*) as contact_count
    from spine
    cross join setting_import
    inner join contact_cap_type on contact_cap_type.touchpoint_type_code = spine.touchpoint_type_code
    where date_diff('microsecond', spine.occurred_at, setting_import.data_date_at) <= setting_import.cap_microseconds
    group by spine.customer_id
),

-- 4. Priority times value
best as (
    select
        eligible.customer_id,
        eligible.contact_rule,
        eligible.priority,
        eligible.reason,
        eligible.suggested_channel,
        eligible.triggered_at,
        eligible.due_until_at,
        eligible.trigger_count,
        eligible.value_amount_base,
        eligible.rule_weight * eligible.value_score as contact_score
    from eligible
    cross join setting_import
    left join contacted on contacted.customer_id = eligible.customer_id
    where coalesce(contacted.contact_count, 0) < setting_import.contact_cap_count
    qualify row_number() over (
        partition by eligible.customer_id
        order by eligible.rule_weight * eligible.value_score desc, eligible.priority, eligible.contact_rule
    ) = 1
)

select
    cast(customer_id as bigint) as customer_id,
    cast(
        row_number() over (
            order by contact_score desc, priority, value_amount_base desc, due_until_at, customer_id
        ) as integer
    ) as contact_rank,
    cast(contact_rule as varchar) as contact_rule,
    cast(priority as smallint) as priority,
    cast(reason as varchar) as reason,
    cast(suggested_channel as varchar) as suggested_channel,
    cast(triggered_at as timestamp) as triggered_at,
    cast(due_until_at as timestamp) as due_until_at,
    cast(trigger_count as integer) as trigger_count,
    cast(contact_score as double) as contact_score,
    cast(value_amount_base as double) as value_amount_base
from best

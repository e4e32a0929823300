-- effect_experience: what a customer met that an answer or a return may go with: touchpoints, failures, waits, with their quality.
-- kind: aggregate
-- grain: customer_id, occurred_at, factor_kind, factor
-- One row per touchpoint and kind of factor: the type, the channel, the failure, the long wait where it began, and the configured
-- waits (effect_wait) from the latest touchpoint of one type to one of another. A reopened ticket has no time of its own in most
-- helpdesks; where the solution says how often its ticket was reopened, that stands at the time of the solution.
-- Surveys are left out: being asked is no experience, and an answer is an outcome.
with

setting_import as (
    select long_wait_seconds
    from setting
),

touchpoint_type_import as (
    select
        touchpoint_type_code,
        touchpoint_type
    from touchpoint_type
    where touchpoint_type not in ('survey_sent', 'survey_answered', 'review_posted')
),

-- Without the customers who never ordered nor answered, most rows of a large company are gone before anything is joined.
concerned as (
    select customer_id
    from spine
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
    group by customer_id
    having bool_or(
        spine.score_scaled is not null
        or touchpoint_type.touchpoint_type in ('survey_sent', 'order_placed', 'pos_purchase')
        or touchpoint_type.touchpoint_type in ('contract_changed', 'contract_renewed', 'contract_terminated')
    )
),

met as (
    select
        spine.customer_id,
        spine.occurred_at,
        spine.sort_rank,
        spine.touchpoint_id,
        spine.touchpoint_type_code,
        spine.channel_code,
        spine.is_failure,
        coalesce(spine.waiting_seconds >= setting_import.long_wait_seconds, false) as is_long_wait
    from spine
    cross join setting_import
    inner join concerned on concerned.customer_id = spine.customer_id
),

-- The moment each configured wait last began, seen from the touchpoint that ends it.
lapse as (
    select
        met.customer_id,
        met.touchpoint_id,
        met.occurred_at,
        met.touchpoint_type_code = effect_wait.to_touchpoint_type_code as is_end,
        effect_wait.effect_wait,
        effect_wait.minimum_seconds,
        effect_wait.maximum_seconds,
        effect_wait.is_bad_experience,
        max(case when met.touchpoint_type_code = effect_wait.from_touchpoint_type_code then met.occurred_at end) over (
            partition by met.customer_id, effect_wait.effect_wait
            order by met.occurred_at, met.sort_rank, met.touchpoint_id
            rows between unbounded preceding and 1 preceding
        ) as began_at
    from met
    inner join effect_wait
        on met.touchpoint_type_code in (effect_wait.from_touchpoint_type_code, effect_wait.to_touchpoint_type_code)
),

waited as (
    select
        customer_id,
        touchpoint_id,
        occurred_at,
        effect_wait,
        is_bad_experience
    from lapse
    where is_end
        and began_at is not null
        and (minimum_seconds is null or date_diff('microsecond', began_at, occurred_at) >= minimum_seconds * 1000000)
        and (maximum_seconds is null or date_diff('microsecond', began_at, occurred_at) <= maximum_seconds * 1000000)
),

waited_badly as (
    select distinct touchpoint_id
    from waited
    where is_bad_experience
),

typed as (
    select
        met.customer_id,
        met.occurred_at,
        touchpoint_type_import.touchpoint_type,
        channel.channel,
        met.is_failure,
        met.is_long_wait,
        met.is_failure or met.is_long_wait or waited_badly.touchpoint_id is not null as is_bad
    from met
    inner join touchpoint_type_import on touchpoint_type_import.touchpoint_type_code = met.touchpoint_type_code
    inner join channel on channel.channel_code = met.channel_code
    left join waited_badly on waited_badly.touchpoint_id = met.touchpoint_id
),

reopened as (
    select
        customer_id,
        occurred_at
    from touchpoint
    where touchpoint_type = 'ticket_resolved'
        and customer_id is not null
        and attributes like '%"reopen_count":%'
        and try_cast(json_extract_string(attributes, '$.reopen_count') as integer) > 0
),

experience as (
    select
        customer_id,
        occurred_at,
        'touchpoint' as factor_kind,
        touchpoint_type as factor,
        is_bad
    from typed

    union all

    select
        customer_id,
        occurred_at,
        'channel' as factor_kind,
        channel as factor,
        is_bad
    from typed

    union all

    select
        customer_id,
        occurred_at,
        'failure' as factor_kind,
        touchpoint_type as factor,
        true as is_bad
    from typed
    where is_failure

    union all

    select
        customer_id,
        occurred_at,
        'wait' as factor_kind,
        touchpoint_type as factor,
        true as is_bad
    from typed
    where is_long_wait

    union all

    select
        customer_id,
        occurred_at,
        'wait' as factor_kind,
        effect_wait as factor,
        is_bad_experience as is_bad
    from waited

    union all

    select
        customer_id,
        occurred_at,
        'touchpoint' as factor_kind,
        'ticket_reopened' as factor,
        true as is_bad
    from reopened
)

select
    cast(customer_id as bigint) as customer_id,
    cast(occurred_at as timestamp) as occurred_at,
    cast(factor_kind as varchar) as factor_kind,
    cast(factor as varchar) as factor,
    cast(bool_or(is_bad) as boolean) as is_bad
from experience
group by
    customer_id,
    occurred_at,
    factor_kind,
    factor

-- effect_retention: what goes with coming back for the next order, and with leaving a contract, per 10 days.
-- kind: aggregate
-- grain: measure, scope, factor_kind, factor
-- finish: models.effect.retention
-- repeat_order: after each order, every 10 days until the next one, at most 36 periods. contract: from the first sign of a
-- contract until it is terminated. A period that is not over at the data date is left out, also where its event has come already:
-- taken for its event, it would be in where customers come back and out where they do not.
-- The factors of a period are those met in the effect window before it began and after what began the spell: touches change over
-- time, nothing that comes with the event itself counts, and what led to the last order is no part of what follows it.
with

setting_import as (
    select
        data_date_at,
        effect_window_seconds * 1000000 as window_microseconds,
        effect_unit_limit,
        cast(10 as bigint) * 86400000000 as period_microseconds
    from setting
),

digit as (
    select 0 as digit
    union all select 1
    union all select 2
    union all select 3
    union all select 4
    union all select 5
),

period_number as (
    select six.digit * 6 + one.digit + 1 as period
    from digit as six
    cross join digit as one
),

typed as (
    select
        spine.customer_id,
        spine.occurred_at,
        spine.sort_rank,
        spine.touchpoint_id,
        touchpoint_type.touchpoint_type
    from spine
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
    where touchpoint_type.touchpoint_type
        in ('order_placed', 'pos_purchase', 'contract_changed', 'contract_renewed', 'contract_terminated')
),

ordered as (
    select
        customer_id,
        touchpoint_id,
        occurred_at as began_at,
        lead(occurred_at) over customer_order as ended_at,
        row_number() over customer_order as order_number
    from typed
    where touchpoint_type in ('order_placed', 'pos_purchase')
    window customer_order as (
        partition by customer_id
        order by occurred_at, sort_rank, touchpoint_id
    )
),

contract as (
    select
        customer_id,
        min(touchpoint_id) as touchpoint_id,
        min(case when touchpoint_type <> 'contract_terminated' then occurred_at end) as began_at,
        max(case when touchpoint_type = 'contract_terminated' then occurred_at end) as ended_at,
        1 as order_number
    from typed
    where touchpoint_type in ('contract_changed', 'contract_renewed', 'contract_terminated')
    group by customer_id
),

spell as (
    select
        'repeat_order' as scope,
        customer_id,
        touchpoint_id,
        began_at,
        ended_at,
        order_number
    from ordered

    union all

    select
        'contract' as scope,
        customer_id,
        touchpoint_id,
        began_at,
        ended_at,
        order_number
    from contract
    where began_at is not null
        and (ended_at is null or ended_at > began_at)
),

size as (
    select
        scope,
        count(*) as spell_count
    from spell
    group by scope
),

dated as (
    select
        spell.scope,
        spell.customer_id,
        spell.touchpoint_id,
        spell.ended_at,
        spell.order_number,
        period_number.period,
        spell.began_at,
        spell.began_at
        + (period_number.period - 1) * (setting_import.period_microseconds / 1000000) * interval '1' second as period_at,
        spell.began_at
        + period_number.period * (setting_import.period_microseconds / 1000000) * interval '1' second as period_end_at
    from spell
    inner join size on size.scope = spell.scope
    cross join setting_import
    cross join period_number
    -- An order has many periods, so half as many orders are taken as journeys or answers.
    where 2 * size.spell_count <= setting_import.effect_unit_limit
        or spell.customer_id % 1024 * 2 * size.spell_count < 1024 * setting_import.effect_unit_limit
),

at_risk as (
    select
        dated.scope,
        dated.customer_id,
        dated.touchpoint_id,
        dated.period,
        dated.order_number,
        dated.began_at,
        dated.period_at,
        coalesce(dated.ended_at < dated.period_end_at, false) as is_event
    from dated
    cross join setting_import
    where (dated.ended_at is null or dated.ended_at >= dated.period_at)
        and dated.period_end_at <= setting_import.data_date_at
),

met as (
    select
        at_risk.scope,
        at_risk.touchpoint_id,
        at_risk.period,
        effect_experience.factor_kind,
        effect_experience.factor,
        bool_or(effect_experience.is_bad) as is_bad
    from at_risk
    cross join setting_import
    inner join effect_experience
        on effect_experience.customer_id = at_risk.customer_id
        and effect_experience.occurred_at > at_risk.began_at
        and effect_experience.occurred_at < at_risk.period_at
        and date_diff('microsecond', effect_experience.occurred_at, at_risk.period_at) <= setting_import.window_microseconds
    group by
        at_risk.scope,
        at_risk.touchpoint_id,
        at_risk.period,
        effect_experience.factor_kind,
        effect_experience.factor
)

select
    cast(scope as varchar) as scope,
    cast(touchpoint_id as bigint) as unit_id,
    cast(period as integer) as period,
    cast(order_number as integer) as order_number,
    cast(customer_id as bigint) as customer_id,
    cast(is_event as boolean) as is_event,
    cast(null as varchar) as factor_kind,
    cast(null as varchar) as factor,
    cast(null as boolean) as is_bad
from at_risk

union all

select
    cast(scope as varchar) as scope,
    cast(touchpoint_id as bigint) as unit_id,
    cast(period as integer) as period,
    cast(null as integer) as order_number,
    cast(null as bigint) as customer_id,
    cast(null as boolean) as is_event,
    cast(factor_kind as varchar) as factor_kind,
    cast(factor as varchar) as factor,
    cast(is_bad as boolean) as is_bad
from met

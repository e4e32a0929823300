-- touchpoint_effect: how journeys and scores look with a touchpoint against without it. An association, not a cause.
-- kind: aggregate
-- grain: measure, scope, touchpoint_type
-- finish: models.statistics.touchpoint_effect
-- conversion: of the decided journeys (converted or dropped) of a definition, those with the touchpoint against those
-- without; scope is the definition. Goal types are left out: they convert by definition.
-- satisfaction: of all scores of a kind, those with the touchpoint between the customer's previous score and this one,
-- at most the effect window before, against those without; scope is the score kind. So each touchpoint belongs to the
-- one score that follows it, and nothing is joined many to many.
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

setting_import as (
    select effect_window_seconds * 1000000 as window_microseconds
    from setting
),

decided as (
    select
        journey_id,
        journey_definition,
        case when status = 'converted' then 1 else 0 end as is_converted
    from journey
    where status <> 'open'
),

goal as (
    select
        journey_definition_type.journey_definition,
        touchpoint_type.touchpoint_type
    from journey_definition_type
    inner join touchpoint_type
        on touchpoint_type.touchpoint_type_code = journey_definition_type.touchpoint_type_code
    where journey_definition_type.is_goal
),

touched as (
    select distinct
        journey_step.journey_id,
        journey_step.touchpoint_type
    from journey_step
    where not journey_step.is_repeat
),

conversion_with as (
    select
        'conversion' as measure,
        decided.journey_definition as scope,
        touched.touchpoint_type,
        count(*) as with_count,
        cast(sum(decided.is_converted) as double) as with_sum,
        cast(sum(decided.is_converted) as double) as with_square_sum
    from touched
    inner join decided on decided.journey_id = touched.journey_id
    left join goal
        on goal.journey_definition = decided.journey_definition
        and goal.touchpoint_type = touched.touchpoint_type
    where goal.touchpoint_type is null
    group by
        decided.journey_definition,
        touched.touchpoint_type
),

conversion_all as (
    select
        'conversion' as measure,
        journey_definition as scope,
        count(*) as all_count,
        cast(sum(is_converted) as double) as all_sum,
        cast(sum(is_converted) as double) as all_square_sum
    from decided
    group by journey_definition
),

-- Customers without any score can say nothing about scores: leave their touchpoints out before sorting.
scoring_customer as (
    select distinct customer_id
    from spine
    where score_scaled is not null
),

before_score as (
    select
        spine.customer_id,
        spine.occurred_at,
        spine.touchpoint_id,
        spine.touchpoint_type_code,
        spine.score_kind,
        spine.score_scaled,
        first_value(case when spine.score_scaled is not null then spine.touchpoint_id end ignore nulls) over (
            partition by spine.customer_id
            order by spine.occurred_at, spine.sort_rank, spine.touchpoint_id
            rows between 1 following and unbounded following
        ) as next_score_touchpoint_id
    from spine
    inner join scoring_customer on scoring_customer.customer_id = spine.customer_id
),

score as (
    select
        touchpoint_id,
        occurred_at,
        coalesce(score_kind, 'unknown') as score_kind,
        score_scaled
    from before_score
    where score_scaled is not null
),

preceded as (
    select distinct
        score.touchpoint_id,
        score.score_kind,
        score.score_scaled,
        before_score.touchpoint_type_code
    from before_score
    inner join score on score.touchpoint_id = before_score.next_score_touchpoint_id
    cross join setting_import
    where date_diff('microsecond', before_score.occurred_at, score.occurred_at) <= setting_import.window_microseconds
),

satisfaction_with as (
    select
        'satisfaction' as measure,
        preceded.score_kind as scope,
        touchpoint_type.touchpoint_type,
        count(*) as with_count,
        cast(sum(cast(preceded.score_scaled as decimal(38, 9))) as double) as with_sum,
        cast(sum(cast(preceded.score_scaled * preceded.score_scaled as decimal(38, 9))) as double) as with_square_sum
    from preceded
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = preceded.touchpoint_type_code
    group by
        preceded.score_kind,
        touchpoint_type.touchpoint_type
),

satisfaction_all as (
    select
        'satisfaction' as measure,
        score_kind as scope,
        count(*) as all_count,
        cast(sum(cast(score_scaled as decimal(38, 9))) as double) as all_sum,
        cast(sum(cast(score_scaled * score_scaled as decimal(38, 9))) as double) as all_square_sum
    from score
    group by score_kind
),

with_touchpoint as (
    select
        measure,
        scope,
        touchpoint_type,
        with_count,
        with_sum,
        with_square_sum
    from conversion_with

    union all

    select
        measure,
        scope,
        touchpoint_type,
        with_count,
        with_sum,
        with_square_sum
    from satisfaction_with
),

whole as (
    select
        measure,
        scope,
        all_count,
        all_sum,
        all_square_sum
    from conversion_all

    union all

    select
        measure,
        scope,
        all_count,
        all_sum,
        all_square_sum
    from satisfaction_all
)

select
    cast(with_touchpoint.measure as varchar) as measure,
    cast(with_touchpoint.scope as varchar) as scope,
    cast(with_touchpoint.touchpoint_type as varchar) as touchpoint_type,
    cast(with_touchpoint.with_count as bigint) as with_count,
    cast(whole.all_count - with_touchpoint.with_count as bigint) as without_count,
    cast(with_touchpoint.with_sum as double) as with_sum,
    cast(with_touchpoint.with_square_sum as double) as with_square_sum,
    cast(whole.all_sum - with_touchpoint.with_sum as double) as without_sum,
    cast(whole.all_square_sum - with_touchpoint.with_square_sum as double) as without_square_sum,
    cast(with_touchpoint.measure = 'conversion' as boolean) as is_share
from with_touchpoint
inner join whole
    on whole.measure = with_touchpoint.measure
    and whole.scope = with_touchpoint.scope

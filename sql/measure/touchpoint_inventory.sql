-- touchpoint_inventory: the map of touchpoints: every type of the catalogue, seen or not, and every word no type was found for.
-- kind: aggregate
-- grain: touchpoint_type, raw_type
-- gap says what is missing: a type no export shows either does not happen or is not exported (never_seen); a word of an export
-- that no type was found for (unmapped); a type seen only without customers (nobody_known). Each is a question to the company.
-- critical_score = reach x effect x room to improve. Reach: share of all customers who met it. Effect: the largest estimated one, on
-- satisfaction (any score), on conversion in the attribution definition, or on the next order. Room: what hurts can be avoided
-- altogether (1); what helps can fail less, or reach more people (the larger of the share that failed, waited long or scored low,
-- and the share not yet reached). Only marked effects count, those whose p-value holds against the many types that were compared:
-- of fifty intervals that are each right 95 times in a hundred, two or three leave out 0 by chance, and would stand on top. What a
-- customer does alone on the way to buying (a page, a cart) goes with buying because it is on the way: that is no lever.
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

setting_import as (
    select
        data_date_at,
        low_score_scaled,
        long_wait_seconds,
        attribution_journey_definition
    from setting
),

everybody as (
    select count(*) as customer_count
    from customer
),

counted_effect as (
    select
        touchpoint_effect.factor as touchpoint_type,
        touchpoint_effect.measure,
        touchpoint_effect.scope,
        touchpoint_effect.effect,
        touchpoint_effect.is_marked
        and (
            touchpoint_effect.measure = 'satisfaction'
            or touchpoint_effect.effect < 0
            or touchpoint_type.direction <> 'self_service'
            or touchpoint_type.journey_phase = 'after'
        ) as is_lever
    from touchpoint_effect
    cross join setting_import
    inner join touchpoint_type on touchpoint_type.touchpoint_type = touchpoint_effect.factor
    where touchpoint_effect.factor_kind = 'touchpoint'
        and (
            touchpoint_effect.measure = 'satisfaction'
            or touchpoint_effect.scope = setting_import.attribution_journey_definition
            or touchpoint_effect.scope = 'repeat_order'
        )
),

effect as (
    select
        touchpoint_type,
        max(case when measure = 'satisfaction' and scope = 'nps' then effect end) as satisfaction_effect,
        max(case when measure = 'conversion' then effect end) as conversion_effect,
        max(case when measure = 'retention' then effect end) as retention_effect,
        max(case when is_lever then abs(effect) end) as largest_effect,
        max(case when is_lever and effect > 0 then effect end) as largest_gain,
        max(case when is_lever and effect < 0 then abs(effect) end) as largest_loss
    from counted_effect
    group by touchpoint_type
),

tested_week as (
    select
        series as touchpoint_type,
        change_share,
        is_alert
    from touchpoint_trend
    where series_kind = 'touchpoint'
        and is_complete
    qualify row_number() over (
        partition by series
        order by week_date desc
    ) = 1
),

unmapped as (
    select
        coalesce(touchpoint.raw_type, '(none)') as raw_type,
        touchpoint.source_system,
        count(*) as touchpoint_count,
        count(touchpoint.customer_id) as identified_touchpoint_count,
        min(touchpoint.occurred_at) as first_seen_at,
        max(touchpoint.occurred_at) as last_seen_at
    from touchpoint
    cross join setting_import
    where touchpoint.touchpoint_type = 'unmapped'
        and not touchpoint.is_bot
        and touchpoint.occurred_at <= setting_import.data_date_at
    group by
        coalesce(touchpoint.raw_type, '(none)'),
        touchpoint.source_system
),

unmapped_word as (
    select
        raw_type,
        string_agg(source_system, ', ' order by source_system) as source_systems,
        sum(touchpoint_count) as touchpoint_count,
        sum(identified_touchpoint_count) as identified_touchpoint_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from unmapped
    group by raw_type
),

seen as (
    select
        touchpoint.touchpoint_type,
        touchpoint.source_system,
        count(*) as touchpoint_count,
        count(*) filter (where touchpoint.customer_id is not null) as identified_touchpoint_count,
        min(touchpoint.occurred_at) as first_seen_at,
        max(touchpoint.occurred_at) as last_seen_at
    from touchpoint
    cross join setting_import
    where not touchpoint.is_bot
        and touchpoint.occurred_at <= setting_import.data_date_at
    group by
        touchpoint.touchpoint_type,
        touchpoint.source_system
),

by_type as (
    select
        touchpoint_type,
        string_agg(source_system, ', ' order by source_system) as source_systems,
        sum(touchpoint_count) as touchpoint_count,
        sum(identified_touchpoint_count) as identified_touchpoint_count,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from seen
    group by touchpoint_type
),

quality as (
    select
        spine.touchpoint_type_code,
        count(distinct spine.customer_id) as customer_count,
        count(*) filter (where spine.is_failure) as failure_count,
        count(spine.score_scaled) as score_count,
        cast(sum(cast(spine.score_scaled as decimal(38, 9))) as double) as score_sum,
        count(*) filter (where spine.score_scaled <= setting_import.low_score_scaled) as low_score_count,
        count(*) filter (
            where spine.is_failure
                or spine.waiting_seconds >= setting_import.long_wait_seconds
                or spine.score_scaled <= setting_import.low_score_scaled
        ) as bad_count,
        count(*) as spine_count
    from spine
    cross join setting_import
    group by spine.touchpoint_type_code
),

walked as (
    select
        touchpoint_type,
        count(distinct journey_id) as journey_count
    from journey_step
    group by touchpoint_type
),

mapped as (
    select
        touchpoint_type.touchpoint_type,
        cast(null as varchar) as raw_type,
        touchpoint_type.label_en,
        touchpoint_type.label_nl,
        touchpoint_type.label_da,
        touchpoint_type.channel,
        touchpoint_type.journey_phase,
        touchpoint_type.category,
        touchpoint_type.direction,
        touchpoint_type.medium,
        touchpoint_type.control,
        touchpoint_type.character,
        touchpoint_type.journey_family,
        by_type.source_systems,
        by_type.touchpoint_count,
        by_type.identified_touchpoint_count,
        by_type.first_seen_at,
        by_type.last_seen_at,
        quality.customer_count,
        case
            when everybody.customer_count > 0 then cast(coalesce(quality.customer_count, 0) as double) / everybody.customer_count
        end as customer_share,
        quality.failure_count,
        quality.score_count,
        quality.score_sum,
        quality.low_score_count,
        quality.spine_count,
        case when quality.spine_count > 0 then cast(quality.bad_count as double) / quality.spine_count end as bad_share,
        walked.journey_count,
        effect.satisfaction_effect,
        effect.conversion_effect,
        effect.retention_effect,
        effect.largest_effect,
        coalesce(effect.largest_loss, 0) >= coalesce(effect.largest_gain, 0) as is_harmful,
        tested_week.change_share,
        tested_week.is_alert
    from touchpoint_type
    cross join everybody
    left join by_type on by_type.touchpoint_type = touchpoint_type.touchpoint_type
    left join quality on quality.touchpoint_type_code = touchpoint_type.touchpoint_type_code
    left join walked on walked.touchpoint_type = touchpoint_type.touchpoint_type
    left join effect on effect.touchpoint_type = touchpoint_type.touchpoint_type
    left join tested_week on tested_week.touchpoint_type = touchpoint_type.touchpoint_type
    where touchpoint_type.touchpoint_type <> 'unmapped'

    union all

    select
        touchpoint_type.touchpoint_type,
        unmapped_word.raw_type,
        touchpoint_type.label_en,
        touchpoint_type.label_nl,
        touchpoint_type.label_da,
        touchpoint_type.channel,
        touchpoint_type.journey_phase,
        touchpoint_type.category,
        touchpoint_type.direction,
        touchpoint_type.medium,
        touchpoint_type.control,
        touchpoint_type.character,
        touchpoint_type.journey_family,
        unmapped_word.source_systems,
        unmapped_word.touchpoint_count,
        unmapped_word.identified_touchpoint_count,
        unmapped_word.first_seen_at,
        unmapped_word.last_seen_at,
        cast(null as bigint) as customer_count,
        cast(null as double) as customer_share,
        cast(null as bigint) as failure_count,
        cast(null as bigint) as score_count,
        cast(null as double) as score_sum,
        cast(null as bigint) as low_score_count,
        cast(null as bigint) as spine_count,
        cast(null as double) as bad_share,
        cast(null as bigint) as journey_count,
        cast(null as double) as satisfaction_effect,
        cast(null as double) as conversion_effect,
        cast(null as double) as retention_effect,
        cast(null as double) as largest_effect,
        false as is_harmful,
        cast(null as double) as change_share,
        cast(null as boolean) as is_alert
    from unmapped_word
    inner join touchpoint_type on touchpoint_type.touchpoint_type = 'unmapped'
),

scored as (
    select
        touchpoint_type,
        raw_type,
        customer_share * largest_effect
        * case when is_harmful then 1 else greatest(coalesce(bad_share, 0), 1 - customer_share) end as critical_score
    from mapped
),

ranked as (
    select
        touchpoint_type,
        critical_score,
        row_number() over (order by critical_score desc, touchpoint_type) as critical_rank
    from scored
    where critical_score > 0
)

select
    cast(mapped.touchpoint_type as varchar) as touchpoint_type,
    cast(coalesce(mapped.raw_type, '') as varchar) as raw_type,
    cast(mapped.label_en as varchar) as label_en,
    cast(mapped.label_nl as varchar) as label_nl,
    cast(mapped.label_da as varchar) as label_da,
    cast(mapped.channel as varchar) as channel,
    cast(mapped.journey_phase as varchar) as journey_phase,
    cast(mapped.category as varchar) as category,
    cast(mapped.direction as varchar) as direction,
    cast(mapped.medium as varchar) as medium,
    cast(mapped.control as varchar) as control,
    cast(mapped.character as varchar) as character,
    cast(mapped.journey_family as varchar) as journey_family,
    cast(mapped.touchpoint_count is not null as boolean) as is_seen,
    cast(
        case
            when mapped.raw_type is not null then 'unmapped'
            when mapped.touchpoint_count is null then 'never_seen'
            when mapped.identified_touchpoint_count = 0 then 'nobody_known'
        end as varchar
    ) as gap,
    cast(mapped.source_systems as varchar) as source_systems,
    cast(coalesce(mapped.touchpoint_count, 0) as bigint) as touchpoint_count,
    cast(coalesce(mapped.identified_touchpoint_count, 0) as bigint) as identified_touchpoint_count,
    cast(coalesce(mapped.customer_count, 0) as bigint) as customer_count,
    cast(mapped.customer_share as double) as customer_share,
    cast(coalesce(mapped.journey_count, 0) as bigint) as journey_count,
    cast(mapped.first_seen_at as timestamp) as first_seen_at,
    cast(mapped.last_seen_at as timestamp) as last_seen_at,
    cast(
        case when mapped.spine_count > 0 then cast(mapped.failure_count as double) / mapped.spine_count end as double
    ) as failure_share,
    cast(coalesce(mapped.score_count, 0) as bigint) as score_count,
    cast(case when mapped.score_count > 0 then mapped.score_sum / mapped.score_count end as double) as mean_score_scaled,
    cast(
        case when mapped.score_count > 0 then cast(mapped.low_score_count as double) / mapped.score_count end as double
    ) as low_score_share,
    cast(mapped.bad_share as double) as bad_share,
    cast(mapped.satisfaction_effect as double) as satisfaction_effect,
    cast(mapped.conversion_effect as double) as conversion_effect,
    cast(mapped.retention_effect as double) as retention_effect,
    cast(mapped.change_share as double) as change_share,
    cast(coalesce(mapped.is_alert, false) as boolean) as is_alert,
    cast(ranked.critical_score as double) as critical_score,
    cast(ranked.critical_rank as integer) as critical_rank
from mapped
left join ranked
    on ranked.touchpoint_type = mapped.touchpoint_type
    and mapped.raw_type is null

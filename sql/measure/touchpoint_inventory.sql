-- touchpoint_inventory: every touchpoint type of the catalogue, seen or not, with what is known about it.
-- kind: aggregate
-- grain: touchpoint_type
-- A type that no export shows is either not happening or not exported: is_seen = false is a question to the company.
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

setting_import as (
    select
        data_date_at,
        low_score_scaled
    from setting
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
)

select
    cast(touchpoint_type.touchpoint_type as varchar) as touchpoint_type,
    cast(touchpoint_type.label_en as varchar) as label_en,
    cast(touchpoint_type.label_nl as varchar) as label_nl,
    cast(touchpoint_type.label_da as varchar) as label_da,
    cast(touchpoint_type.channel as varchar) as channel,
    cast(touchpoint_type.journey_phase as varchar) as journey_phase,
    cast(touchpoint_type.category as varchar) as category,
    cast(touchpoint_type.direction as varchar) as direction,
    cast(touchpoint_type.medium as varchar) as medium,
    cast(touchpoint_type.control as varchar) as control,
    cast(touchpoint_type.character as varchar) as character,
    cast(touchpoint_type.journey_family as varchar) as journey_family,
    cast(by_type.touchpoint_type is not null as boolean) as is_seen,
    cast(by_type.source_systems as varchar) as source_systems,
    cast(coalesce(by_type.touchpoint_count, 0) as bigint) as touchpoint_count,
    cast(coalesce(by_type.identified_touchpoint_count, 0) as bigint) as identified_touchpoint_count,
    cast(coalesce(quality.customer_count, 0) as bigint) as customer_count,
    cast(coalesce(walked.journey_count, 0) as bigint) as journey_count,
    cast(by_type.first_seen_at as timestamp) as first_seen_at,
    cast(by_type.last_seen_at as timestamp) as last_seen_at,
    cast(
        case when quality.spine_count > 0 then cast(quality.failure_count as double) / quality.spine_count end as double
    ) as failure_share,
    cast(coalesce(quality.score_count, 0) as bigint) as score_count,
    cast(
        case when quality.score_count > 0 then quality.score_sum / quality.score_count end
        as double
    ) as mean_score_scaled,
    cast(
        case when quality.score_count > 0 then cast(quality.low_score_count as double) / quality.score_count end as double
    ) as low_score_share
from touchpoint_type
left join by_type on by_type.touchpoint_type = touchpoint_type.touchpoint_type
left join quality on quality.touchpoint_type_code = touchpoint_type.touchpoint_type_code
left join walked on walked.touchpoint_type = touchpoint_type.touchpoint_type

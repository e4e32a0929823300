-- journey_pattern_summary: where customers go round in circles, how many, and how those journeys end. The people: journey_pattern.
-- kind: aggregate
-- grain: journey_definition, pattern, touchpoint_type, other_touchpoint_type
-- converted_share beside that of the definition's journeys without such a pattern anywhere: a difference to look at, not a cause.
with

journey_import as (
    select
        journey_id,
        journey_definition,
        status
    from journey
),

pattern as (
    select
        journey_pattern.journey_definition,
        journey_pattern.pattern,
        journey_pattern.touchpoint_type,
        coalesce(journey_pattern.other_touchpoint_type, '') as other_touchpoint_type,
        journey_pattern.journey_id,
        journey_pattern.customer_id,
        journey_pattern.repeat_count
    from journey_pattern
),

counted as (
    select
        journey_definition,
        pattern,
        touchpoint_type,
        other_touchpoint_type,
        count(*) as occurrence_count,
        count(distinct customer_id) as customer_count,
        max(repeat_count) as max_repeat_count
    from pattern
    group by
        journey_definition,
        pattern,
        touchpoint_type,
        other_touchpoint_type
),

circled as (
    select distinct
        journey_definition,
        pattern,
        touchpoint_type,
        other_touchpoint_type,
        journey_id
    from pattern
),

ended as (
    select
        circled.journey_definition,
        circled.pattern,
        circled.touchpoint_type,
        circled.other_touchpoint_type,
        count(*) as journey_count,
        count(*) filter (where journey_import.status = 'converted') as converted_count,
        count(*) filter (where journey_import.status = 'dropped') as dropped_count,
        count(*) filter (where journey_import.status <> 'open') as ended_count
    from circled
    inner join journey_import on journey_import.journey_id = circled.journey_id
    group by
        circled.journey_definition,
        circled.pattern,
        circled.touchpoint_type,
        circled.other_touchpoint_type
),

straight as (
    select
        journey_import.journey_definition,
        count(*) filter (where journey_import.status = 'converted') as converted_count,
        count(*) filter (where journey_import.status <> 'open') as ended_count
    from journey_import
    where not exists (
        select 1
        from circled
        where circled.journey_id = journey_import.journey_id
    )
    group by journey_import.journey_definition
)

select
    cast(counted.journey_definition as varchar) as journey_definition,
    cast(counted.pattern as varchar) as pattern,
    cast(counted.touchpoint_type as varchar) as touchpoint_type,
    cast(counted.other_touchpoint_type as varchar) as other_touchpoint_type,
    cast(counted.occurrence_count as bigint) as occurrence_count,
    cast(ended.journey_count as bigint) as journey_count,
    cast(counted.customer_count as bigint) as customer_count,
    cast(counted.max_repeat_count as integer) as max_repeat_count,
    cast(ended.converted_count as bigint) as converted_count,
    cast(ended.dropped_count as bigint) as dropped_count,
    cast(
        case when ended.ended_count > 0 then cast(ended.converted_count as double) / ended.ended_count end as double
    ) as converted_share,
    cast(
        case when straight.ended_count > 0 then cast(straight.converted_count as double) / straight.ended_count end as double
    ) as converted_share_without
from counted
inner join ended
    on ended.journey_definition = counted.journey_definition
    and ended.pattern = counted.pattern
    and ended.touchpoint_type = counted.touchpoint_type
    and ended.other_touchpoint_type = counted.other_touchpoint_type
left join straight on straight.journey_definition = counted.journey_definition

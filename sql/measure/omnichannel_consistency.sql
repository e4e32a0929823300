-- omnichannel_consistency: is a customer served as well online as offline, per kind of contact and family of journeys?
-- kind: aggregate
-- grain: measure, dimension, dimension_value
-- finish: models.statistics.omnichannel_consistency
-- failure_share: touchpoints that failed · waiting_seconds: mean wait where a wait is known · score_scaled: mean score given. Of the
-- contacts a customer made (contact_outcome): resolved_share, repeat_contact_share, broken_hand_over_share within seven days.
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

touchpoint_type_import as (
    select
        touchpoint_type_code,
        touchpoint_type,
        category,
        journey_family
    from touchpoint_type
),

-- Adding up per type first leaves a few hundred rows for everything after it.
by_type as (
    select
        touchpoint_type_code,
        is_online,
        count(*) as touchpoint_count,
        count(*) filter (where is_failure) as failure_count,
        count(waiting_seconds) as waiting_count,
        cast(sum(waiting_seconds) as double) as waiting_sum,
        cast(sum(cast(waiting_seconds as decimal(38, 0)) * waiting_seconds) as double) as waiting_square_sum,
        count(score_scaled) as score_count,
        cast(sum(cast(score_scaled as decimal(38, 9))) as double) as score_sum,
        cast(sum(cast(score_scaled * score_scaled as decimal(38, 9))) as double) as score_square_sum
    from spine
    group by
        touchpoint_type_code,
        is_online
),

measured as (
    select
        touchpoint_type_code,
        is_online,
        'failure_share' as measure,
        touchpoint_count as value_count,
        cast(failure_count as double) as value_sum,
        cast(failure_count as double) as value_square_sum
    from by_type

    union all

    select
        touchpoint_type_code,
        is_online,
        'waiting_seconds' as measure,
        waiting_count as value_count,
        waiting_sum as value_sum,
        waiting_square_sum as value_square_sum
    from by_type

    union all

    select
        touchpoint_type_code,
        is_online,
        'score_scaled' as measure,
        score_count as value_count,
        score_sum as value_sum,
        score_square_sum as value_square_sum
    from by_type
),

contacted as (
    select
        touchpoint_type_import.touchpoint_type_code,
        contact_outcome.is_online,
        count(*) as contact_count,
        cast(count(*) filter (where contact_outcome.is_resolved) as double) as resolved_count,
        cast(count(*) filter (where contact_outcome.is_repeated) as double) as repeated_count,
        cast(count(*) filter (where contact_outcome.is_broken_hand_over) as double) as broken_count
    from contact_outcome
    inner join touchpoint_type_import on touchpoint_type_import.touchpoint_type = contact_outcome.touchpoint_type
    group by
        touchpoint_type_import.touchpoint_type_code,
        contact_outcome.is_online
),

every_measure as (
    select
        touchpoint_type_code,
        is_online,
        measure,
        value_count,
        value_sum,
        value_square_sum
    from measured

    union all

    select
        touchpoint_type_code,
        is_online,
        'resolved_share' as measure,
        contact_count as value_count,
        resolved_count as value_sum,
        resolved_count as value_square_sum
    from contacted

    union all

    select
        touchpoint_type_code,
        is_online,
        'repeat_contact_share' as measure,
        contact_count as value_count,
        repeated_count as value_sum,
        repeated_count as value_square_sum
    from contacted

    union all

    select
        touchpoint_type_code,
        is_online,
        'broken_hand_over_share' as measure,
        contact_count as value_count,
        broken_count as value_sum,
        broken_count as value_square_sum
    from contacted
),

dimensioned as (
    select
        measured.measure,
        'category' as dimension,
        touchpoint_type_import.category as dimension_value,
        measured.is_online,
        measured.value_count,
        measured.value_sum,
        measured.value_square_sum
    from every_measure as measured
    inner join touchpoint_type_import
        on touchpoint_type_import.touchpoint_type_code = measured.touchpoint_type_code

    union all

    select
        measured.measure,
        'journey_family' as dimension,
        touchpoint_type_import.journey_family as dimension_value,
        measured.is_online,
        measured.value_count,
        measured.value_sum,
        measured.value_square_sum
    from every_measure as measured
    inner join touchpoint_type_import
        on touchpoint_type_import.touchpoint_type_code = measured.touchpoint_type_code
)

select
    cast(measure as varchar) as measure,
    cast(dimension as varchar) as dimension,
    cast(dimension_value as varchar) as dimension_value,
    cast(coalesce(sum(case when is_online then value_count end), 0) as bigint) as online_count,
    cast(coalesce(sum(case when not is_online then value_count end), 0) as bigint) as offline_count,
    cast(
        coalesce(
            cast(sum(cast(case when is_online then value_sum end as decimal(38, 9))) as double),
            0
        ) as double
    ) as online_sum,
    cast(
        coalesce(
            cast(sum(cast(case when is_online then value_square_sum end as decimal(38, 9))) as double),
            0
        ) as double
    ) as online_square_sum,
    cast(
        coalesce(
            cast(sum(cast(case when not is_online then value_sum end as decimal(38, 9))) as double),
            0
        ) as double
    ) as offline_sum,
    cast(
        coalesce(
            cast(sum(cast(case when not is_online then value_square_sum end as decimal(38, 9))) as double),
            0
        ) as double
    ) as offline_square_sum,
    cast(measure in ('failure_share', 'resolved_share', 'repeat_contact_share', 'broken_hand_over_share') as boolean) as is_share
from dimensioned
group by
    measure,
    dimension,
    dimension_value
having sum(value_count) > 0

-- channel_consistency: does the channel decide how well a customer is helped? Each channel against the others for the same purpose.
-- kind: aggregate
-- grain: measure, journey_family, channel
-- finish: models.statistics.channel_consistency
-- The contacts of contact_outcome, by the purpose (journey family) they were made for: failed, waiting time, resolved within seven
-- days, asked again within seven days, asked again elsewhere without a solution (broken hand-over).
-- Sums run over decimals: a sum of doubles depends on the order in which threads add them.
with

measured as (
    select
        journey_family,
        channel,
        'failure_share' as measure,
        case when is_failure then 1 else 0 end as value
    from contact_outcome

    union all

    select
        journey_family,
        channel,
        'waiting_seconds' as measure,
        waiting_seconds as value
    from contact_outcome
    where waiting_seconds is not null

    union all

    select
        journey_family,
        channel,
        'resolved_share' as measure,
        case when is_resolved then 1 else 0 end as value
    from contact_outcome

    union all

    select
        journey_family,
        channel,
        'repeat_contact_share' as measure,
        case when is_repeated then 1 else 0 end as value
    from contact_outcome

    union all

    select
        journey_family,
        channel,
        'broken_hand_over_share' as measure,
        case when is_broken_hand_over then 1 else 0 end as value
    from contact_outcome
),

by_channel as (
    select
        measure,
        journey_family,
        channel,
        count(*) as channel_value_count,
        sum(cast(value as decimal(38, 0))) as channel_value_sum,
        sum(cast(value as decimal(38, 0)) * value) as channel_square_sum
    from measured
    group by
        measure,
        journey_family,
        channel
),

by_family as (
    select
        measure,
        journey_family,
        sum(channel_value_count) as family_count,
        sum(channel_value_sum) as family_sum,
        sum(channel_square_sum) as family_square_sum
    from by_channel
    group by
        measure,
        journey_family
)

select
    cast(by_channel.measure as varchar) as measure,
    cast(by_channel.journey_family as varchar) as journey_family,
    cast(by_channel.channel as varchar) as channel,
    cast(by_channel.channel_value_count as bigint) as channel_count,
    cast(by_family.family_count - by_channel.channel_value_count as bigint) as other_count,
    cast(by_channel.channel_value_sum as double) as channel_sum,
    cast(by_channel.channel_square_sum as double) as channel_square_sum,
    cast(by_family.family_sum - by_channel.channel_value_sum as double) as other_sum,
    cast(by_family.family_square_sum - by_channel.channel_square_sum as double) as other_square_sum,
    cast(by_channel.measure <> 'waiting_seconds' as boolean) as is_share
from by_channel
inner join by_family
    on by_family.measure = by_channel.measure
    and by_family.journey_family = by_channel.journey_family

-- channel_attribution: what each channel brought and cost, by every attribution model side by side.
-- kind: aggregate
-- grain: journey_definition, attribution_model, attribution_channel
-- Credit and intervals come from attribution_credit. The costs of a network stand beside the channel its visits come
-- from (search advertising beside paid_search); they are the same for every definition and model, so they do not add up
-- over them. A channel that only cost money stands there too, with 0 credit.
-- Sums of money run over decimals: a sum of doubles depends on the order in which threads add them.
with

cost as (
    select
        case
            when regexp_matches(lower(channel_detail), 'meta|facebook|instagram|linkedin|pinterest|tiktok|twitter|snapchat')
                then 'paid_social'
            when regexp_matches(lower(channel_detail), 'display|content|youtube|video') then 'display'
            when regexp_matches(lower(channel_detail), 'google|bing|microsoft|search') then 'paid_search'
            else channel
        end as attribution_channel,
        cast(sum(cast(cost_amount_base as decimal(38, 4))) as double) as cost_amount_base
    from channel_cost
    cross join setting
    where channel_cost.cost_date <= cast(setting.data_date_at as date)
    group by
        case
            when regexp_matches(lower(channel_detail), 'meta|facebook|instagram|linkedin|pinterest|tiktok|twitter|snapchat')
                then 'paid_social'
            when regexp_matches(lower(channel_detail), 'display|content|youtube|video') then 'display'
            when regexp_matches(lower(channel_detail), 'google|bing|microsoft|search') then 'paid_search'
            else channel
        end
),

definition as (
    select distinct journey_definition
    from attribution_credit
),

known as (
    select
        journey_definition,
        attribution_channel
    from attribution_credit

    union

    select
        definition.journey_definition,
        cost.attribution_channel
    from definition
    cross join cost
),

every as (
    select
        known.journey_definition,
        known.attribution_channel,
        attribution_model.attribution_model
    from known
    cross join attribution_model
)

select
    cast(every.journey_definition as varchar) as journey_definition,
    cast(every.attribution_model as varchar) as attribution_model,
    cast(every.attribution_channel as varchar) as attribution_channel,
    cast(coalesce(credit.journey_count, 0) as bigint) as journey_count,
    cast(coalesce(credit.conversion_credit, 0) as double) as conversion_credit,
    cast(coalesce(credit.conversion_credit_low, 0) as double) as conversion_credit_low,
    cast(coalesce(credit.conversion_credit_high, 0) as double) as conversion_credit_high,
    cast(credit.conversion_credit_share as double) as conversion_credit_share,
    cast(coalesce(credit.value_amount_base, 0) as double) as value_amount_base,
    cast(coalesce(credit.value_amount_base_low, 0) as double) as value_amount_base_low,
    cast(coalesce(credit.value_amount_base_high, 0) as double) as value_amount_base_high,
    cast(credit.removal_effect as double) as removal_effect,
    cast(cost.cost_amount_base as double) as cost_amount_base,
    cast(
        case when credit.conversion_credit > 0 then cost.cost_amount_base / credit.conversion_credit end as double
    ) as cost_per_conversion_amount_base,
    cast(
        case when cost.cost_amount_base > 0 then coalesce(credit.value_amount_base, 0) / cost.cost_amount_base end as double
    ) as return_on_spend_ratio
from every
left join attribution_credit as credit
    on credit.journey_definition = every.journey_definition
    and credit.attribution_model = every.attribution_model
    and credit.attribution_channel = every.attribution_channel
left join cost on cost.attribution_channel = every.attribution_channel

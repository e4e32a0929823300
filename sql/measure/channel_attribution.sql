-- channel_attribution: how the conversions of the attribution definition are shared out over channels, per model.
-- kind: aggregate
-- grain: attribution_model, channel
-- The touches of a converted journey are its steps before the goal; a journey that is nothing but its goal has the goal
-- as its one touch. Each model gives out exactly one credit per journey, so the credits of a model sum up to the
-- converted journeys (checked), and so does the value. Every channel stands there, with 0 where it earned nothing.
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

setting_import as (
    select attribution_journey_definition
    from setting
),

converted as (
    select
        journey.journey_id,
        journey.step_count,
        journey.value_amount_base
    from journey
    inner join setting_import
        on setting_import.attribution_journey_definition = journey.journey_definition
    where journey.status = 'converted'
),

touch as (
    select
        journey_step.channel,
        converted.journey_id,
        coalesce(converted.value_amount_base, 0) as value_amount_base,
        journey_step.step_number = 1 as is_first,
        converted.step_count = 1 or journey_step.step_number = converted.step_count - 1 as is_last,
        case when converted.step_count = 1 then 1 else converted.step_count - 1 end as touch_count
    from journey_step
    inner join converted on converted.journey_id = journey_step.journey_id
    where not journey_step.is_last
        or converted.step_count = 1
),

credited as (
    select
        attribution_model.attribution_model,
        touch.channel,
        touch.journey_id,
        touch.value_amount_base,
        case
            when attribution_model.attribution_model = 'first_touch'
                then case when touch.is_first then cast(1 as double) else cast(0 as double) end
            when attribution_model.attribution_model = 'last_touch'
                then case when touch.is_last then cast(1 as double) else cast(0 as double) end
            else cast(1 as double) / touch.touch_count
        end as credit
    from touch
    cross join attribution_model
),

earned as (
    select
        attribution_model,
        channel,
        count(distinct journey_id) as touched_journey_count,
        cast(sum(cast(credit as decimal(38, 12))) as double) as conversion_credit,
        cast(sum(cast(credit * value_amount_base as decimal(38, 9))) as double) as value_amount_base
    from credited
    group by
        attribution_model,
        channel
),

cost as (
    select
        channel,
        cast(sum(cast(cost_amount_base as decimal(38, 4))) as double) as cost_amount_base
    from channel_cost
    group by channel
),

every as (
    select
        attribution_model.attribution_model,
        channel.channel
    from attribution_model
    cross join channel
),

total as (
    select count(*) as converted_count
    from converted
)

select
    cast(every.attribution_model as varchar) as attribution_model,
    cast(every.channel as varchar) as channel,
    cast(setting_import.attribution_journey_definition as varchar) as journey_definition,
    cast(coalesce(earned.touched_journey_count, 0) as bigint) as journey_count,
    cast(coalesce(earned.conversion_credit, 0) as double) as conversion_credit,
    cast(
        case
            when total.converted_count > 0 then coalesce(earned.conversion_credit, 0) / total.converted_count
        end as double
    ) as conversion_credit_share,
    cast(coalesce(earned.value_amount_base, 0) as double) as value_amount_base,
    cast(cost.cost_amount_base as double) as cost_amount_base,
    cast(
        case when earned.conversion_credit > 0 then cost.cost_amount_base / earned.conversion_credit end as double
    ) as cost_per_conversion_amount_base
from every
cross join setting_import
cross join total
left join earned
    on earned.attribution_model = every.attribution_model
    and earned.channel = every.channel
left join cost on cost.channel = every.channel

-- attribution_credit: what every attribution model gives each channel, per journey definition, with intervals; no costs yet.
-- kind: aggregate
-- grain: journey_definition, attribution_model, attribution_channel
-- finish: models.attribution.attribution_credit
-- The SELECT gives the touches; all models are run on them in one go by the finish function.
select
    cast(journey_definition as varchar) as journey_definition,
    cast(journey_id as bigint) as journey_id,
    cast(customer_id as bigint) as customer_id,
    cast(touch_number as integer) as touch_number,
    cast(attribution_channel as varchar) as attribution_channel,
    cast(decay_weight as double) as decay_weight,
    cast(is_converted as boolean) as is_converted,
    cast(value_amount_base as double) as value_amount_base
from attribution_touch

-- Credit of each channel by each attribution model.
select
    attribution_channel as channel,
    attribution_model,
    conversion_credit,
    conversion_credit_low,
    conversion_credit_high,
    conversion_credit_share,
    value_amount_base,
    cost_amount_base,
    cost_per_conversion_amount_base,
    return_on_spend_ratio
from channel_attribution
cross join setting
where journey_definition = attribution_journey_definition
order by sum(conversion_credit) over (partition by attribution_channel) desc, attribution_channel, attribution_model

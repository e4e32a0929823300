-- Credit of each channel by each attribution model.
select
    channel,
    attribution_model,
    conversion_credit,
    conversion_credit_share,
    value_amount_base,
    cost_amount_base,
    cost_per_conversion_amount_base
from channel_attribution
cross join setting
where journey_definition = attribution_journey_definition
order by sum(conversion_credit) over (partition by channel) desc, channel, attribution_model

-- purchase_reliability: the purchase probability of a horizon ago against what customers did since: can it be believed?
-- kind: aggregate
-- grain: probability_bin
-- finish: models.purchase_model.purchase_reliability
-- Of a history shorter than three horizons the last third is held out. Days become numbers since 1970; the finish function fits
-- the model (BG/NBD and Gamma-Gamma) and applies it.
select
    cast(purchase_day.customer_id as bigint) as customer_id,
    cast(date_diff('day', cast('1970-01-01' as date), purchase_day.purchase_date) as integer) as day,
    cast(purchase_day.order_amount_base as double) as amount_base,
    cast(date_diff('day', cast('1970-01-01' as date), cast(setting.data_date_at as date)) as integer) as today,
    cast(setting.prediction_horizon_days as double) as horizon_days
from purchase_day
cross join setting

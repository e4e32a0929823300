-- Chance to buy as predicted for customers the model had not seen the future of, beside how many of them bought.
select
    probability_bin,
    customer_count,
    mean_probability,
    bought_share,
    bought_share_low,
    bought_share_high,
    brier_score,
    base_brier_score,
    fitted_until_date
from purchase_reliability
order by probability_bin

-- What each touchpoint, channel, wait or failure does to conversion, satisfaction and retention, marked ones first.
select
    measure,
    scope,
    factor_kind,
    factor,
    reference,
    method,
    with_count,
    without_count,
    effect,
    effect_low,
    effect_high,
    p_value_adjusted,
    is_marked,
    importance_share,
    penalty,
    reward
from touchpoint_effect
where effect_low is not null
order by measure, scope, is_marked desc, abs(effect) desc, factor_kind, factor, reference

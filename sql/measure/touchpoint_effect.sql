-- touchpoint_effect: what each touchpoint, channel, wait, failure and variant goes with: conversion, satisfaction, coming back.
-- kind: aggregate
-- grain: measure, scope, factor_kind, factor
-- Each part has its own units and its own model; here they only stand together. Method says which rows are more than associations.
with

part as (
    select
        measure,
        scope,
        factor_kind,
        factor,
        reference,
        method,
        estimate_status,
        with_count,
        without_count,
        with_mean,
        without_mean,
        effect,
        effect_low,
        effect_high,
        log_odds,
        log_odds_low,
        log_odds_high,
        p_value,
        p_value_adjusted,
        is_marked,
        importance_share,
        penalty,
        reward,
        asymmetry,
        response_share,
        sample_ratio_p_value
    from effect_conversion

    union all

    select
        measure,
        scope,
        factor_kind,
        factor,
        reference,
        method,
        estimate_status,
        with_count,
        without_count,
        with_mean,
        without_mean,
        effect,
        effect_low,
        effect_high,
        log_odds,
        log_odds_low,
        log_odds_high,
        p_value,
        p_value_adjusted,
        is_marked,
        importance_share,
        penalty,
        reward,
        asymmetry,
        response_share,
        sample_ratio_p_value
    from effect_satisfaction

    union all

    select
        measure,
        scope,
        factor_kind,
        factor,
        reference,
        method,
        estimate_status,
        with_count,
        without_count,
        with_mean,
        without_mean,
        effect,
        effect_low,
        effect_high,
        log_odds,
        log_odds_low,
        log_odds_high,
        p_value,
        p_value_adjusted,
        is_marked,
        importance_share,
        penalty,
        reward,
        asymmetry,
        response_share,
        sample_ratio_p_value
    from effect_retention

    union all

    select
        measure,
        scope,
        factor_kind,
        factor,
        reference,
        method,
        estimate_status,
        with_count,
        without_count,
        with_mean,
        without_mean,
        effect,
        effect_low,
        effect_high,
        log_odds,
        log_odds_low,
        log_odds_high,
        p_value,
        p_value_adjusted,
        is_marked,
        importance_share,
        penalty,
        reward,
        asymmetry,
        response_share,
        sample_ratio_p_value
    from effect_experiment
)

select
    cast(measure as varchar) as measure,
    cast(scope as varchar) as scope,
    cast(factor_kind as varchar) as factor_kind,
    cast(factor as varchar) as factor,
    cast(reference as varchar) as reference,
    cast(method as varchar) as method,
    cast(estimate_status as varchar) as estimate_status,
    cast(with_count as bigint) as with_count,
    cast(without_count as bigint) as without_count,
    cast(with_mean as double) as with_mean,
    cast(without_mean as double) as without_mean,
    cast(effect as double) as effect,
    cast(effect_low as double) as effect_low,
    cast(effect_high as double) as effect_high,
    cast(log_odds as double) as log_odds,
    cast(log_odds_low as double) as log_odds_low,
    cast(log_odds_high as double) as log_odds_high,
    cast(p_value as double) as p_value,
    cast(p_value_adjusted as double) as p_value_adjusted,
    cast(is_marked as boolean) as is_marked,
    cast(importance_share as double) as importance_share,
    cast(penalty as double) as penalty,
    cast(reward as double) as reward,
    cast(asymmetry as double) as asymmetry,
    cast(response_share as double) as response_share,
    cast(sample_ratio_p_value as double) as sample_ratio_p_value
from part

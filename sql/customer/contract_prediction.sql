-- contract_prediction: the chance that a running contract ends within the horizon.
-- kind: aggregate
-- grain: customer_id
-- finish: models.purchase_model.contract_prediction
-- A contract runs from its first sign (a renewal, a change, or the start of use) until its termination; renewed after a termination
-- it runs again, from that renewal. Customers whose only sign is a termination have no known beginning and are left out.
with

sign as (
    select
        spine.customer_id,
        spine.occurred_at,
        touchpoint_type.touchpoint_type = 'contract_terminated' as is_end
    from spine
    inner join touchpoint_type on touchpoint_type.touchpoint_type_code = spine.touchpoint_type_code
    where touchpoint_type.touchpoint_type in ('contract_changed', 'contract_renewed', 'contract_terminated')
),

ended as (
    select
        customer_id,
        max(case when is_end then occurred_at end) as ended_at,
        max(case when not is_end then occurred_at end) as last_sign_at
    from sign
    group by customer_id
),

contract as (
    select
        sign.customer_id,
        min(sign.occurred_at) as began_at,
        max(ended.ended_at) as ended_at,
        bool_and(ended.ended_at is not null and ended.ended_at >= ended.last_sign_at) as is_ended
    from sign
    inner join ended on ended.customer_id = sign.customer_id
    where not sign.is_end
        and (ended.ended_at is null or ended.ended_at >= ended.last_sign_at or sign.occurred_at > ended.ended_at)
    group by sign.customer_id
)

select
    cast(contract.customer_id as bigint) as customer_id,
    cast(
        date_diff(
            'day',
            cast(contract.began_at as date),
            cast(case when contract.is_ended then contract.ended_at else setting.data_date_at end as date)
        ) as integer
    ) as age_days,
    cast(contract.is_ended as boolean) as is_ended,
    cast(setting.prediction_horizon_days as double) as horizon_days
from contract
cross join setting

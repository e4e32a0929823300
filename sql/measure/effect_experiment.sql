-- effect_experiment: what variants of a mail, a page or a script do, as drawn by lot.
-- kind: aggregate
-- grain: measure, scope, factor_kind, factor
-- finish: models.effect.experiment
-- An experiment is an attribute of touchpoints that names a variant (experiment_attribute), within one touchpoint type. A customer
-- belongs to the first variant met, whatever came later (intention to treat). Outcomes: the customer opened or clicked the
-- mail, or reached a goal of the attribution definition, within the effect window after meeting the variant.
with

setting_import as (
    select
        data_date_at,
        effect_window_seconds * 1000000 as window_microseconds,
        attribution_journey_definition
    from setting
),

shown as (
    select
        touchpoint.customer_id,
        touchpoint.touchpoint_id,
        touchpoint.occurred_at,
        touchpoint.touchpoint_type || ' ' || experiment_attribute.experiment_attribute as experiment,
        case
            when experiment_attribute.experiment_attribute = 'campaign_content' then touchpoint.campaign_content
            else json_extract_string(touchpoint.attributes, '$.' || experiment_attribute.experiment_attribute)
        end as variant
    from touchpoint
    cross join setting_import
    inner join experiment_attribute
        on touchpoint.attributes like '%"' || experiment_attribute.experiment_attribute || '":"%'
        or (experiment_attribute.experiment_attribute = 'campaign_content' and touchpoint.campaign_content is not null)
    where touchpoint.customer_id is not null
        and not touchpoint.is_bot
        and touchpoint.occurred_at <= setting_import.data_date_at
),

-- 'subject_a' and 'subject_b' are variants of 'subject': a tool that runs several experiments tells them apart by the name.
named as (
    select
        customer_id,
        touchpoint_id,
        occurred_at,
        experiment || case when regexp_matches(variant, '.[_. -][A-Za-z0-9]+$')
            then ' ' || regexp_replace(variant, '[_. -][A-Za-z0-9]+$', '', 'g') else '' end as experiment,
        variant
    from shown
    where variant is not null
),

exposed as (
    select
        customer_id,
        experiment,
        variant,
        occurred_at
    from named
    qualify row_number() over (
        partition by customer_id, experiment
        order by occurred_at, touchpoint_id
    ) = 1
),

goal_type as (
    select
        'goal' as outcome,
        journey_definition_type.touchpoint_type_code
    from journey_definition_type
    inner join setting_import
        on setting_import.attribution_journey_definition = journey_definition_type.journey_definition
    where journey_definition_type.is_goal

    union all

    select
        touchpoint_type as outcome,
        touchpoint_type_code
    from touchpoint_type
    where touchpoint_type in ('email_opened', 'email_clicked')
),

reached as (
    select distinct
        exposed.customer_id,
        exposed.experiment,
        goal_type.outcome
    from exposed
    cross join setting_import
    inner join spine
        on spine.customer_id = exposed.customer_id
        and spine.occurred_at > exposed.occurred_at
        and date_diff('microsecond', exposed.occurred_at, spine.occurred_at) <= setting_import.window_microseconds
    inner join goal_type on goal_type.touchpoint_type_code = spine.touchpoint_type_code
),

every_outcome as (
    select distinct outcome
    from goal_type
),

counted as (
    select
        every_outcome.outcome,
        exposed.experiment,
        exposed.variant,
        count(*) as person_count,
        count(reached.customer_id) as event_count
    from exposed
    cross join every_outcome
    left join reached
        on reached.customer_id = exposed.customer_id
        and reached.experiment = exposed.experiment
        and reached.outcome = every_outcome.outcome
    where every_outcome.outcome = 'goal'
        or exposed.experiment like 'email%'
    group by
        every_outcome.outcome,
        exposed.experiment,
        exposed.variant
)

select
    cast(outcome as varchar) as scope,
    cast(experiment as varchar) as experiment,
    cast(variant as varchar) as variant,
    cast(person_count as bigint) as person_count,
    cast(event_count as bigint) as event_count
from counted

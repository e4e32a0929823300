-- effect_satisfaction: what goes with the scores customers give, per kind of score.
-- kind: aggregate
-- grain: measure, scope, factor_kind, factor
-- finish: models.effect.satisfaction
-- A unit is an answer, or an invitation that nobody answered within thirty days. What lies before it counts back to the customer's
-- previous answer of the same kind, at most the effect window; nothing after the survey counts. An invitation says in no export
-- which score it asks for: it is taken for the kind its system gets answered most.
with

setting_import as (
    select
        data_date_at,
        effect_window_seconds * 1000000 as window_microseconds,
        effect_unit_limit,
        cast(30 as bigint) * 86400000000 as answer_microseconds
    from setting
),

asked as (
    select
        touchpoint.touchpoint_id,
        touchpoint.customer_id,
        touchpoint.occurred_at,
        touchpoint.source_system,
        touchpoint.score_kind,
        touchpoint.score_scaled,
        touchpoint.score_scaled is not null as is_answer
    from touchpoint
    cross join setting_import
    where touchpoint.customer_id is not null
        and not touchpoint.is_bot
        and touchpoint.occurred_at <= setting_import.data_date_at
        and (touchpoint.score_scaled is not null or touchpoint.touchpoint_type = 'survey_sent')
),

answered_kind as (
    select
        source_system,
        score_kind,
        count(*) as answer_count
    from asked
    where is_answer
        and score_kind is not null
    group by
        source_system,
        score_kind
),

system_kind as (
    select
        source_system,
        score_kind
    from answered_kind
    qualify row_number() over (
        partition by source_system
        order by answer_count desc, score_kind
    ) = 1
),

invitation as (
    select
        asked.touchpoint_id,
        asked.customer_id,
        asked.occurred_at,
        asked.source_system,
        system_kind.score_kind
    from asked
    inner join system_kind on system_kind.source_system = asked.source_system
    where not asked.is_answer
),

followed as (
    select
        invitation.touchpoint_id,
        min(answer.occurred_at) as answered_at
    from invitation
    cross join setting_import
    inner join asked as answer
        on answer.customer_id = invitation.customer_id
        and answer.source_system = invitation.source_system
        and answer.score_kind = invitation.score_kind
        and answer.is_answer
        and answer.occurred_at >= invitation.occurred_at
        and date_diff('microsecond', invitation.occurred_at, answer.occurred_at) <= setting_import.answer_microseconds
    group by invitation.touchpoint_id
),

answer_of_invitation as (
    select distinct
        invitation.customer_id,
        invitation.source_system,
        invitation.score_kind,
        followed.answered_at
    from followed
    inner join invitation on invitation.touchpoint_id = followed.touchpoint_id
),

unit as (
    select
        asked.touchpoint_id,
        asked.customer_id,
        asked.occurred_at,
        asked.score_kind,
        asked.score_scaled,
        answer_of_invitation.answered_at is not null as is_invited
    from asked
    left join answer_of_invitation
        on answer_of_invitation.customer_id = asked.customer_id
        and answer_of_invitation.source_system = asked.source_system
        and answer_of_invitation.score_kind = asked.score_kind
        and answer_of_invitation.answered_at = asked.occurred_at
    where asked.is_answer
        and asked.score_kind is not null

    union all

    select
        invitation.touchpoint_id,
        invitation.customer_id,
        invitation.occurred_at,
        invitation.score_kind,
        cast(null as double) as score_scaled,
        true as is_invited
    from invitation
    cross join setting_import
    left join followed on followed.touchpoint_id = invitation.touchpoint_id
    where followed.touchpoint_id is null
        and date_diff('microsecond', invitation.occurred_at, setting_import.data_date_at) >= setting_import.answer_microseconds
),

size as (
    select
        score_kind,
        count(*) as unit_count
    from unit
    group by score_kind
),

bounded as (
    select
        unit.touchpoint_id,
        unit.customer_id,
        unit.occurred_at,
        unit.score_kind,
        unit.score_scaled,
        unit.is_invited,
        lag(unit.occurred_at) over (
            partition by unit.customer_id, unit.score_kind
            order by unit.occurred_at, unit.touchpoint_id
        ) as previous_at
    from unit
    inner join size on size.score_kind = unit.score_kind
    cross join setting_import
    where size.unit_count <= setting_import.effect_unit_limit
        or unit.customer_id % 1024 * size.unit_count < 1024 * setting_import.effect_unit_limit
),

met as (
    select
        bounded.score_kind,
        bounded.touchpoint_id,
        effect_experience.factor_kind,
        effect_experience.factor,
        bool_or(effect_experience.is_bad) as is_bad
    from bounded
    cross join setting_import
    inner join effect_experience
        on effect_experience.customer_id = bounded.customer_id
        and effect_experience.occurred_at < bounded.occurred_at
        and (bounded.previous_at is null or effect_experience.occurred_at >= bounded.previous_at)
        and date_diff('microsecond', effect_experience.occurred_at, bounded.occurred_at) <= setting_import.window_microseconds
    group by
        bounded.score_kind,
        bounded.touchpoint_id,
        effect_experience.factor_kind,
        effect_experience.factor
)

select
    cast(score_kind as varchar) as scope,
    cast(touchpoint_id as bigint) as unit_id,
    cast(customer_id as bigint) as customer_id,
    cast(score_scaled as double) as score,
    cast(is_invited as boolean) as is_invited,
    cast(null as varchar) as factor_kind,
    cast(null as varchar) as factor,
    cast(null as boolean) as is_bad
from bounded

union all

select
    cast(score_kind as varchar) as scope,
    cast(touchpoint_id as bigint) as unit_id,
    cast(null as bigint) as customer_id,
    cast(null as double) as score,
    cast(null as boolean) as is_invited,
    cast(factor_kind as varchar) as factor_kind,
    cast(factor as varchar) as factor,
    cast(is_bad as boolean) as is_bad
from met

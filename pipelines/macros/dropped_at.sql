-- dropped_at(definition, touchpoint, step): the journeys that went silent at a point, the people, and the bad experiences they had there or
-- within the look-back time before: the rows behind dropped_count and drop_off_evidence.
-- example: from dropped_at('purchase', touchpoint := 'payment_failed')
create or replace macro dropped_at(definition, touchpoint := null, step := null) as table
with

lost as (
    select
        journey_step.journey_id,
        journey_step.customer_id,
        journey_step.step_number,
        journey_step.touchpoint_type,
        journey_step.touchpoint_id,
        journey_step.occurred_at,
        journey_step.channel,
        journey_step.page_group,
        journey_step.device,
        journey.started_at,
        journey.first_channel,
        journey.step_count
    from journey
    join journey_step on journey_step.journey_id = journey.journey_id and journey_step.is_last
    where journey.status = 'dropped'
        and journey.journey_definition = definition
        and (touchpoint is null or journey_step.touchpoint_type = touchpoint)
        and (step is null or least(journey_step.step_number, 51) = least(step, 51))
),

seen as (
    select
        lost.journey_id,
        string_agg(distinct friction.friction, ', ' order by friction.friction) as frictions
    from lost
    cross join setting
    join friction
        on friction.customer_id = lost.customer_id
        and friction.occurred_at <= lost.occurred_at
        and friction.occurred_at >= lost.occurred_at - to_seconds(setting.evidence_look_back_seconds)
        and friction.known_at <= setting.data_date_at
    group by lost.journey_id
)

select
    lost.*,
    seen.frictions
from lost
left join seen using (journey_id)
order by lost.occurred_at desc, lost.journey_id

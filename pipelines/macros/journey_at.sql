-- journey_at(definition, touchpoint, step): the journeys and people at a point: the rows behind drop_off_point, step_matrix and
-- journey_coverage. Without a touchpoint or step: at all of them. outcome tells how each went on from there.
-- example: from journey_at('purchase', touchpoint := 'checkout_started')
create or replace macro journey_at(definition, touchpoint := null, step := null) as table
select
    journey_step.journey_id,
    journey_step.customer_id,
    journey_step.step_number,
    journey_step.touchpoint_type,
    journey_step.touchpoint_id,
    journey_step.occurred_at,
    case when journey_step.is_last then journey.status else 'continued' end as outcome,
    journey_step.next_touchpoint_type,
    journey_step.seconds_until_next,
    journey_step.channel,
    journey_step.page_group,
    journey_step.device,
    journey.first_channel,
    journey.status
from journey_step
join journey using (journey_id)
where journey_step.journey_definition = definition
    and (touchpoint is null or journey_step.touchpoint_type = touchpoint)
    -- As in drop_off_point, 51 stands for 51 and later.
    and (step is null or least(journey_step.step_number, 51) = least(step, 51))

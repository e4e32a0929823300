-- timeline(customer): everything that happened with one customer, in order, with the visit and the journeys it was part of.
-- example: from timeline(1234567)
create or replace macro timeline(customer) as table
with

part as (
    select
        journey_step.touchpoint_id,
        string_agg(
            journey_step.journey_definition || ' ' || journey_step.step_number || '/' || journey.step_count || ' ' || journey.status,
            ', ' order by journey_step.journey_definition
        ) as journeys
    from journey_step
    join journey using (journey_id)
    where journey_step.customer_id = customer
    group by journey_step.touchpoint_id
)

select
    touchpoint.occurred_at,
    touchpoint.touchpoint_type,
    touchpoint.channel,
    touchpoint.channel_detail,
    touchpoint.direction,
    touchpoint.outcome,
    touchpoint.page_path,
    touchpoint.campaign_name,
    touchpoint.waiting_seconds,
    touchpoint.amount_base,
    touchpoint.score_scaled,
    touchpoint.session_id,
    part.journeys,
    touchpoint.source_export,
    touchpoint.touchpoint_id
from touchpoint
left join part using (touchpoint_id)
where touchpoint.customer_id = customer
order by touchpoint.occurred_at, touchpoint.touchpoint_id

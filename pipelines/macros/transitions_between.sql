-- transitions_between(definition, origin, destination): the journeys behind a row of channel_transition or touchpoint_transition: one
-- row per transition. origin and destination are channels or touchpoint types; both of one kind.
-- example: from transitions_between('service', 'phone', 'email')
create or replace macro transitions_between(definition, origin, destination) as table
with

step as (
    select
        journey_id,
        customer_id,
        step_number,
        occurred_at,
        touchpoint_type,
        channel,
        next_touchpoint_type,
        lead(channel) over (partition by journey_id order by step_number) as next_channel,
        seconds_until_next
    from journey_step
    where journey_definition = definition
)

select
    journey_id,
    customer_id,
    step_number,
    occurred_at,
    touchpoint_type,
    next_touchpoint_type,
    channel,
    next_channel,
    seconds_until_next
from step
where (channel = origin and next_channel = destination)
    or (touchpoint_type = origin and next_touchpoint_type = destination)
order by occurred_at, journey_id

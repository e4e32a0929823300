-- Share of the journeys that are at a touchpoint type, or have ended, at each of the first ten steps.
select
    state,
    step_number,
    journey_count,
    journey_share
from step_matrix
where journey_definition = $definition and step_number <= 10
order by sum(journey_count) over (partition by state) desc, state, step_number

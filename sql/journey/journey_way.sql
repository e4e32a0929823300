-- journey_way: the first and the last six different touchpoints of each journey, as narrow codes.
-- kind: per_customer
-- grain: journey_id
-- Trees and Sankeys ask for prefixes and suffixes of ways over millions of journeys. Twelve small integers a journey answer that by
-- one scan; from journey_step the same takes a window over every step. Repeats of one type count once.
with

change as (
    select
        journey_step.journey_id,
        journey_step.step_number,
        touchpoint_type.touchpoint_type_code
    from journey_step
    inner join touchpoint_type on touchpoint_type.touchpoint_type = journey_step.touchpoint_type
    where not journey_step.is_repeat
),

positioned as (
    select
        journey_id,
        touchpoint_type_code,
        row_number() over (partition by journey_id order by step_number) as forward_position,
        row_number() over (partition by journey_id order by step_number desc) as backward_position
    from change
),

walked as (
    select
        journey_id,
        max(case when forward_position = 1 then touchpoint_type_code end) as forward_1_code,
        max(case when forward_position = 2 then touchpoint_type_code end) as forward_2_code,
        max(case when forward_position = 3 then touchpoint_type_code end) as forward_3_code,
        max(case when forward_position = 4 then touchpoint_type_code end) as forward_4_code,
        max(case when forward_position = 5 then touchpoint_type_code end) as forward_5_code,
        max(case when forward_position = 6 then touchpoint_type_code end) as forward_6_code,
        max(case when backward_position = 1 then touchpoint_type_code end) as backward_1_code,
        max(case when backward_position = 2 then touchpoint_type_code end) as backward_2_code,
        max(case when backward_position = 3 then touchpoint_type_code end) as backward_3_code,
        max(case when backward_position = 4 then touchpoint_type_code end) as backward_4_code,
        max(case when backward_position = 5 then touchpoint_type_code end) as backward_5_code,
        max(case when backward_position = 6 then touchpoint_type_code end) as backward_6_code,
        count(*) as change_count
    from positioned
    group by journey_id
)

select
    cast(journey.journey_id as bigint) as journey_id,
    cast(journey.customer_id as bigint) as customer_id,
    cast(journey.journey_definition as varchar) as journey_definition,
    cast(journey.status as varchar) as status,
    cast(journey.started_at as timestamp) as started_at,
    cast(journey.ended_at as timestamp) as ended_at,
    cast(journey.value_amount_base as double) as value_amount_base,
    cast(walked.change_count as integer) as change_count,
    cast(walked.forward_1_code as smallint) as forward_1_code,
    cast(walked.forward_2_code as smallint) as forward_2_code,
    cast(walked.forward_3_code as smallint) as forward_3_code,
    cast(walked.forward_4_code as smallint) as forward_4_code,
    cast(walked.forward_5_code as smallint) as forward_5_code,
    cast(walked.forward_6_code as smallint) as forward_6_code,
    cast(walked.backward_1_code as smallint) as backward_1_code,
    cast(walked.backward_2_code as smallint) as backward_2_code,
    cast(walked.backward_3_code as smallint) as backward_3_code,
    cast(walked.backward_4_code as smallint) as backward_4_code,
    cast(walked.backward_5_code as smallint) as backward_5_code,
    cast(walked.backward_6_code as smallint) as backward_6_code
from journey
inner join walked on walked.journey_id = journey.journey_id

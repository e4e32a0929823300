-- journey_path: how often each path is walked, per journey definition and status.
-- kind: aggregate
-- grain: journey_definition, status, path
-- A path is the touchpoint types in order, the same type several times in a row once. It is read from the first 50
-- steps; ' > …' at the end says there were more. The sum of journey_count is the number of journeys (checked).
-- Sums of money and scores run over decimals: a sum of doubles depends on the order in which threads add them.
with

journey_import as (
    select
        journey_id,
        journey_definition,
        status,
        step_count,
        duration_seconds,
        value_amount_base
    from journey
),

walked as (
    select
        journey_id,
        string_agg(touchpoint_type, ' > ' order by step_number) as path,
        count(*) as path_length
    from journey_step
    where step_number <= 50
        and not is_repeat
    group by journey_id
),

named as (
    select
        journey_import.journey_definition,
        journey_import.status,
        walked.path || case when journey_import.step_count > 50 then ' > …' else '' end as path,
        walked.path_length,
        journey_import.step_count,
        journey_import.duration_seconds,
        journey_import.value_amount_base
    from journey_import
    inner join walked on walked.journey_id = journey_import.journey_id
),

total as (
    select
        journey_definition,
        count(*) as total_count
    from journey_import
    group by journey_definition
),

counted as (
    select
        journey_definition,
        status,
        path,
        max(path_length) as path_length,
        count(*) as journey_count,
        sum(step_count) as step_count,
        sum(duration_seconds) as duration_seconds,
        cast(sum(cast(value_amount_base as decimal(38, 4))) as double) as value_amount_base
    from named
    group by
        journey_definition,
        status,
        path
)

select
    cast(counted.journey_definition as varchar) as journey_definition,
    cast(counted.status as varchar) as status,
    cast(counted.path as varchar) as path,
    cast(counted.path_length as integer) as path_length,
    cast(counted.journey_count as bigint) as journey_count,
    cast(cast(counted.journey_count as double) / total.total_count as double) as journey_share,
    cast(cast(counted.step_count as double) / counted.journey_count as double) as mean_step_count,
    cast(cast(counted.duration_seconds as double) / counted.journey_count as double) as mean_duration_seconds,
    cast(counted.value_amount_base as double) as value_amount_base
from counted
inner join total on total.journey_definition = counted.journey_definition

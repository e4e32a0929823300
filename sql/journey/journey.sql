-- journey: one row per run of a customer through a journey definition.
-- kind: per_customer
-- grain: journey_id
-- converted: the last step reaches a goal · exited: the last step leaves for good · dropped: silent for longer than the gap
-- as of the data date · open: none of these yet. An open journey is censored: it is no drop-off. open_until_at tells the
-- night when time alone turns open into dropped.
with

setting_import as (
    select data_date_at
    from setting
),

journey_definition_import as (
    select
        journey_definition,
        gap_seconds
    from journey_definition
),

summed as (
    select
        journey_id,
        journey_definition,
        customer_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) as step_count,
        count(*) filter (where is_medium_switch) as medium_switch_count,
        count(*) filter (where is_failure) as failure_count,
        max(case when step_number = 1 then touchpoint_id end) as first_touchpoint_id,
        max(case when step_number = 1 then touchpoint_type end) as first_touchpoint_type,
        max(case when step_number = 1 then channel end) as first_channel,
        max(case when is_last then touchpoint_id end) as last_touchpoint_id,
        max(case when is_last then touchpoint_type end) as last_touchpoint_type,
        max(case when is_last then channel end) as last_channel,
        bool_or(is_goal) as is_converted,
        bool_or(is_exit) as is_exited,
        count(*) filter (where journey_phase = 'before') as before_step_count,
        count(*) filter (where journey_phase = 'during') as during_step_count,
        count(*) filter (where journey_phase = 'after') as after_step_count,
        sum(case when is_goal then amount_base end) as value_amount_base
    from journey_step
    group by
        journey_id,
        journey_definition,
        customer_id
),

-- Counted apart, each over two columns: one GROUP BY with two DISTINCTs takes twice as long.
visited_channel as (
    select
        journey_id,
        count(*) as channel_count,
        string_agg(channel, ', ' order by channel) as channels
    from (
        select distinct
            journey_id,
            channel
        from journey_step
    ) as used
    group by journey_id
),

visited_session as (
    select
        journey_id,
        count(distinct session_id) as session_count
    from journey_step
    where session_id is not null
    group by journey_id
),

dated as (
    select
        summed.journey_id,
        summed.journey_definition,
        summed.customer_id,
        summed.started_at,
        summed.ended_at,
        summed.step_count,
        visited_channel.channel_count,
        visited_channel.channels,
        coalesce(visited_session.session_count, 0) as session_count,
        summed.medium_switch_count,
        summed.failure_count,
        summed.first_touchpoint_id,
        summed.first_touchpoint_type,
        summed.first_channel,
        summed.last_touchpoint_id,
        summed.last_touchpoint_type,
        summed.last_channel,
        summed.is_converted,
        summed.is_exited,
        concat_ws(
            ' > ',
            case when summed.before_step_count > 0 then 'before' end,
            case when summed.during_step_count > 0 then 'during' end,
            case when summed.after_step_count > 0 then 'after' end
        ) as phases_reached,
        summed.value_amount_base,
        date_diff('microsecond', summed.started_at, summed.ended_at) as duration_microseconds,
        summed.ended_at + journey_definition_import.gap_seconds * interval '1' second as open_until_at,
        setting_import.data_date_at
    from summed
    cross join setting_import
    inner join journey_definition_import
        on journey_definition_import.journey_definition = summed.journey_definition
    inner join visited_channel on visited_channel.journey_id = summed.journey_id
    left join visited_session on visited_session.journey_id = summed.journey_id
)

select
    cast(journey_id as bigint) as journey_id,
    cast(journey_definition as varchar) as journey_definition,
    cast(customer_id as bigint) as customer_id,
    cast(first_touchpoint_id as bigint) as first_touchpoint_id,
    cast(last_touchpoint_id as bigint) as last_touchpoint_id,
    cast(
        case
            when is_converted then 'converted'
            when is_exited then 'exited'
            when open_until_at < data_date_at then 'dropped'
            else 'open'
        end as varchar
    ) as status,
    cast(started_at as timestamp) as started_at,
    cast(ended_at as timestamp) as ended_at,
    cast(open_until_at as timestamp) as open_until_at,
    cast((duration_microseconds - duration_microseconds % 1000000) / 1000000 as integer) as duration_seconds,
    cast(step_count as integer) as step_count,
    cast(channel_count as integer) as channel_count,
    cast(channels as varchar) as channels,
    cast(case when phases_reached <> '' then phases_reached end as varchar) as phases_reached,
    cast(session_count as bigint) as session_count,
    cast(medium_switch_count as integer) as medium_switch_count,
    cast(failure_count as bigint) as failure_count,
    cast(first_touchpoint_type as varchar) as first_touchpoint_type,
    cast(first_channel as varchar) as first_channel,
    cast(last_touchpoint_type as varchar) as last_touchpoint_type,
    cast(last_channel as varchar) as last_channel,
    cast(value_amount_base as double) as value_amount_base
from dated

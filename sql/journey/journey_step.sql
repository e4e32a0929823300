-- journey_step: one row per touchpoint of a journey.
-- kind: per_customer
-- grain: journey_id, step_number
-- Per definition, the included touchpoints of a customer in total order are cut after a goal or an exit and where the pause
-- exceeds the gap; inside a piece the journey begins at the first start touchpoint, and a piece without one is no journey.
-- Two passes: pauses and ends; running positions of the last cut and the last start ("the first start since the cut" is then a
-- comparison of two numbers). A piece is told its beginning by a join: a third pass would take an eighth more.
with

definition as (
    select
        journey_definition.journey_definition,
        journey_definition.journey_number,
        journey_definition.id_offset,
        journey_definition.gap_seconds * 1000000 as gap_microseconds,
        journey_definition_type.touchpoint_type_code,
        journey_definition_type.is_start,
        journey_definition_type.is_goal,
        journey_definition_type.is_exit
    from journey_definition
    inner join journey_definition_type
        on journey_definition_type.journey_definition = journey_definition.journey_definition
),

included as (
    select
        definition.journey_number,
        definition.gap_microseconds,
        definition.is_start,
        definition.is_goal,
        definition.is_exit,
        spine.customer_id,
        spine.occurred_at,
        spine.sort_rank,
        spine.touchpoint_id,
        spine.touchpoint_type_code,
        spine.channel_code,
        spine.is_online,
        spine.is_failure,
        spine.session_id,
        spine.waiting_seconds,
        spine.amount_base,
        spine.score_scaled
    from spine
    inner join definition on definition.touchpoint_type_code = spine.touchpoint_type_code
),

measured as (
    select
        journey_number,
        gap_microseconds,
        is_start,
        is_goal,
        is_exit,
        customer_id,
        occurred_at,
        touchpoint_id,
        touchpoint_type_code,
        channel_code,
        is_online,
        is_failure,
        session_id,
        waiting_seconds,
        amount_base,
        score_scaled,
        row_number() over ordered as position,
        date_diff('microsecond', lag(occurred_at) over ordered, occurred_at) as pause_microseconds,
        lag(is_goal or is_exit) over ordered as follows_end,
        lag(is_online) over ordered as previous_is_online,
        lag(channel_code) over ordered as previous_channel_code,
        lag(touchpoint_type_code) over ordered as previous_touchpoint_type_code,
        date_diff('microsecond', occurred_at, lead(occurred_at) over ordered) as next_pause_microseconds,
        lead(touchpoint_type_code) over ordered as next_touchpoint_type_code
    from included
    window ordered as (
        partition by journey_number, customer_id
        order by occurred_at, sort_rank, touchpoint_id
    )
),

placed as (
    select
        journey_number,
        customer_id,
        occurred_at,
        touchpoint_id,
        touchpoint_type_code,
        channel_code,
        is_start,
        is_goal,
        is_exit,
        is_online,
        is_failure,
        session_id,
        waiting_seconds,
        amount_base,
        score_scaled,
        position,
        pause_microseconds,
        next_pause_microseconds,
        previous_is_online,
        previous_channel_code,
        previous_touchpoint_type_code,
        next_touchpoint_type_code,
        is_goal
        or is_exit
        or next_pause_microseconds is null
        or next_pause_microseconds > gap_microseconds as is_last,
        max(
            case
                when pause_microseconds is null or follows_end or pause_microseconds > gap_microseconds then position
            end
        ) over until_here as cut_position,
        max(case when is_start then position end) over (
            partition by journey_number, customer_id
            order by position
            rows between unbounded preceding and 1 preceding
        ) as previous_start_position
    from measured
    window until_here as (
        partition by journey_number, customer_id
        order by position
        rows between unbounded preceding and current row
    )
),

begun as (
    select
        journey_number,
        customer_id,
        cut_position,
        position as first_position,
        touchpoint_id as first_touchpoint_id
    from placed
    where is_start
        and (previous_start_position is null or previous_start_position < cut_position)
),

numbered as (
    select
        placed.journey_number,
        placed.customer_id,
        placed.occurred_at,
        placed.touchpoint_id,
        placed.touchpoint_type_code,
        placed.channel_code,
        placed.is_goal,
        placed.is_exit,
        placed.is_online,
        placed.is_failure,
        placed.is_last,
        placed.session_id,
        placed.waiting_seconds,
        placed.amount_base,
        placed.score_scaled,
        placed.pause_microseconds,
        placed.next_pause_microseconds,
        placed.previous_is_online,
        placed.previous_channel_code,
        placed.previous_touchpoint_type_code,
        placed.next_touchpoint_type_code,
        begun.first_touchpoint_id,
        placed.position - begun.first_position + 1 as step_number
    from placed
    inner join begun
        on begun.journey_number = placed.journey_number
        and begun.customer_id = placed.customer_id
        and begun.cut_position = placed.cut_position
        and begun.first_position <= placed.position
),

-- What the web knows of a touchpoint; the first folder of a path is its page group ('/' for the home page).
page as (
    select
        touchpoint_id,
        case when page_path is not null then '/' || regexp_extract(page_path, '^/?([^/?#]*)', 1) end as page_group,
        device
    from touchpoint
    where page_path is not null
        or device is not null
)

select
    cast(numbered.first_touchpoint_id + journey_definition.id_offset as bigint) as journey_id,
    cast(journey_definition.journey_definition as varchar) as journey_definition,
    cast(numbered.customer_id as bigint) as customer_id,
    cast(numbered.step_number as integer) as step_number,
    cast(numbered.touchpoint_id as bigint) as touchpoint_id,
    cast(numbered.session_id as bigint) as session_id,
    cast(touchpoint_type.touchpoint_type as varchar) as touchpoint_type,
    cast(case when not numbered.is_last then next_touchpoint_type.touchpoint_type end as varchar) as next_touchpoint_type,
    cast(channel.channel as varchar) as channel,
    cast(case when numbered.step_number > 1 then previous_channel.channel end as varchar) as previous_channel,
    cast(page.page_group as varchar) as page_group,
    cast(page.device as varchar) as device,
    cast(journey_definition_type.journey_phase as varchar) as journey_phase,
    cast(numbered.occurred_at as timestamp) as occurred_at,
    cast(
        case when numbered.step_number > 1 then (numbered.pause_microseconds - numbered.pause_microseconds % 1000000) / 1000000 end
        as bigint
    ) as seconds_since_previous,
    cast(
        case
            when not numbered.is_last
                then (numbered.next_pause_microseconds - numbered.next_pause_microseconds % 1000000) / 1000000
        end as bigint
    ) as seconds_until_next,
    cast(numbered.is_goal as boolean) as is_goal,
    cast(numbered.is_exit as boolean) as is_exit,
    cast(numbered.is_last as boolean) as is_last,
    cast(numbered.is_online as boolean) as is_online,
    cast(
        numbered.step_number > 1 and numbered.touchpoint_type_code = numbered.previous_touchpoint_type_code
        as boolean
    ) as is_repeat,
    cast(numbered.step_number > 1 and numbered.is_online <> numbered.previous_is_online as boolean) as is_medium_switch,
    cast(numbered.is_failure as boolean) as is_failure,
    cast(numbered.waiting_seconds as integer) as waiting_seconds,
    cast(numbered.score_scaled as double) as score_scaled,
    cast(numbered.amount_base as double) as amount_base
from numbered
inner join journey_definition on journey_definition.journey_number = numbered.journey_number
inner join journey_definition_type
    on journey_definition_type.journey_definition = journey_definition.journey_definition
    and journey_definition_type.touchpoint_type_code = numbered.touchpoint_type_code
inner join touchpoint_type on touchpoint_type.touchpoint_type_code = numbered.touchpoint_type_code
inner join channel on channel.channel_code = numbered.channel_code
left join channel as previous_channel on previous_channel.channel_code = numbered.previous_channel_code
left join touchpoint_type as next_touchpoint_type
    on next_touchpoint_type.touchpoint_type_code = numbered.next_touchpoint_type_code
left join page on page.touchpoint_id = numbered.touchpoint_id

-- journey_variant: the way of every journey as text, in six forms: the people behind journey_path.
-- kind: per_customer
-- grain: journey_id
-- By touchpoint type, by channel, and by page group (the touchpoint type where there is no page); each with every step, and with the
-- same thing several times in a row once. Read from the first 50 steps; ' > …' at the end says there were more.
-- Collapsed forms: changes are filtered first and then joined, a third faster than a CASE inside the aggregate (measured).
with

step as (
    select
        journey_id,
        customer_id,
        journey_definition,
        step_number,
        touchpoint_type,
        channel,
        coalesce(page_group, touchpoint_type) as place,
        is_repeat,
        step_number > 1 and channel = previous_channel as is_channel_repeat,
        coalesce(
            coalesce(page_group, touchpoint_type) = lag(coalesce(page_group, touchpoint_type)) over (
                partition by journey_id
                order by step_number
            ),
            false
        ) as is_place_repeat
    from journey_step
    where step_number <= 51
),

whole as (
    select
        journey_id,
        customer_id,
        journey_definition,
        case when max(step_number) > 50 then ' > …' else '' end as ending,
        string_agg(touchpoint_type, ' > ' order by step_number) filter (where step_number <= 50) as touchpoint_path_full,
        string_agg(channel, ' > ' order by step_number) filter (where step_number <= 50) as channel_path_full,
        string_agg(place, ' > ' order by step_number) filter (where step_number <= 50) as page_group_path_full
    from step
    group by
        journey_id,
        customer_id,
        journey_definition
),

by_type as (
    select
        journey_id,
        string_agg(touchpoint_type, ' > ' order by step_number) as touchpoint_path
    from step
    where step_number <= 50
        and not is_repeat
    group by journey_id
),

by_channel as (
    select
        journey_id,
        string_agg(channel, ' > ' order by step_number) as channel_path
    from step
    where step_number <= 50
        and not is_channel_repeat
    group by journey_id
),

by_place as (
    select
        journey_id,
        string_agg(place, ' > ' order by step_number) as page_group_path
    from step
    where step_number <= 50
        and not is_place_repeat
    group by journey_id
)

select
    cast(whole.journey_id as bigint) as journey_id,
    cast(whole.customer_id as bigint) as customer_id,
    cast(whole.journey_definition as varchar) as journey_definition,
    cast(by_type.touchpoint_path || whole.ending as varchar) as touchpoint_path,
    cast(whole.touchpoint_path_full || whole.ending as varchar) as touchpoint_path_full,
    cast(by_channel.channel_path || whole.ending as varchar) as channel_path,
    cast(whole.channel_path_full || whole.ending as varchar) as channel_path_full,
    cast(by_place.page_group_path || whole.ending as varchar) as page_group_path,
    cast(whole.page_group_path_full || whole.ending as varchar) as page_group_path_full
from whole
inner join by_type on by_type.journey_id = whole.journey_id
inner join by_channel on by_channel.journey_id = whole.journey_id
inner join by_place on by_place.journey_id = whole.journey_id

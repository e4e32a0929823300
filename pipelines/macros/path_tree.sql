-- path_tree(definition, root): the ways from a touchpoint on (direction 'forward') or to it ('backward'), to any depth, as a tree.
-- One row per node: level 0 is the root at its first (backward: last) time in each journey; branch is the way to the node. ended_count: journeys
-- that end (backward: begin) there, so a node's journeys are its children's and its ended ones. root null: from the start (the end).
-- form: touchpoint_type, channel or page_group (the root is then one of those); collapsed: the same several times in a row once.
-- example: from path_tree('purchase', 'cart_updated', depth := 3) order by branch
create or replace macro path_tree(
    definition, root := null, depth := 5, direction := 'forward', form := 'touchpoint_type', collapsed := true
) as table
with

named as (
    select
        journey_id,
        customer_id,
        step_number,
        case form
            when 'touchpoint_type' then touchpoint_type
            when 'channel' then channel
            when 'page_group' then coalesce(page_group, touchpoint_type)
        end as place
    from journey_step
    where journey_definition = definition
        and case
            when form not in ('touchpoint_type', 'channel', 'page_group')
                then error('form is touchpoint_type, channel or page_group, not ' || form)
            when direction not in ('forward', 'backward') then error('direction is forward or backward, not ' || direction)
            else true
        end
),

changed as (
    select
        *,
        lag(place) over (partition by journey_id order by step_number) as place_before
    from named
),

numbered as (
    select
        journey_id,
        customer_id,
        place,
        row_number() over (
            partition by journey_id
            order by case when direction = 'forward' then step_number else -step_number end
        ) as place_number
    from changed
    where not collapsed
        or place_before is distinct from place
),

rooted as (
    select
        journey_id,
        min(place_number) as root_number
    from numbered
    where root is null
        or place = root
    group by journey_id
),

length as (
    select
        journey_id,
        max(place_number) as place_count
    from numbered
    group by journey_id
),

walked as (
    select
        numbered.journey_id,
        numbered.customer_id,
        numbered.place,
        numbered.place_number - rooted.root_number as level,
        numbered.place_number = length.place_count as is_end,
        string_agg(numbered.place, case direction when 'forward' then ' > ' else ' < ' end) over (
            partition by numbered.journey_id
            order by numbered.place_number
            rows between unbounded preceding and current row
        ) as branch
    from numbered
    join rooted using (journey_id)
    join length using (journey_id)
    where numbered.place_number between rooted.root_number and rooted.root_number + depth
),

node as (
    select
        walked.level,
        walked.branch,
        any_value(walked.place) as place,
        count(*) as journey_count,
        count(distinct walked.customer_id) as customer_count,
        count(*) filter (where walked.is_end) as ended_count,
        count(*) filter (where journey.status = 'converted') as converted_count,
        count(*) filter (where journey.status = 'dropped') as dropped_count,
        count(*) filter (where journey.status <> 'open') as decided_count
    from walked
    join journey using (journey_id)
    group by
        walked.level,
        walked.branch
)

select
    level,
    branch,
    place,
    journey_count,
    customer_count,
    ended_count,
    converted_count,
    dropped_count,
    journey_count / sum(case when level = 0 then journey_count end) over () as root_share,
    case when decided_count > 0 then converted_count / decided_count end as converted_share
from node
order by
    level,
    journey_count desc,
    branch

-- journey_path: the variants: how often each path is walked, by how many people, with what end and how fast.
-- kind: aggregate
-- grain: journey_definition, path_by, is_collapsed, path
-- Six views of the same journeys, so each (path_by, is_collapsed) sums up to the journeys (checked). Listed are the most frequent
-- variants (setting variant_limit); the others stand together as '(other paths)'. The people behind a path: journey_variant.
-- Sums of money run over decimals: a sum of doubles depends on the order in which threads add them.
with

setting_import as (
    select variant_limit
    from setting
),

journey_import as (
    select
        journey_id,
        customer_id,
        status,
        step_count,
        duration_seconds,
        value_amount_base
    from journey
),

form as (
    select
        journey_id,
        journey_definition,
        'touchpoint_type' as path_by,
        true as is_collapsed,
        touchpoint_path as path
    from journey_variant

    union all

    select
        journey_id,
        journey_definition,
        'touchpoint_type' as path_by,
        false as is_collapsed,
        touchpoint_path_full as path
    from journey_variant

    union all

    select
        journey_id,
        journey_definition,
        'channel' as path_by,
        true as is_collapsed,
        channel_path as path
    from journey_variant

    union all

    select
        journey_id,
        journey_definition,
        'channel' as path_by,
        false as is_collapsed,
        channel_path_full as path
    from journey_variant

    union all

    select
        journey_id,
        journey_definition,
        'page_group' as path_by,
        true as is_collapsed,
        page_group_path as path
    from journey_variant

    union all

    select
        journey_id,
        journey_definition,
        'page_group' as path_by,
        false as is_collapsed,
        page_group_path_full as path
    from journey_variant
),

ranked as (
    select
        form.journey_definition,
        form.path_by,
        form.is_collapsed,
        form.path,
        row_number() over (
            partition by form.journey_definition, form.path_by, form.is_collapsed
            order by count(*) desc, form.path
        ) as variant_rank
    from form
    group by
        form.journey_definition,
        form.path_by,
        form.is_collapsed,
        form.path
),

listed as (
    select
        ranked.journey_definition,
        ranked.path_by,
        ranked.is_collapsed,
        ranked.path,
        case when ranked.variant_rank <= setting_import.variant_limit then ranked.path else '(other paths)' end as listed_path
    from ranked
    cross join setting_import
),

counted as (
    select
        form.journey_definition,
        form.path_by,
        form.is_collapsed,
        listed.listed_path as path,
        count(distinct form.path) as variant_count,
        count(*) as journey_count,
        count(distinct journey_import.customer_id) as customer_count,
        count(*) filter (where journey_import.status = 'converted') as converted_count,
        count(*) filter (where journey_import.status = 'exited') as exited_count,
        count(*) filter (where journey_import.status = 'dropped') as dropped_count,
        count(*) filter (where journey_import.status = 'open') as open_count,
        sum(journey_import.step_count) as step_count,
        percentile_cont(0.5) within group (order by journey_import.duration_seconds) as median_duration_seconds,
        sum(journey_import.duration_seconds) as duration_seconds,
        cast(sum(cast(journey_import.value_amount_base as decimal(38, 4))) as double) as value_amount_base
    from form
    inner join listed
        on listed.journey_definition = form.journey_definition
        and listed.path_by = form.path_by
        and listed.is_collapsed = form.is_collapsed
        and listed.path = form.path
    inner join journey_import on journey_import.journey_id = form.journey_id
    group by
        form.journey_definition,
        form.path_by,
        form.is_collapsed,
        listed.listed_path
),

total as (
    select
        journey_definition,
        path_by,
        is_collapsed,
        sum(journey_count) as total_count
    from counted
    group by
        journey_definition,
        path_by,
        is_collapsed
)

select
    cast(counted.journey_definition as varchar) as journey_definition,
    cast(counted.path_by as varchar) as path_by,
    cast(counted.is_collapsed as boolean) as is_collapsed,
    cast(counted.path as varchar) as path,
    cast(counted.variant_count as bigint) as variant_count,
    cast(counted.journey_count as bigint) as journey_count,
    cast(cast(counted.journey_count as double) / cast(total.total_count as double) as double) as journey_share,
    cast(counted.customer_count as bigint) as customer_count,
    cast(counted.converted_count as bigint) as converted_count,
    cast(counted.exited_count as bigint) as exited_count,
    cast(counted.dropped_count as bigint) as dropped_count,
    cast(counted.open_count as bigint) as open_count,
    cast(
        case
            when counted.journey_count > counted.open_count
                then cast(counted.converted_count as double) / (counted.journey_count - counted.open_count)
        end as double
    ) as converted_share,
    cast(cast(counted.step_count as double) / counted.journey_count as double) as mean_step_count,
    cast(counted.median_duration_seconds as double) as median_duration_seconds,
    cast(cast(counted.duration_seconds as double) / counted.journey_count as double) as mean_duration_seconds,
    cast(counted.value_amount_base as double) as value_amount_base
from counted
inner join total
    on total.journey_definition = counted.journey_definition
    and total.path_by = counted.path_by
    and total.is_collapsed = counted.is_collapsed

-- In what the files of an export differ from what is declared of it, over all its files.
with

told as (
    select
        source_export,
        file_id,
        unnest(json_keys(drift)) as drift_kind,
        drift
    from export_file
    where status = 'read' and drift is not null
),

item as (
    select
        source_export,
        file_id,
        drift_kind,
        unnest(cast(json_extract(drift, '$.' || drift_kind) as json[])) as item
    from told
),

named as (
    select
        source_export,
        file_id,
        case when drift_kind = 'new' then 'new_column' else drift_kind end as drift_kind,
        coalesce(item ->> '$.value', item ->> '$.column', item ->> '$') as name
    from item
)

select
    source_export,
    drift_kind,
    count(distinct file_id) as file_count,
    count(distinct name) as different_count,
    list_aggregate(list_sort(list_distinct(list(name)))[:6], 'string_agg', ', ') as first_names
from named
group by source_export, drift_kind
order by drift_kind = 'new_column', source_export, drift_kind

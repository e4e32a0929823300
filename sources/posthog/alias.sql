-- posthog.alias: $identify joins the device's id; an alias may be either, so it is linked as both.
select
  row_id,
  side.kind as part,
  'login' as left_type,
  distinct_id as left_value,
  side.kind as right_type,
  coalesce(properties ->> '$."$anon_distinct_id"', properties ->> '$.alias') as right_value,
  "timestamp" as linked_at,
  ltrim(event, '$') as reason
from export_row
join (values ('cookie'), ('login')) as side (kind) on side.kind = 'cookie' or event <> '$identify'

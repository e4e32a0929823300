-- segment.alias: the previous id may have been an anonymous or a user id; an alias call does not say which, so both are linked.
-- A merge call names the two ids with their types.
with merged as (
  select
    row_id,
    list_transform([0, 1], lambda place: {
      'type': mergeProperties ->> ('$[' || place || '].type'),
      'value': mergeProperties ->> ('$[' || place || '].value')
    }) as ids,
    coalesce(receivedAt, timestamp) as linked_at
  from export_row
  where type = 'merge'
),

typed as (
  select
    row_id,
    list_transform(ids, lambda id: {
      'type': case id.type when 'user_id' then 'login' when 'anonymous_id' then 'cookie' when 'email' then 'email'
        when 'phone' then 'phone' else 'segment.' || coalesce(id.type, 'id') end,
      'value': id.value
    }) as ids,
    linked_at
  from merged
)

select
  row_id,
  side.kind as part,
  'login' as left_type,
  userId as left_value,
  side.kind as right_type,
  previousId as right_value,
  coalesce(receivedAt, timestamp) as linked_at,
  'alias call' as reason
from export_row, (values ('cookie'), ('login')) as side (kind)
where type = 'alias'
union all
select
  row_id,
  'merge' as part,
  ids[1].type as left_type,
  ids[1].value as left_value,
  ids[2].type as right_type,
  ids[2].value as right_value,
  linked_at,
  'merge call' as reason
from typed

-- segment.alias: the previous id may have been an anonymous or a user id; the call does not say which, so both are linked.
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

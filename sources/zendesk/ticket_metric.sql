-- zendesk.ticket_metric: ticket_replied (the first reply) and ticket_resolved (the last solution).
-- The export has the first reply only as whole minutes after opening, so its time has precision minute.
-- Reopenings are counted but have no times; the count is an attribute of ticket_resolved, no ticket_reopened is invented.
with metric as (
  select
    *,
    try_cast(reply_time_in_minutes ->> '$.calendar' as integer) as reply_minutes,
    try_cast(full_resolution_time_in_minutes ->> '$.calendar' as integer) as resolution_minutes,
    try_cast(requester_wait_time_in_minutes ->> '$.calendar' as integer) as requester_wait_minutes
  from export_row
),

moment as (
  select
    row_id,
    unnest([
      {
        'touchpoint_type': 'ticket_replied',
        'occurred_at': created_at + to_minutes(reply_minutes),
        'occurred_at_precision': 'minute',
        'waiting_seconds': reply_minutes * 60
      },
      {
        'touchpoint_type': 'ticket_resolved',
        'occurred_at': solved_at,
        'occurred_at_precision': 'second',
        'waiting_seconds': null
      }
    ], recursive := true)
  from metric
)

select
  c.row_id,
  m.touchpoint_type,
  m.occurred_at,
  m.occurred_at_precision,
  m.waiting_seconds,
  [{'type': 'zendesk.ticket', 'value': c.ticket_id}] as identifiers,
  [{'type': 'ticket', 'id': c.ticket_id, 'qualifier': 'subject'}] as objects,
  case when m.touchpoint_type = 'ticket_resolved' then 'success' end as outcome,
  case when m.touchpoint_type = 'ticket_resolved' then c.resolution_minutes * 60 end as duration_seconds,
  {
    'reopen_count': c.reopens,
    'reply_count': c.replies,
    'group_count': c.group_stations,
    'assignee_count': c.assignee_stations,
    'requester_wait_seconds': c.requester_wait_minutes * 60
  } as attributes
from moment as m
inner join metric as c on m.row_id = c.row_id
where m.occurred_at is not null

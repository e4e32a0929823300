-- hubspot.engagement_meeting: appointment_held at its start, one touchpoint per contact who took part.
select
  m.row_id,
  'appointment_held' as touchpoint_type,
  c.contact_id as part,
  m.meeting_outcome as raw_type,
  m.start_time as occurred_at,
  lower(m.source) as channel_detail,
  case when upper(m.meeting_outcome) in ('NO_SHOW', 'NO SHOW') then 'no_answer' end as outcome,
  [{'type': 'hubspot.contact', 'value': c.contact_id}] as identifiers,
  [{'type': 'activity', 'id': m.engagement_id, 'qualifier': 'subject'}] as objects,
  date_diff('second', m.start_time, m.end_time) as duration_seconds,
  m.title as subject
from export_row as m
left join lookup_engagement_contact as c on m.engagement_id = c.engagement_id

-- salesforce.event: appointment_held at its start, demo_given or service_visit when the type says so. An event of a whole day has precision
-- day. An event in the future is cut off by the data date, not here.
select
  row_id,
  case
    when regexp_matches(lower(type), 'demo') then 'demo_given'
    when regexp_matches(lower(type), 'service|repair|installation|on-?site') then 'service_visit'
    else 'appointment_held'
  end as touchpoint_type,
  coalesce(type, event_subtype) as raw_type,
  coalesce(start_date_time, activity_date_time, activity_date) as occurred_at,
  case
    when is_all_day_event or coalesce(start_date_time, activity_date_time) is null then 'day' else 'second'
  end as occurred_at_precision,
  coalesce(type, event_subtype) as channel_detail,
  [
    {'type': 'salesforce.contact', 'value': case when left(who_id, 3) <> '00Q' then who_id end},
    {'type': 'salesforce.lead', 'value': case when left(who_id, 3) = '00Q' then who_id end}
  ] as identifiers,
  [
    {'type': 'appointment', 'id': id, 'qualifier': 'subject'},
    {'type': case left(what_id, 3) when '006' then 'opportunity' when '500' then 'ticket' when '801' then 'order'
      when '001' then 'organisation' else 'record' end, 'id': what_id, 'qualifier': 'about'},
    {'type': 'organisation', 'id': account_id, 'qualifier': 'account'}
  ] as objects,
  case when no_show_c then 'no_answer' end as outcome,
  case
    when is_all_day_event then null
    else coalesce(duration_in_minutes * 60, date_diff('second', start_date_time, end_date_time))
  end as duration_seconds,
  owner_id as agent_id,
  subject,
  {'location': location, 'created_at': created_date, 'is_no_show': no_show_c} as attributes
from export_row

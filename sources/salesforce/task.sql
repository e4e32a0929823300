-- salesforce.task: call_inbound, call_outbound or email_sent; any other kind stays unmapped with its word in raw_type.
-- who_id is a contact (003…) or a lead (00Q…). When: completed, else the activity date (its day when it has no time of
-- day and the task was written down on another day), else created.
with task as (
  select
    *,
    lower(case when lower(task_subtype) = 'task' then coalesce(type, 'call') else coalesce(task_subtype, type, 'call') end)
      as kind,
    activity_date is not null
      and activity_date = date_trunc('day', activity_date)
      and cast(activity_date as date) <> cast(created_date as date) as has_day_only
  from export_row
)

select
  row_id,
  case
    when kind in ('call', 'phone', 'cadence') or call_type is not null
      then case when lower(call_type) = 'inbound' then 'call_inbound' else 'call_outbound' end
    when kind in ('email', 'listemail', 'e-mail') then 'email_sent'
    when kind in ('demo', 'demonstration') then 'demo_given'
    when kind in ('meeting', 'visit', 'appointment') then 'appointment_held'
    when kind in ('letter', 'direct mail', 'mailing') then 'direct_mail_sent'
    when kind in ('sms', 'text message') then 'sms_sent'
    else 'unmapped'
  end as touchpoint_type,
  concat_ws(' ', call_type, coalesce(type, task_subtype)) as raw_type,
  case
    when completed_date_time is not null then completed_date_time
    when has_day_only then activity_date
    when activity_date > date_trunc('day', activity_date) then activity_date
    else created_date
  end as occurred_at,
  case when completed_date_time is null and has_day_only then 'day' else 'second' end as occurred_at_precision,
  coalesce(type, task_subtype) as channel_detail,
  [
    {'type': 'salesforce.contact', 'value': case when left(who_id, 3) <> '00Q' then who_id end},
    {'type': 'salesforce.lead', 'value': case when left(who_id, 3) = '00Q' then who_id end}
  ] as identifiers,
  [
    {'type': 'task', 'id': id, 'qualifier': 'subject'},
    {'type': case left(what_id, 3) when '006' then 'opportunity' when '500' then 'ticket' when '801' then 'order'
      when '001' then 'organisation' else 'record' end, 'id': what_id, 'qualifier': 'about'},
    {'type': 'organisation', 'id': account_id, 'qualifier': 'account'}
  ] as objects,
  case
    when call_disposition is null then null
    when regexp_matches(lower(call_disposition), 'no answer|voice ?mail|not reached|busy') then 'no_answer'
    else call_disposition
  end as outcome,
  call_duration_in_seconds as duration_seconds,
  owner_id as agent_id,
  subject,
  {'status': status, 'priority': priority, 'call_disposition': call_disposition} as attributes
from task

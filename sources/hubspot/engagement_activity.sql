-- hubspot.engagement_activity: call_inbound / call_outbound, email_sent / email_received, sms_sent, appointment_held; one
-- touchpoint per contact who took part. A call without a direction was logged by the sales staff: outbound. Other messages
-- (WhatsApp, LinkedIn) do not say who wrote to whom and stay unmapped. The text of mails and notes is not carried over.
with activity as (
  select
    a.*,
    upper(coalesce(a.type, e.type)) as kind,
    c.contact_id,
    coalesce(a.property_hs_meeting_start_time, a.property_hs_timestamp) as started_at
  from export_row as a
  left join lookup_engagement as e on a.engagement_id = e.engagement_id
  left join lookup_engagement_contact as c on a.engagement_id = c.engagement_id
)

select
  row_id,
  case
    when kind = 'CALL' then case when upper(property_hs_call_direction) = 'INBOUND' then 'call_inbound' else 'call_outbound' end
    when kind in ('EMAIL', 'INCOMING_EMAIL', 'FORWARDED_EMAIL')
      then case
        when coalesce(upper(property_hs_email_direction), kind) = 'INCOMING_EMAIL' then 'email_received'
        else 'email_sent'
      end
    when kind = 'MEETING' then 'appointment_held'
    when kind = 'COMMUNICATION' and upper(property_hs_communication_channel_type) = 'SMS' then 'sms_sent'
    else 'unmapped'
  end as touchpoint_type,
  contact_id as part,
  lower(concat_ws(' ', kind, coalesce(property_hs_call_direction, property_hs_communication_channel_type))) as raw_type,
  started_at as occurred_at,
  case
    when kind = 'MEETING' and upper(property_hs_meeting_outcome) in ('NO_SHOW', 'NO SHOW') then 'no_answer'
    when kind = 'CALL' and upper(property_hs_call_status) in ('NO_ANSWER', 'BUSY', 'MISSED') then 'no_answer'
    when kind = 'CALL' and upper(property_hs_call_status) = 'FAILED' then 'failure'
    when kind = 'CALL' and upper(property_hs_call_status) = 'COMPLETED' then 'success'
  end as outcome,
  [{'type': 'hubspot.contact', 'value': contact_id}] as identifiers,
  [{'type': 'activity', 'id': engagement_id, 'qualifier': 'subject'}] as objects,
  case
    when kind = 'CALL' then cast(property_hs_call_duration / 1000 as bigint)
    when kind = 'MEETING' then date_diff('second', started_at, property_hs_meeting_end_time)
  end as duration_seconds,
  property_hubspot_owner_id as agent_id,
  coalesce(property_hs_email_subject, property_hs_meeting_title) as subject,
  {'created_at': property_hs_createdate, 'status': coalesce(property_hs_call_status, property_hs_meeting_outcome)}
    as attributes
from activity

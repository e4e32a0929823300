-- salesforce.campaign_member: what was sent (at creation) and, on the day of the first response, what was answered.
-- The type follows from the campaign's type; one that says nothing about the contact stays unmapped.
with member as (
  select m.*, c.name as campaign_name, lower(coalesce(c.type, '')) as campaign_type
  from export_row as m
  left join lookup_campaign as c on m.campaign_id = c.campaign_id
),

moment as (
  select
    row_id,
    case
      when campaign_type in ('email', 'e-mail') then 'email_sent'
      when campaign_type in ('direct mail', 'print') then 'direct_mail_sent'
      when campaign_type = 'telemarketing' then 'telemarketing_call'
      else 'unmapped'
    end as touchpoint_type,
    'sent' as part,
    created_date as occurred_at,
    'second' as occurred_at_precision
  from member
  where created_date is not null
  union all
  select
    row_id,
    case
      when campaign_type in ('email', 'e-mail') then 'email_clicked'
      when regexp_matches(campaign_type, 'event|conference|webinar|seminar|trade show|meeting') then 'event_attended'
      else 'unmapped'
    end as touchpoint_type,
    'responded' as part,
    cast(first_responded_date as timestamp) as occurred_at,
    'day' as occurred_at_precision
  from member
  where first_responded_date is not null
)

select
  m.row_id,
  t.touchpoint_type,
  t.part,
  concat_ws(' ', nullif(m.campaign_type, ''), t.part) as raw_type,
  t.occurred_at,
  t.occurred_at_precision,
  m.status as channel_detail,
  m.campaign_id,
  m.campaign_name,
  [
    {'type': 'salesforce.contact', 'value': m.contact_id},
    {'type': 'salesforce.lead', 'value': m.lead_id}
  ] as identifiers,
  [{'type': 'campaign', 'id': m.campaign_id, 'qualifier': 'subject'}] as objects
from moment as t
inner join member as m on t.row_id = m.row_id

-- qualtrics.distribution_contact: survey_sent (the invitation, no score), and email_opened or email_bounced. The answer itself is
-- qualtrics.survey_response; the response id given here as an identifier tells whose it is.
with moment as (
  select
    row_id,
    unnest([
      {'touchpoint_type': 'survey_sent', 'occurred_at': sent_at},
      {'touchpoint_type': 'email_opened', 'occurred_at': opened_at},
      {
        'touchpoint_type': 'email_bounced',
        'occurred_at': case when status in ('HardBounce', 'SoftBounce', 'Bounced', 'Failure') then sent_at end
      }
    ], recursive := true)
  from export_row
)

select
  d.row_id,
  m.touchpoint_type,
  d.status as raw_type,
  m.occurred_at,
  'survey invitation' as channel_detail,
  [
    {'type': 'qualtrics.contact', 'value': d.contact_id},
    {'type': 'qualtrics.response', 'value': d.response_id}
  ] as identifiers,
  [
    {'type': 'survey_invitation', 'id': d.distribution_id, 'qualifier': 'subject'},
    {'type': 'survey_response', 'id': d.response_id, 'qualifier': 'answer'}
  ] as objects,
  case when m.touchpoint_type = 'email_bounced' then 'failure' end as outcome,
  {'response_started_at': d.response_started_at, 'response_completed_at': d.response_completed_at} as attributes
from moment as m
inner join export_row as d on m.row_id = d.row_id
where m.occurred_at is not null

-- zendesk.satisfaction_rating: the record is made when the survey is offered (survey_sent: no score) and changed when the
-- customer answers (survey_answered: csat 1 for good, 0 for bad). An answered record therefore gives both; when it was
-- made and changed in the same second it only tells of the answer. Any other score becomes unmapped with its word.
with rating as (
  select
    *,
    case when score like 'good%' then 1 when score like 'bad%' then 0 end as csat,
    coalesce(updated_at, created_at) as changed_at
  from export_row
),

moment as (
  select row_id, 'survey_sent' as touchpoint_type, created_at as occurred_at
  from rating
  where score = 'offered' or (csat is not null and changed_at > created_at)
  union all
  select
    row_id,
    case when csat is not null then 'survey_answered' else 'unmapped' end as touchpoint_type,
    changed_at as occurred_at
  from rating
  where score <> 'offered'
)

select
  r.row_id,
  m.touchpoint_type,
  r.score as raw_type,
  m.occurred_at,
  'ticket survey' as channel_detail,
  [
    {'type': 'zendesk.user', 'value': r.requester_id},
    {'type': 'zendesk.ticket', 'value': r.ticket_id}
  ] as identifiers,
  [
    {'type': 'ticket', 'id': r.ticket_id, 'qualifier': 'subject'},
    {'type': 'survey', 'id': r.id, 'qualifier': 'answer'}
  ] as objects,
  case when m.touchpoint_type = 'survey_answered' then 'csat' end as score_kind,
  case when m.touchpoint_type = 'survey_answered' then r.csat end as score_raw,
  case when m.touchpoint_type = 'survey_answered' then 0 end as score_min,
  case when m.touchpoint_type = 'survey_answered' then 1 end as score_max,
  r.assignee_id as agent_id,
  {'reason': r.reason, 'comment': r.comment, 'group_id': r.group_id} as attributes
from moment as m
inner join rating as r on m.row_id = r.row_id

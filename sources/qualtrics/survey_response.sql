-- qualtrics.survey_response: survey_answered, one per score that was given (part nps, ces or csat), or one without a score.
-- A question is a score by its export tag (Q_NPS, Q_CES, Q_CSAT), as in the CSV download. Scales as there; a score outside
-- its scale goes to quarantine. When: the end of the session, not when Qualtrics closed an unfinished response.
with question as (
  select survey_id, id as question_id, lower(regexp_replace(data_export_tag, '^Q_', '')) as score_kind
  from lookup_question
  where regexp_full_match(upper(data_export_tag), '(Q_)?(NPS|CES|CSAT)')
),

scored as (
  select
    r.row_id,
    q.score_kind,
    max(try_cast(coalesce(a."value", a."text") as double)) as score_raw
  from export_row as r
  inner join lookup_question_response as a on r.response_id = a.response_id
  inner join question as q on r.survey_id = q.survey_id and a.question_id = q.question_id
  group by r.row_id, q.score_kind
  having max(try_cast(coalesce(a."value", a."text") as double)) is not null
)

select
  r.row_id,
  'survey_answered' as touchpoint_type,
  s.score_kind as part,
  coalesce(r.end_date, r.recorded_date) as occurred_at,
  lower(r.distribution_channel) as channel_detail,
  [
    {'type': 'email', 'value': r.recipient_email},
    {'type': 'qualtrics.response', 'value': r.response_id}
  ] as identifiers,
  [{'type': 'survey_response', 'id': r.response_id, 'qualifier': 'subject'}] as objects,
  case when r.finished then 'success' else 'partial' end as outcome,
  r.duration_in_seconds as duration_seconds,
  s.score_kind,
  s.score_raw,
  case s.score_kind when 'nps' then 0 when 'ces' then 1 when 'csat' then 1 end as score_min,
  case s.score_kind when 'nps' then 10 when 'ces' then 7 when 'csat' then 5 end as score_max,
  v.survey_name as subject,
  {'progress': r.progress, 'language': lower(r.user_language), 'survey_id': r.survey_id} as attributes
from export_row as r
left join scored as s on r.row_id = s.row_id
left join lookup_survey as v on r.survey_id = v.survey_id

-- surveymonkey.response: survey_answered, one per score that was given (part nps, ces or csat), or one without a score.
-- Scales: NPS 0 to 10, CES 1 to 7, CSAT 1 to 5; a score outside its scale goes to quarantine.
-- A response without an end was left half-way: partial, at the time it was begun.
with answer as (
  select
    row_id,
    unnest(
      case
        when nps is null and ces is null and csat is null
          then [{'part': null, 'score_kind': null, 'score_raw': null, 'score_min': null, 'score_max': null}]
        else list_filter([
          {'part': 'nps', 'score_kind': 'nps', 'score_raw': nps, 'score_min': 0, 'score_max': 10},
          {'part': 'ces', 'score_kind': 'ces', 'score_raw': ces, 'score_min': 1, 'score_max': 7},
          {'part': 'csat', 'score_kind': 'csat', 'score_raw': csat, 'score_min': 1, 'score_max': 5}
        ], lambda x: x.score_raw is not null)
      end,
      recursive := true
    )
  from export_row
)

select
  r.row_id,
  'survey_answered' as touchpoint_type,
  a.part,
  coalesce(r."End Date", r."Start Date") as occurred_at,
  'collector ' || r."Collector ID" as channel_detail,
  [
    {'type': 'email', 'value': r."Email Address"},
    {'type': 'customer_number', 'value': nullif(ltrim(r."Custom Data 1", '0'), '')}
  ] as identifiers,
  [{'type': 'survey_response', 'id': r."Respondent ID", 'qualifier': 'subject'}] as objects,
  case when r."End Date" is null then 'partial' else 'success' end as outcome,
  greatest(date_diff('second', r."Start Date", r."End Date"), 0) as duration_seconds,
  a.score_kind,
  a.score_raw,
  a.score_min,
  a.score_max,
  {'comment': r.remark} as attributes
from answer as a
inner join export_row as r on a.row_id = r.row_id

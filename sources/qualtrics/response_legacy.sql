-- qualtrics.response_legacy: as qualtrics.response, from the columns V1 to V10 (response, external reference, e-mail, status,
-- start, end, finished). A session without an end was left half-way.
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
  coalesce(r.V9, r.V8) as occurred_at,
  [
    {'type': 'email', 'value': r.V5},
    {'type': 'customer_number', 'value': nullif(ltrim(r.V4, '0'), '')}
  ] as identifiers,
  [{'type': 'survey_response', 'id': r.V1, 'qualifier': 'subject'}] as objects,
  case when r.V10 and r.V9 is not null then 'success' else 'partial' end as outcome,
  greatest(date_diff('second', r.V8, r.V9), 0) as duration_seconds,
  a.score_kind,
  a.score_raw,
  a.score_min,
  a.score_max
from answer as a
inner join export_row as r on a.row_id = r.row_id

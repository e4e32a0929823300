-- typeform.response: survey_answered, one per score that was given (part nps, ces or csat), or one without a score.
-- Scales: NPS 0 to 10, CES 1 to 7, CSAT 1 to 5; a score outside its scale goes to quarantine.
-- Without a time of submission the person left half-way: partial.
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
  coalesce(r."Submit Date (UTC)", r."Stage Date (UTC)", r."Start Date (UTC)") as occurred_at,
  'web form' as channel_detail,
  -- "Network ID" is a hash of the browser's address on one form only: it identifies nobody.
  [
    {'type': 'email', 'value': r.email},
    {'type': 'customer_number', 'value': nullif(ltrim(r.customer_no, '0'), '')}
  ] as identifiers,
  [{'type': 'survey_response', 'id': r."#", 'qualifier': 'subject'}] as objects,
  case
    when r."Submit Date (UTC)" is null or lower(r."Response Type") in ('started', 'partial') then 'partial'
    else 'success'
  end as outcome,
  greatest(date_diff('second', r."Start Date (UTC)", r."Submit Date (UTC)"), 0) as duration_seconds,
  a.score_kind,
  a.score_raw,
  a.score_min,
  a.score_max,
  {'comment': r.remark} as attributes
from answer as a
inner join export_row as r on a.row_id = r.row_id

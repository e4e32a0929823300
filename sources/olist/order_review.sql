-- olist.order_review: survey_sent (a date only: precision day) and, when answered, survey_answered with 1 to 5 stars.
with moment as (
  select
    row_id,
    unnest([
      {
        'touchpoint_type': 'survey_sent',
        'occurred_at': cast(review_creation_date as timestamp),
        'occurred_at_precision': 'day'
      },
      {
        'touchpoint_type': 'survey_answered',
        'occurred_at': review_answer_timestamp,
        'occurred_at_precision': 'second'
      }
    ], recursive := true)
  from export_row
)

select
  r.row_id,
  m.touchpoint_type,
  m.occurred_at,
  m.occurred_at_precision,
  'review survey' as channel_detail,
  [{'type': 'olist.order', 'value': r.order_id}] as identifiers,
  [
    {'type': 'order', 'id': r.order_id, 'qualifier': 'subject'},
    {'type': 'survey', 'id': r.review_id, 'qualifier': 'answer'}
  ] as objects,
  case when m.touchpoint_type = 'survey_answered' then 'rating' end as score_kind,
  case when m.touchpoint_type = 'survey_answered' then r.review_score end as score_raw,
  case when m.touchpoint_type = 'survey_answered' then 1 end as score_min,
  case when m.touchpoint_type = 'survey_answered' then 5 end as score_max,
  case when m.touchpoint_type = 'survey_answered' then r.review_comment_title end as subject,
  case when m.touchpoint_type = 'survey_answered' then
    {'comment': r.review_comment_message, 'has_comment': r.review_comment_message is not null}
  end as attributes
from moment as m
inner join export_row as r on m.row_id = r.row_id
where m.occurred_at is not null

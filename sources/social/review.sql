-- social.review: review_posted with its rating on its own scale (1 to 5 unless the file says otherwise), and the company's
-- public answer as an outbound message on the same site.
with moment as (
  select
    row_id,
    unnest([
      {'touchpoint_type': 'review_posted', 'occurred_at': posted_at},
      {'touchpoint_type': 'social_message', 'occurred_at': reply_at}
    ], recursive := true)
  from export_row
)

select
  r.row_id,
  m.touchpoint_type,
  case when m.touchpoint_type = 'social_message' then 'review reply' else 'review' end as raw_type,
  m.occurred_at,
  'review_site' as channel,
  lower(r.site) as channel_detail,
  case when m.touchpoint_type = 'social_message' then 'outbound' end as direction,
  [
    {'type': 'social.account', 'value': lower(r.site) || ':' || r.author_id},
    {'type': 'email', 'value': r.email},
    {'type': 'customer_number', 'value': nullif(ltrim(r.customer_number, '0'), '')},
    {'type': 'order_reference', 'value': r.order_reference}
  ] as identifiers,
  [
    {'type': 'review', 'id': lower(r.site) || ':' || r.review_id, 'qualifier': 'subject'},
    {'type': 'order_reference', 'id': r.order_reference, 'qualifier': 'about'}
  ] as objects,
  case when m.touchpoint_type = 'review_posted' and r.rating is not null then 'rating' end as score_kind,
  case when m.touchpoint_type = 'review_posted' then r.rating end as score_raw,
  case when m.touchpoint_type = 'review_posted' and r.rating is not null then coalesce(r.rating_min, 1) end as score_min,
  case when m.touchpoint_type = 'review_posted' and r.rating is not null then coalesce(r.rating_max, 5) end as score_max,
  r.device,
  r.title as subject,
  {'text': case when m.touchpoint_type = 'review_posted' then r.text end, 'app_version': r.app_version} as attributes
from moment as m
inner join export_row as r on m.row_id = r.row_id
where m.occurred_at is not null

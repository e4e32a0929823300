-- wordpress.comment: comment_posted on a page. comment_date_gmt is UTC; comment_date is the site's clock and only stands in
-- where the other is empty (0000-00-00, in some imports). A comment waiting for approval counts: somebody wrote it.
select
  row_id,
  'comment_posted' as touchpoint_type,
  coalesce(comment_type, 'comment') as raw_type,
  coalesce(comment_date_gmt, comment_date) as occurred_at,
  post_type as channel_detail,
  [{'type': 'email', 'value': comment_author_email}] as identifiers,
  [
    {'type': 'comment', 'id': comment_id, 'qualifier': 'subject'},
    {'type': 'page', 'id': post_id, 'qualifier': 'on'},
    {'type': 'comment', 'id': nullif(comment_parent, '0'), 'qualifier': 'reply_to'}
  ] as objects,
  coalesce(nullif(regexp_extract(link, '^[a-z]+://[^/?#]+(/[^?#]*)', 1), ''), '/') as page_path,
  title as subject,
  {
    'author': comment_author,
    'author_url': comment_author_url,
    'comment': comment_content,
    'is_approved': comment_approved = '1'
  } as attributes
from export_row

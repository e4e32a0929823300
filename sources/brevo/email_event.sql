-- brevo.email_event: what became of a mail. Brevo's words are known in English and Italian; another language stays unmapped with its own word.
select
  row_id,
  case
    when lower(st_text) in ('sent', 'inviata') then 'email_sent'
    when lower(st_text) in ('opened', 'first opening', 'aperta', 'prima apertura') then 'email_opened'
    when lower(st_text) in ('clicked', 'cliccata') then 'email_clicked'
    when lower(st_text) in ('hard bounce', 'soft bounce', 'blocked', 'invalid email', 'error', 'bloccata') then 'email_bounced'
    when lower(st_text) in ('unsubscribed', 'complaint', 'disiscritta') then 'email_unsubscribed'
    else 'unmapped'
  end as touchpoint_type,
  st_text as raw_type,
  ts as occurred_at,
  case when lower(st_text) = 'complaint' then 'spam report' else 'transactional' end as channel_detail,
  tag as campaign_name,
  [{'type': 'email', 'value': email}] as identifiers,
  [{'type': 'email', 'id': mid, 'qualifier': 'subject'}] as objects,
  case when lower(st_text) in ('hard bounce', 'soft bounce', 'blocked', 'invalid email', 'error', 'bloccata') then 'failure' end as outcome,
  nullif(regexp_extract(link, '^[a-z]+://[^/?#]+(/[^?#]*)', 1), '') as page_path,
  sub as subject
from export_row

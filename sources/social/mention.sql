-- social.mention: social_engagement. Indirect: the company did not make it and is not spoken to, so the direction is third_party.
select
  row_id,
  'social_engagement' as touchpoint_type,
  coalesce(kind, 'mention') as raw_type,
  mentioned_at as occurred_at,
  lower(network) as channel_detail,
  'third_party' as direction,
  campaign_id,
  [
    {'type': 'social.account', 'value': lower(network) || ':' || author_id},
    {'type': 'email', 'value': email},
    {'type': 'customer_number', 'value': nullif(ltrim(customer_number, '0'), '')}
  ] as identifiers,
  [{'type': 'mention', 'id': lower(network) || ':' || mention_id, 'qualifier': 'subject'}] as objects,
  {'sentiment': sentiment, 'reach': reach, 'url': regexp_extract(url, '^[^?#]*'), 'text': text} as attributes
from export_row

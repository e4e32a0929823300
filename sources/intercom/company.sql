-- intercom.company: an organisation. Its id is its own, never an identifier of the people in it.
select
  row_id,
  'organisation' as party_type,
  [{'type': 'intercom.company', 'value': id}] as identifiers,
  name as organisation_name,
  coalesce(updated_at, created_at) as valid_from,
  {
    'company_id': company_id,
    'industry': industry,
    'size': size,
    'website': website,
    'plan': plan_name,
    'monthly_spend': monthly_spend,
    'user_count': user_count
  } as attributes
from export_row

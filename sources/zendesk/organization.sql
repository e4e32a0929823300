-- zendesk.organization: an organisation. Its id is its own, never an identifier of the people in it.
select
  row_id,
  'organisation' as party_type,
  [{'type': 'zendesk.organization', 'value': id}] as identifiers,
  name as organisation_name,
  coalesce(updated_at, created_at) as valid_from,
  {'external_id': external_id, 'details': details} as attributes
from export_row

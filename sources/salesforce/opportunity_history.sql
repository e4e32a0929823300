-- salesforce.opportunity_history: opportunity_stage each time the record changed, with the stage it then had.
-- The amount is left out: it is an expectation, and salesforce.opportunity has the one that came true.
select
  row_id,
  'opportunity_stage' as touchpoint_type,
  stage_name as raw_type,
  version_start as occurred_at,
  [
    {'type': 'salesforce.contact', 'value': contact_id},
    {'type': 'salesforce.opportunity', 'value': id}
  ] as identifiers,
  [
    {'type': 'opportunity', 'id': id, 'qualifier': 'subject'},
    {'type': 'organisation', 'id': account_id, 'qualifier': 'account'}
  ] as objects,
  owner_id as agent_id,
  {
    'stage_name': stage_name,
    'probability': probability,
    'expected_amount': amount,
    'forecast_category': forecast_category_name,
    'close_date': close_date
  } as attributes
from export_row

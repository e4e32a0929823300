-- salesforce.opportunity_contact_role: the primary contact is the person whose opportunity it is.
select
  row_id,
  'salesforce.opportunity' as left_type,
  opportunity_id as left_value,
  'salesforce.contact' as right_type,
  contact_id as right_value,
  created_date as linked_at,
  'primary contact of the opportunity' as reason
from export_row

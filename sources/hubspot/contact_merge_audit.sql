-- hubspot.contact_merge_audit: two contacts that a person in the CRM declared to be one.
select
  row_id,
  'hubspot.contact' as left_type,
  canonical_vid as left_value,
  'hubspot.contact' as right_type,
  vid_to_merge as right_value,
  "timestamp" as linked_at,
  'contacts merged in HubSpot' as reason
from export_row

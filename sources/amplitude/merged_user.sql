-- amplitude.merged_user: a device's anonymous user became a known one.
select
  row_id,
  'amplitude.user' as left_type,
  amplitude_id as left_value,
  'amplitude.user' as right_type,
  merged_amplitude_id as right_value,
  coalesce(merge_event_time, merge_server_time) as linked_at,
  'merged by Amplitude' as reason
from export_row

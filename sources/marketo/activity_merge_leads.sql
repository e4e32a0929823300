-- marketo.activity_merge_leads: one link per lead that was merged away. An empty list still gives one row without a right
-- side, which the contract puts into quarantine.
select
  row_id,
  merged_id as part,
  'marketo.lead' as left_type,
  lead_id as left_value,
  'marketo.lead' as right_type,
  merged_id as right_value,
  activity_date as linked_at,
  concat_ws(' ', 'merged in', merge_source) as reason
from (
  select
    *,
    unnest(coalesce(nullif(json_transform(merge_ids, '["VARCHAR"]'), []), [cast(null as varchar)])) as merged_id
  from export_row
)

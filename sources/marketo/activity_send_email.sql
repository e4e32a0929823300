-- marketo.activity_send_email: email_sent; outcome success where the delivery of the same mail is reported.
with delivered as (
  select distinct lead_id, campaign_id, campaign_run_id, email_template_id
  from lookup_activity_email_delivered
)

select
  s.row_id,
  'email_sent' as touchpoint_type,
  s.activity_date as occurred_at,
  s.campaign_id,
  s.primary_attribute_value as campaign_name,
  [{'type': 'marketo.lead', 'value': s.lead_id}] as identifiers,
  [
    {'type': 'campaign', 'id': s.campaign_id, 'qualifier': 'subject'},
    {'type': 'email_template', 'id': s.email_template_id, 'qualifier': 'content'}
  ] as objects,
  case
    when d.lead_id is not null then 'success'
    when s.action_result <> 'succeeded' then 'failure'
  end as outcome,
  {'campaign_run_id': s.campaign_run_id, 'action_result': s.action_result} as attributes
from export_row as s
left join delivered as d
  on
    s.lead_id = d.lead_id
    and s.campaign_id is not distinct from d.campaign_id
    and s.campaign_run_id is not distinct from d.campaign_run_id
    and s.email_template_id = d.email_template_id

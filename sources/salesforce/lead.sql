-- salesforce.lead: lead_created. Once converted, the lead names the contact it became: that joins the two.
select
  row_id,
  'lead_created' as touchpoint_type,
  created_date as occurred_at,
  lead_source as channel_detail,
  utm_source_c as campaign_source,
  utm_medium_c as campaign_medium,
  utm_campaign_c as campaign_name,
  utm_content_c as campaign_content,
  utm_term_c as campaign_term,
  [
    {'type': 'salesforce.lead', 'value': id},
    {'type': 'salesforce.contact', 'value': converted_contact_id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': mobile_phone},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  [
    {'type': 'lead', 'id': id, 'qualifier': 'subject'},
    {'type': 'opportunity', 'id': converted_opportunity_id, 'qualifier': 'result'},
    {'type': 'organisation', 'id': converted_account_id, 'qualifier': 'result'}
  ] as objects,
  owner_id as agent_id,
  {
    'status': status,
    'rating': rating,
    'company': company,
    'title': title,
    'industry': industry,
    'name': coalesce(name, nullif(concat_ws(' ', first_name, last_name), '')),
    'city': city,
    'country': country,
    'is_converted': is_converted,
    'converted_at': converted_date
  } as attributes
from export_row

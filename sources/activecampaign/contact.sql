-- activecampaign.contact: Active is a subscription, that is a yes; Unconfirmed is not known; Unsubscribed and Bounced are a no.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'email', 'value': "Email"},
    {'type': 'phone', 'value': "Phone"},
    {'type': 'activecampaign.contact', 'value': "ID"}
  ] as identifiers,
  nullif(concat_ws(' ', "First Name", "Last Name"), '') as full_name,
  "First Name" as given_name,
  "Last Name" as family_name,
  "Account" as organisation_name,
  "Email" as email,
  "Phone" as phone,
  case lower("Status")
    when 'active' then true
    when 'unsubscribed' then false
    when 'bounced' then false
  end as consent_email,
  "Date Created" as valid_from,
  {'status': "Status", 'tags': string_split("Tags", ', ')} as attributes
from export_row

-- salesforce.report_contact: what the CRM says about a person. The account is shared by colleagues: a fact, no identifier.
-- A report shows ids of 15 characters, all other exports 18: the last three follow from the capitals of the first fifteen.
with contact as (
  select
    *,
    case
      when regexp_full_match(contact_id, '[0-9A-Za-z]{15}') then contact_id || array_to_string(list_transform(
        [0, 5, 10],
        lambda part: substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + cast(list_sum(list_transform(
          [1, 2, 3, 4, 5],
          lambda place: case when regexp_matches(substr(contact_id, part + place, 1), '[A-Z]') then 1 << (place - 1) else 0 end
        )) as integer), 1)
      ), '')
      else contact_id
    end as long_contact_id
  from export_row
)

select
  row_id,
  'person' as party_type,
  [
    {'type': 'salesforce.contact', 'value': long_contact_id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': mobile},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  nullif(concat_ws(' ', first_name, last_name), '') as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  coalesce(mobile, phone) as phone,
  street,
  postal_code,
  city,
  case when length(country) = 2 then upper(country) end as country,
  not opted_out as consent_email,
  modified_at as valid_from,
  {'account_name': account_name, 'title': title, 'country_name': country} as attributes
from contact

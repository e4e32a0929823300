-- shopify.admin_customer: one record per customer of the shop. Excel-safe exports put an apostrophe before ids and phones.
-- The phone of the default address is a fact about the record, no identifier: presents go to other people.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'shopify.customer', 'value': ltrim(customer_id, '''')},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': ltrim(phone, '''')}
  ] as identifiers,
  nullif(concat_ws(' ', first_name, last_name), '') as full_name,
  first_name as given_name,
  last_name as family_name,
  company as organisation_name,
  email,
  ltrim(coalesce(phone, address_phone), '''') as phone,
  address_1 as street,
  ltrim(postal_code, '''') as postal_code,
  city,
  upper(country_code) as country,
  accepts_email_marketing as consent_email,
  {
    'order_count': total_orders,
    'total_spent': total_spent,
    'accepts_sms_marketing': accepts_sms_marketing,
    'tags': tags
  } as attributes
from export_row

-- woocommerce.analytics_customer: one record per customer address; a user name is there only for registered customers.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'email', 'value': email},
    {'type': 'login', 'value': username}
  ] as identifiers,
  full_name,
  email,
  postal_code,
  city,
  case when length(country) = 2 then upper(country) end as country,
  coalesce(last_active, registered) as valid_from,
  {'order_count': order_count, 'total_spent': total_spend, 'registered_at': registered, 'country_name': country}
    as attributes
from export_row

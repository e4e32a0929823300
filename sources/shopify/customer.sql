-- shopify.customer: one record per customer account. Consent: the newer consent state says more than the old yes or no;
-- pending, invalid and redacted are neither.
select
  row_id,
  'person' as party_type,
  [
    {'type': 'shopify.customer', 'value': id},
    {'type': 'email', 'value': email},
    {'type': 'phone', 'value': phone}
  ] as identifiers,
  nullif(concat_ws(' ', first_name, last_name), '') as full_name,
  first_name as given_name,
  last_name as family_name,
  email,
  phone,
  case
    when upper(email_marketing_consent_state) = 'SUBSCRIBED' then true
    when upper(email_marketing_consent_state) in ('UNSUBSCRIBED', 'NOT_SUBSCRIBED') then false
    when email_marketing_consent_state is null then accepts_marketing
  end as consent_email,
  coalesce(updated_at, created_at) as valid_from,
  {
    'state': lower(state),
    'order_count': orders_count,
    'total_spent': total_spent,
    'currency': currency,
    'is_verified_email': verified_email,
    'consent_changed_at': email_marketing_consent_updated_at,
    'created_at': created_at
  } as attributes
from export_row

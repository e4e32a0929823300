-- exact.sales_order_account: the account of a sales order; a person unless the name says what only a company has.
select
  row_id,
  case
    when regexp_matches(lower(Name), '(^|\s)(b\.?v\.?|n\.?v\.?|v\.?o\.?f\.?|gmbh|aps|a/s|ltd|llc|inc|stichting|vereniging)\.?($|\s)')
      then 'organisation'
    else 'person'
  end as party_type,
  [
    {'type': 'customer_number', 'value': nullif(ltrim(code, '0'), '')},
    {'type': 'exact.debtor', 'value': trim(code)},
    {'type': 'email', 'value': Email},
    {'type': 'phone', 'value': Phone}
  ] as identifiers,
  Name as full_name,
  Email as email,
  Phone as phone
from export_row

-- sap.kna1: a customer; stkzn = X marks a natural person, and so does a form of address that only people have.
-- The customer number is the company's own number of the person: it joins shop, survey tool and invoices.
-- smtp_addr is a field of table ADR6; many extracts add it to KNA1.
with customer as (
  select
    *,
    ltrim(kunnr, '0') as customer_number,
    stkzn = 'X' or regexp_matches(lower(coalesce(anred, '')), '^(mr|mrs|ms|dhr|mevr|mw|de heer|mevrouw|herr|frau|hr|fru)\b')
      as is_person
  from export_row
)

select
  row_id,
  case when is_person then 'person' else 'organisation' end as party_type,
  [
    {'type': 'sap.customer', 'value': customer_number},
    {'type': 'customer_number', 'value': customer_number},
    {'type': 'email', 'value': smtp_addr},
    {'type': 'phone', 'value': telf2},
    {'type': 'phone', 'value': telf1}
  ] as identifiers,
  concat_ws(' ', name1, name2) as full_name,
  case when not coalesce(is_person, false) then concat_ws(' ', name1, name2) end as organisation_name,
  smtp_addr as email,
  coalesce(telf1, telf2) as phone,
  stras as street,
  pstlz as postal_code,
  ort01 as city,
  case when length(land1) = 2 then upper(land1) end as country,
  -- SAP's language key has one letter; two-letter keys come from extracts that translate it.
  case
    when upper(spras) = 'N' then 'nl' when upper(spras) = 'K' then 'da' when upper(spras) = 'E' then 'en'
    when upper(spras) = 'D' then 'de' when upper(spras) = 'F' then 'fr' when length(spras) = 2 then lower(spras)
  end as language,
  cast(coalesce(updat, erdat) as timestamp) as valid_from,
  {'account_group': ktokd, 'region': regio, 'country_key': land1, 'group_id': konzs, 'title': anred} as attributes
from customer

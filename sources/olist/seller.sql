-- olist.seller: an organisation; olist.seller is also an identifier of the won deal that brought it in.
select
  row_id,
  'organisation' as party_type,
  [{'type': 'olist.seller', 'value': seller_id}] as identifiers,
  seller_zip_code_prefix as postal_code,
  seller_city as city,
  'BR' as country,
  {'state': seller_state} as attributes
from export_row

-- odoo.order: quote_sent or order_placed, by the status. Without the status an export does not say whether a quotation
-- became an order: unmapped. A cancelled one has no time of cancelling: it is an order with outcome failure.
-- The customer is a display name in this export; identity needs the columns Customer/ID, Customer/Email or Customer/Reference.
with line as (
  select
    order_reference,
    -- "[FURN_7777] Office Chair": the internal reference is the product.
    list_sort(list(distinct coalesce(nullif(regexp_extract(line_product, '^\[([^\]]+)\]', 1), ''), line_product))
      filter (where line_product is not null)) as product_ids
  from lookup_order_line
  group by order_reference
),

sale as (
  select *, lower(status) as state
  from export_row
)

select
  s.row_id,
  case
    when s.state in ('quotation sent', 'sent', 'offerte verzonden', 'angebot gesendet') then 'quote_sent'
    when s.state in ('sales order', 'sale', 'locked', 'done', 'verkooporder', 'vergrendeld', 'verkaufsauftrag', 'gesperrt',
      'cancelled', 'cancel', 'geannuleerd', 'abgebrochen', 'storniert') then 'order_placed'
    else 'unmapped'
  end as touchpoint_type,
  coalesce(s.status, 'sales document without status') as raw_type,
  s.order_date as occurred_at,
  s.pricelist as channel_detail,
  [
    {'type': 'odoo.partner', 'value': s.customer_id},
    {'type': 'odoo.order', 'value': s.order_reference},
    {'type': 'customer_number', 'value': nullif(ltrim(s.customer_reference, '0'), '')},
    {'type': 'email', 'value': s.customer_email},
    {'type': 'phone', 'value': s.customer_mobile},
    {'type': 'phone', 'value': s.customer_phone},
    {'type': 'order_reference', 'value': s.their_reference}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': s.order_reference, 'qualifier': 'subject'}],
    list_transform(coalesce(l.product_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  case when s.state in ('cancelled', 'cancel', 'geannuleerd', 'abgebrochen', 'storniert') then 'failure' end as outcome,
  s.total as amount,
  case when s.total is not null then s.currency end as currency,
  s.salesperson as agent_id,
  {
    'customer_name': s.customer,
    'company': s.company,
    'customer_reference': s.their_reference,
    'source_document': s.source_document
  } as attributes
from sale as s
left join line as l on s.order_reference = l.order_reference

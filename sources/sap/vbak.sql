-- sap.vbak: what the document is follows from its category (vbtyp). A request for a credit or debit memo (K, L) is no
-- contact by itself: it stays unmapped, and is kept because the invoice or credit note that follows names only it.
-- Every document number is given as sap.order: VBFA names the document before, whatever its category.
with item as (
  select vbeln, list_sort(list(distinct ltrim(matnr, '0')) filter (where matnr is not null)) as product_ids
  from lookup_vbap
  group by vbeln
)

select
  row_id,
  case coalesce(vbtyp, 'C')
    when 'A' then 'form_submitted'
    when 'B' then 'quote_sent'
    when 'C' then 'order_placed'
    when 'E' then 'order_placed'
    when 'F' then 'order_placed'
    when 'I' then 'order_placed'
    when 'G' then 'contract_changed'
    when 'H' then 'return_requested'
    else 'unmapped'
  end as touchpoint_type,
  concat_ws(' ', vbtyp, auart) as raw_type,
  -- Without a clock the day is all that is known.
  case when erzet is null then cast(erdat as timestamp) else coalesce(created_at, cast(erdat as timestamp)) end as occurred_at,
  case when erzet is null or created_at is null then 'day' else 'second' end as occurred_at_precision,
  auart as channel_detail,
  [
    {'type': 'sap.customer', 'value': ltrim(kunnr, '0')},
    {'type': 'customer_number', 'value': ltrim(kunnr, '0')},
    {'type': 'sap.order', 'value': ltrim(o.vbeln, '0')},
    -- the shop's own order number, which its confirmation page shows in the web log
    {'type': 'order_reference', 'value': bstnk}
  ] as identifiers,
  list_concat(
    [
      {'type': 'order', 'id': ltrim(o.vbeln, '0'), 'qualifier': 'subject'},
      {'type': 'order', 'id': ltrim(vgbel, '0'), 'qualifier': 'preceding'}
    ],
    list_transform(coalesce(i.product_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  netwr as amount,
  waerk as currency,
  ernam as agent_id,
  {
    'document_category': vbtyp,
    'document_type': auart,
    'order_reason': augru,
    'sales_organisation': vkorg,
    'distribution_channel': vtweg,
    'sales_office': vkbur,
    'customer_reference': bstnk,
    'requested_delivery_date': vdatu
  } as attributes
from export_row as o
left join item as i on o.vbeln = i.vbeln

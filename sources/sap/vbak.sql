-- sap.vbak: what the document is follows from its category (vbtyp). A request for a credit or debit memo (K, L) is no
-- contact by itself: it stays unmapped, and is kept because the invoice or credit note that follows names only it.
-- Every document number is given as sap.order: VBFA names the document before, whatever its category.
with clock as (
  select
    *,
    -- The clock of the SAP server (system.yaml); 000000 is "not filled".
    try_strptime(
      strftime(erdat, '%Y%m%d') || lpad(nullif(replace(erzet, ':', ''), '000000'), 6, '0'), '%Y%m%d%H%M%S'
    ) as local_time
  from export_row
),

document as (
  select *, timezone('UTC', timezone('Europe/Amsterdam', local_time)) as utc_time
  from clock
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
  -- When the clocks go back an hour exists twice: the first of the two, as everywhere else.
  case
    when local_time is null then cast(erdat as timestamp)
    when timezone('Europe/Amsterdam', timezone('UTC', utc_time - interval 1 hour)) = local_time
      then utc_time - interval 1 hour
    else utc_time
  end as occurred_at,
  case when local_time is null then 'day' else 'second' end as occurred_at_precision,
  auart as channel_detail,
  [
    {'type': 'sap.customer', 'value': ltrim(kunnr, '0')},
    {'type': 'customer_number', 'value': ltrim(kunnr, '0')},
    {'type': 'sap.order', 'value': ltrim(vbeln, '0')},
    -- the shop's own order number, which its confirmation page shows in the web log
    {'type': 'order_reference', 'value': bstnk}
  ] as identifiers,
  [
    {'type': 'order', 'id': ltrim(vbeln, '0'), 'qualifier': 'subject'},
    {'type': 'order', 'id': ltrim(vgbel, '0'), 'qualifier': 'preceding'}
  ] as objects,
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
from document

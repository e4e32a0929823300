-- sap.vbfa: what followed a sales document. The customer follows from sap.order (VBAK has the number).
-- The moment is when the document was made: a delivery is made when the goods leave for the customer.
-- rfwrt is the value of one item and the row stands for all items, so there is no amount here.
select
  row_id,
  case vbtyp_n
    when 'J' then 'order_shipped'
    when 'T' then 'return_received'
    when 'M' then 'invoice_sent'
    when 'P' then 'invoice_sent'
    when 'N' then 'credit_note'
    when 'O' then 'credit_note'
    when 'H' then 'return_requested'
  end as touchpoint_type,
  vbtyp_n as raw_type,
  -- Without a clock the day is all that is known.
  case when erzet is null then cast(erdat as timestamp) else coalesce(created_at, cast(erdat as timestamp)) end as occurred_at,
  case when erzet is null or created_at is null then 'day' else 'second' end as occurred_at_precision,
  case vbtyp_n
    when 'N' then 'invoice cancelled'
    when 'O' then 'credit memo'
    when 'P' then 'debit memo'
  end as channel_detail,
  [
    {'type': 'sap.order', 'value': ltrim(vbelv, '0')},
    -- A delivery or invoice can stand for several orders, but only of one customer.
    {
      'type': case when vbtyp_n in ('J', 'T') then 'sap.delivery' when vbtyp_n = 'H' then 'sap.order' else 'sap.invoice' end,
      'value': ltrim(vbeln, '0')
    }
  ] as identifiers,
  [
    {
      'type': case when vbtyp_n in ('J', 'T') then 'delivery' when vbtyp_n = 'H' then 'order' else 'invoice' end,
      'id': ltrim(vbeln, '0'),
      'qualifier': 'subject'
    },
    {'type': 'order', 'id': ltrim(vbelv, '0'), 'qualifier': 'preceding'}
  ] as objects,
  {'preceding_category': vbtyp_v, 'document_category': vbtyp_n} as attributes
from export_row

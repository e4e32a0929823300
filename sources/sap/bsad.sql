-- sap.bsad: invoice_paid on the clearing day. Due is the baseline date plus the days of the payment term.
with item as (
  select *, zfbdt + cast(coalesce(zbd1t, 0) as integer) as due_date
  from export_row
)

select
  row_id,
  'invoice_paid' as touchpoint_type,
  blart as raw_type,
  cast(augdt as timestamp) as occurred_at,
  'day' as occurred_at_precision,
  [
    {'type': 'sap.customer', 'value': ltrim(kunnr, '0')},
    {'type': 'customer_number', 'value': ltrim(kunnr, '0')},
    {'type': 'sap.invoice', 'value': ltrim(vbeln, '0')}
  ] as identifiers,
  [
    {'type': 'invoice', 'id': coalesce(ltrim(vbeln, '0'), belnr), 'qualifier': 'subject'},
    {'type': 'payment', 'id': augbl, 'qualifier': 'cleared_by'}
  ] as objects,
  'success' as outcome,
  wrbtr as amount,
  waers as currency,
  {
    'invoice_date': bldat,
    'due_date': due_date,
    -- Positive: paid later than due.
    'days_late': date_diff('day', due_date, augdt),
    'days_to_pay': date_diff('day', bldat, augdt)
  } as attributes
from item

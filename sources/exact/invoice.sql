-- exact.invoice: invoice_sent on the day of the invoice, to who is invoiced (InvoiceTo, else OrderedBy). The amount is the sum of
-- the lines' amounts, as the file has them.
with line as (
  select
    row_id,
    case when bool_and(amount is not null) then round(sum(amount), 2) end as amount,
    min(currency) as currency,
    count(*) as line_count
  from (
    select
      row_id,
      try_cast(part ->> '$.Amount[0].Value' as double) as amount,
      part ->> '$.Amount[0].Currency[0]."@code"' as currency
    from (select row_id, unnest(cast(InvoiceLine as json[])) as part from export_row)
  )
  group by row_id
),

invoiced as (
  select
    *,
    trim(
      coalesce(
        InvoiceTo ->> '$[0].Debtor[0]."@code"',
        InvoiceTo ->> '$[0]."@code"',
        OrderedBy ->> '$[0].Debtor[0]."@code"',
        OrderedBy ->> '$[0]."@code"'
      )
    ) as debtor_code
  from export_row
)

select
  i.row_id,
  'invoice_sent' as touchpoint_type,
  concat('invoice type ', i.invoice_type) as raw_type,
  cast(i.invoice_date as timestamp) as occurred_at,
  'day' as occurred_at_precision,
  [
    {'type': 'customer_number', 'value': nullif(ltrim(i.debtor_code, '0'), '')},
    {'type': 'exact.debtor', 'value': i.debtor_code},
    {'type': 'order_reference', 'value': i.YourRef}
  ] as identifiers,
  [{'type': 'invoice', 'id': i.invoice_number, 'qualifier': 'subject'}] as objects,
  l.amount,
  case when l.amount is not null then l.currency end as currency,
  i.Description as subject,
  {'customer_reference': i.YourRef, 'line_count': l.line_count} as attributes
from invoiced as i
left join line as l on i.row_id = l.row_id

-- exact.order: order_placed on the day under OrderedBy. The debtor's code is the customer number everywhere in the company;
-- YourRef is the customer's or the shop's own order number. The amount is quantity times price of the lines less their
-- discount, as the file has it: with or without VAT as the administration enters prices.
with line as (
  select
    row_id,
    list_sort(list(distinct item) filter (where item is not null)) as item_ids,
    count(*) as line_count,
    case when bool_and(price is not null and quantity is not null)
      then round(sum(quantity * price * (1 - coalesce(discount, 0) / 100)), 2) end as amount
  from (
    select
      row_id,
      trim(part ->> '$.Item[0]."@code"') as item,
      try_cast(part ->> '$.Quantity' as double) as quantity,
      try_cast(part ->> '$.Price[0].Value' as double) as price,
      try_cast(part ->> '$.Discount[0].Percentage' as double) as discount
    from (select row_id, unnest(cast(OrderLine as json[])) as part from export_row)
  )
  group by row_id
),

ordered as (
  select
    *,
    coalesce(OrderedBy ->> '$[0].Date', DeliverTo ->> '$[0].Date') as date_text,
    trim(OrderedBy ->> '$[0].Debtor[0]."@code"') as debtor_code
  from export_row
)

select
  o.row_id,
  case when upper(coalesce(o.order_type, 'V')) = 'V' then 'order_placed' else 'unmapped' end as touchpoint_type,
  concat('order type ', o.order_type) as raw_type,
  cast(try_cast(left(o.date_text, 10) as date) as timestamp) as occurred_at,
  'day' as occurred_at_precision,
  [
    {'type': 'customer_number', 'value': nullif(ltrim(o.debtor_code, '0'), '')},
    {'type': 'exact.debtor', 'value': o.debtor_code},
    {'type': 'order_reference', 'value': o.YourRef}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': o.order_number, 'qualifier': 'subject'}],
    list_transform(coalesce(l.item_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  l.amount,
  case when l.amount is not null then o.Currency ->> '$[0]."@code"' end as currency,
  o.Resource ->> '$[0]."@number"' as agent_id,
  o.Description as subject,
  {
    'customer_reference': o.YourRef,
    'line_count': l.line_count,
    'is_partial_delivery_allowed': o.partial_delivery,
    'warehouse': o.Warehouse ->> '$[0]."@code"',
    'delivery_date': try_cast(left(o.DeliverTo ->> '$[0].Date', 10) as date)
  } as attributes
from ordered as o
left join line as l on o.row_id = l.row_id

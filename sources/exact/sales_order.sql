-- exact.sales_order: order_placed on OrderDate. The account's code is the customer number everywhere in the company; YourRef is the
-- customer's or the shop's own order number. The amount is the sum of the lines' net prices, as the file has them.
with line as (
  select
    row_id,
    list_sort(list(distinct item) filter (where item is not null)) as item_ids,
    count(*) as line_count,
    case when bool_and(amount is not null) then round(sum(amount), 2) end as amount,
    min(currency) as currency
  from (
    select
      row_id,
      trim(part ->> '$.Item[0]."@code"') as item,
      try_cast(part ->> '$.NetPrice[0].Value' as double) as amount,
      part ->> '$.NetPrice[0].Currency[0]."@code"' as currency
    from (select row_id, unnest(cast(SalesOrderLine as json[])) as part from export_row)
  )
  group by row_id
),

ordered as (
  select *, trim(OrderedBy ->> '$[0]."@code"') as account_code
  from export_row
)

select
  o.row_id,
  'order_placed' as touchpoint_type,
  concat('status ', o.order_status) as raw_type,
  cast(o.OrderDate as timestamp) as occurred_at,
  'day' as occurred_at_precision,
  [
    {'type': 'customer_number', 'value': nullif(ltrim(o.account_code, '0'), '')},
    {'type': 'exact.debtor', 'value': o.account_code},
    {'type': 'email', 'value': o.DeliveryAddress ->> '$[0].Contact[0].Email'},
    {'type': 'order_reference', 'value': o.YourRef}
  ] as identifiers,
  list_concat(
    [{'type': 'order', 'id': coalesce(o.order_number, o.YourRef), 'qualifier': 'subject'}],
    list_transform(coalesce(l.item_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  l.amount,
  case when l.amount is not null then l.currency end as currency,
  o.SalesPerson ->> '$[0].FullName' as agent_id,
  o.Description as subject,
  {
    'customer_reference': o.YourRef,
    'line_count': l.line_count,
    'delivery_date': try_cast(left(o.DeliveryDate, 10) as date)
  } as attributes
from ordered as o
left join line as l on o.row_id = l.row_id

-- netsuite.transaction: the type says what it is to the customer. A cash sale that was made from an order is its payment,
-- one without an order is a purchase at the counter.
-- When: trandate is the day in the books, createddate when the row was made. Where both are one day the time is the row's,
-- else only the day is known.
with line as (
  select
    "transaction",
    max(abs(coalesce(foreignamount, netamount))) filter (where mainline) as amount,
    max(createdfrom) as created_from,
    list_sort(list(distinct item) filter (where item is not null and mainline is not true and taxline is not true))
      as item_ids
  from lookup_transaction_line
  group by "transaction"
),

document as (
  select
    t.*,
    lower(t.type) as kind,
    l.created_from,
    l.item_ids,
    coalesce(abs(t.foreigntotal), l.amount) as amount,
    upper(c.symbol) as currency_code,
    lower(e.type) as entity_type,
    cast(t.trandate as date) = cast(t.createddate as date) as has_time
  from export_row as t
  left join line as l on t."transaction" = l."transaction"
  left join lookup_currency as c on t.currency = c.currency
  left join lookup_entity as e on t.entity = e.entity
)

select
  row_id,
  case kind
    when 'opprtnty' then 'opportunity_stage'
    when 'estimate' then 'quote_sent'
    when 'salesord' then 'order_placed'
    when 'cashsale' then case when created_from is null then 'pos_purchase' else 'payment_received' end
    when 'itemship' then 'order_shipped'
    when 'custinvc' then 'invoice_sent'
    when 'custpymt' then 'invoice_paid'
    when 'custdep' then 'payment_received'
    when 'custcred' then 'credit_note'
    when 'rtnauth' then 'return_requested'
    when 'custrfnd' then 'refund_paid'
    when 'cashrfnd' then 'refund_paid'
    else 'unmapped'
  end as touchpoint_type,
  type as raw_type,
  case when has_time then createddate else date_trunc('day', trandate) end as occurred_at,
  case when has_time then 'second' else 'day' end as occurred_at_precision,
  [
    -- Where the entity table is there, an entity that is no customer (employee, supplier) is nobody's id here.
    {'type': 'netsuite.customer', 'value':
      case when coalesce(entity_type, 'custjob') in ('custjob', 'customer', 'lead', 'prospect') then entity end},
    {'type': 'netsuite.transaction', 'value': "transaction"},
    -- the shop's own order number
    {'type': 'order_reference', 'value': case when kind = 'salesord' then otherrefnum end}
  ] as identifiers,
  list_concat(
    [
      {'type': case
        when kind in ('salesord', 'cashsale') then 'order'
        when kind in ('custinvc', 'custcred') then 'invoice'
        when kind in ('custpymt', 'custdep') then 'payment'
        when kind in ('custrfnd', 'cashrfnd') then 'refund'
        when kind = 'rtnauth' then 'return'
        when kind = 'estimate' then 'quote'
        when kind = 'opprtnty' then 'opportunity'
        else 'transaction'
      end, 'id': "transaction", 'qualifier': 'subject'},
      {'type': 'transaction', 'id': created_from, 'qualifier': 'preceding'}
    ],
    list_transform(coalesce(item_ids, []), lambda x: {'type': 'product', 'id': x, 'qualifier': 'item'})
  ) as objects,
  case when kind in ('custpymt', 'custdep', 'custrfnd', 'cashrfnd') then 'success' end as outcome,
  amount,
  case when amount is not null then currency_code end as currency,
  employee as agent_id,
  {
    'document_number': coalesce(tranid, transactionnumber),
    'status': status,
    'customer_reference': otherrefnum,
    'due_date': cast(duedate as date),
    'close_date': cast(closedate as date),
    -- Positive: closed later than due.
    'days_late': case when kind = 'custinvc' then date_diff('day', cast(duedate as date), cast(closedate as date)) end
  } as attributes
from document

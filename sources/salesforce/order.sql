-- salesforce.order: order_placed when the order was written; a reduction order takes back, so it is a credit_note.
-- The account is shared, so it is an object; the person is the contact who authorised or pays.
select
  row_id,
  case when is_reduction_order then 'credit_note' else 'order_placed' end as touchpoint_type,
  type as raw_type,
  created_date as occurred_at,
  [
    {'type': 'salesforce.contact', 'value': coalesce(customer_authorized_by_id, bill_to_contact_id, ship_to_contact_id)},
    {'type': 'salesforce.order', 'value': id}
  ] as identifiers,
  [
    {'type': 'order', 'id': id, 'qualifier': 'subject'},
    {'type': 'opportunity', 'id': opportunity_id, 'qualifier': 'won'},
    {'type': 'organisation', 'id': account_id, 'qualifier': 'account'}
  ] as objects,
  total_amount as amount,
  currency_iso_code as currency,
  owner_id as agent_id,
  {
    'order_number': order_number,
    'status': status,
    'effective_date': cast(effective_date as date),
    'activated_at': activated_date
  } as attributes
from export_row

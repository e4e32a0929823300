-- salesforce.payment: payment_received on its date; the customer follows from the opportunity.
select
  row_id,
  'payment_received' as touchpoint_type,
  cast(npe01__payment_date__c as timestamp) as occurred_at,
  'day' as occurred_at_precision,
  npe01__payment_method__c as channel_detail,
  [{'type': 'salesforce.opportunity', 'value': npe01__opportunity__c}] as identifiers,
  [
    {'type': 'payment', 'id': id, 'qualifier': 'subject'},
    {'type': 'opportunity', 'id': npe01__opportunity__c, 'qualifier': 'paid'}
  ] as objects,
  'success' as outcome,
  npe01__payment_amount__c as amount,
  currency_iso_code as currency
from export_row

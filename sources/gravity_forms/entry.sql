-- gravity_forms.entry: form_submitted, and payment_received or payment_failed where the form took a payment. The address in
-- "User IP" is not carried over. Gravity Forms sets no currency in the file: the system's (system.yaml) holds.
with moment as (
  select
    row_id,
    unnest([
      {'touchpoint_type': 'form_submitted', 'occurred_at': "Entry Date"},
      {
        'touchpoint_type':
          case when lower("Payment Status") in ('failed', 'cancelled', 'voided') then 'payment_failed' else 'payment_received' end,
        'occurred_at':
          case
            when lower("Payment Status") in ('paid', 'approved', 'active', 'authorized', 'failed', 'cancelled', 'voided')
              then coalesce("Payment Date", "Entry Date")
          end
      }
    ], recursive := true)
  from export_row
)

select
  e.row_id,
  m.touchpoint_type,
  case when m.touchpoint_type <> 'form_submitted' then e."Payment Status" end as raw_type,
  m.occurred_at,
  'web form' as channel_detail,
  [
    {'type': 'email', 'value': e.email},
    {'type': 'phone', 'value': e.phone},
    {'type': 'customer_number', 'value': nullif(ltrim(e.customer_number, '0'), '')},
    {'type': 'wordpress.user', 'value': nullif(e."Created By (User Id)", '0')}
  ] as identifiers,
  [{'type': 'form_entry', 'id': e."Entry Id", 'qualifier': 'subject'}] as objects,
  case m.touchpoint_type when 'payment_received' then 'success' when 'payment_failed' then 'failure' end as outcome,
  case when m.touchpoint_type <> 'form_submitted' then e."Payment Amount" end as amount,
  coalesce(nullif(regexp_extract(e."Source Url", '^[a-z]+://[^/?#]+(/[^?#]*)', 1), ''), case when e."Source Url" is not null then '/' end)
    as page_path,
  case
    when regexp_matches(lower(e."User Agent"), 'ipad|tablet') then 'tablet'
    when regexp_matches(lower(e."User Agent"), 'mobi|iphone|android') then 'mobile'
    when e."User Agent" is not null then 'desktop'
  end as device,
  e.subject,
  {'transaction_id': e."Transaction Id"} as attributes
from moment as m
inner join export_row as e on m.row_id = e.row_id
where m.occurred_at is not null

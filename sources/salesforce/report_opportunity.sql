-- salesforce.report_opportunity: opportunity_stage when created; when closed, on its closing day: quote_accepted when won,
-- else opportunity_stage with outcome failure. The closing date of an open opportunity is only expected.
-- A report shows ids of 15 characters, all other exports 18: the last three follow from the capitals of the first fifteen.
with opportunity as (
  select
    *,
    coalesce(closed, lower(stage) like 'closed%') as has_closed,
    coalesce(won, lower(stage) = 'closed won') as has_won,
    case
      when regexp_full_match(opportunity_id, '[0-9A-Za-z]{15}') then opportunity_id || array_to_string(list_transform(
        [0, 5, 10],
        lambda part: substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + cast(list_sum(list_transform(
          [1, 2, 3, 4, 5],
          lambda place: case when regexp_matches(substr(opportunity_id, part + place, 1), '[A-Z]') then 1 << (place - 1) else 0 end
        )) as integer), 1)
      ), '')
      else opportunity_id
    end as long_id,
    case
      when regexp_full_match(contact_id, '[0-9A-Za-z]{15}') then contact_id || array_to_string(list_transform(
        [0, 5, 10],
        lambda part: substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + cast(list_sum(list_transform(
          [1, 2, 3, 4, 5],
          lambda place: case when regexp_matches(substr(contact_id, part + place, 1), '[A-Z]') then 1 << (place - 1) else 0 end
        )) as integer), 1)
      ), '')
      else contact_id
    end as long_contact_id
  from export_row
),

moment as (
  select
    row_id,
    'opportunity_stage' as touchpoint_type,
    'created' as part,
    'created' as raw_type,
    created_at as occurred_at,
    case when created_at = date_trunc('day', created_at) then 'day' else 'second' end as occurred_at_precision
  from opportunity
  union all
  select
    row_id,
    case when has_won then 'quote_accepted' else 'opportunity_stage' end as touchpoint_type,
    'closed' as part,
    stage as raw_type,
    close_date as occurred_at,
    'day' as occurred_at_precision
  from opportunity
  where has_closed and close_date is not null
)

select
  o.row_id,
  m.touchpoint_type,
  m.part,
  m.raw_type,
  m.occurred_at,
  m.occurred_at_precision,
  o.lead_source as channel_detail,
  [
    {'type': 'salesforce.contact', 'value': o.long_contact_id},
    {'type': 'salesforce.opportunity', 'value': o.long_id}
  ] as identifiers,
  [{'type': 'opportunity', 'id': o.long_id, 'qualifier': 'subject'}] as objects,
  case when m.part = 'closed' then case when o.has_won then 'success' else 'failure' end end as outcome,
  case when m.part = 'closed' then o.amount end as amount,
  case when m.part = 'closed' and o.amount is not null then o.amount_currency end as currency,
  o.opportunity_owner as agent_id,
  o.opportunity_name as subject,
  {
    'stage_name': o.stage,
    'type': o.type,
    'probability': o.probability,
    'close_date': cast(o.close_date as date),
    'account_name': o.account_name
  } as attributes
from moment as m
inner join opportunity as o on m.row_id = o.row_id

-- hubspot.deal_export: as hubspot.deal. Stages stand by their labels, which a portal may have renamed: the columns Is closed won and
-- Is closed lost decide where they were exported.
with deal as (
  select
    *,
    coalesce(is_closed_won, lower(deal_stage) in ('closed won', 'closedwon'), false) as has_won,
    coalesce(is_closed_lost, lower(deal_stage) in ('closed lost', 'closedlost'), false) as has_lost,
    list_filter(
      list_transform(coalesce(string_split(contact_ids, ';'), []), lambda x: nullif(trim(x), '')), lambda x: x is not null
    ) as contacts
  from export_row
),

moment as (
  select row_id, 'opportunity_stage' as touchpoint_type, 'created' as part, created_at as occurred_at
  from deal
  union all
  select
    row_id,
    case when has_won then 'quote_accepted' else 'opportunity_stage' end as touchpoint_type,
    'closed' as part,
    close_date as occurred_at
  from deal
  where has_won or has_lost
)

select
  d.row_id,
  m.part,
  m.touchpoint_type,
  case when m.part = 'created' then 'created' else d.deal_stage end as raw_type,
  m.occurred_at,
  d.source as channel_detail,
  [
    -- Of several contacts, who are several people, the first one named: HubSpot's primary contact.
    {'type': 'hubspot.contact', 'value': case when array_length(d.contacts) > 0 then d.contacts[1] end},
    {'type': 'hubspot.deal', 'value': d.record_id}
  ] as identifiers,
  list_concat(
    [{'type': 'opportunity', 'id': d.record_id, 'qualifier': 'subject'}],
    list_transform(list_sort(d.contacts), lambda x: {'type': 'contact', 'id': x, 'qualifier': 'involved'})
  ) as objects,
  case when m.part = 'closed' then case when d.has_won then 'success' else 'failure' end end as outcome,
  case when m.part = 'closed' then d.amount end as amount,
  case when m.part = 'closed' and length(d.currency) = 3 then upper(d.currency) end as currency,
  d.owner as agent_id,
  d.deal_name as subject,
  {'pipeline': d.pipeline, 'stage': d.deal_stage, 'close_date': d.close_date, 'expected_amount': d.amount} as attributes
from moment as m
inner join deal as d on m.row_id = d.row_id
where m.occurred_at is not null

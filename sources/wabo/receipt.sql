-- wabo.receipt: ticket_opened when the application came in (the case's start, told by the step "Confirmation of receipt",
-- which every case has once), in the channel that it came by: online (Internet, e-mail) or offline (desk, post);
-- ticket_replied for each letter that goes out; ticket_resolved when the case ends. An application without a known channel
-- of a citizen ("Intern") keeps the catalogue's channel.
-- The log names no applicant: the case is the only identifier, and a case has one applicant.
with step as (
  select
    row_id,
    unnest(list_filter([
      {
        'touchpoint_type': 'ticket_opened',
        'occurred_at': case when "concept:name" = 'Confirmation of receipt' then "case:startdate" end
      },
      {
        'touchpoint_type': 'ticket_replied',
        'occurred_at': case when "concept:name" <> 'Confirmation of receipt' then "time:timestamp" end
      },
      {
        'touchpoint_type': 'ticket_resolved',
        'occurred_at': case when "concept:name" = 'Confirmation of receipt' then "case:enddate" end
      }
    ], lambda x: x.occurred_at is not null), recursive := true)
  from export_row
)

select
  r.row_id,
  s.touchpoint_type,
  r."concept:name" as raw_type,
  s.occurred_at,
  case
    when s.touchpoint_type = 'ticket_opened'
      then
        case r."case:channel"
          when 'Internet' then 'website'
          when 'e-mail' then 'email'
          when 'Desk' then 'premises'
          when 'Post' then 'print'
        end
    when s.touchpoint_type = 'ticket_replied' then 'print'
  end as channel,
  case s.touchpoint_type when 'ticket_opened' then r."case:channel" when 'ticket_replied' then 'letter' end as channel_detail,
  case
    when s.touchpoint_type = 'ticket_opened' and r."case:channel" in ('Desk', 'Post') then 'offline'
    when s.touchpoint_type = 'ticket_replied' then 'offline'
  end as medium,
  [{'type': 'wabo.case', 'value': r."case:concept:name"}] as identifiers,
  [{'type': 'case', 'id': r."case:concept:name", 'qualifier': 'subject'}] as objects,
  case when s.touchpoint_type = 'ticket_resolved' then 'success' end as outcome,
  r."org:resource" as agent_id,
  {
    'intake': r."case:channel",
    'department': r."case:department",
    'group': r."org:group",
    'deadline': r."case:deadline"
  } as attributes
from step as s
inner join export_row as r on s.row_id = r.row_id

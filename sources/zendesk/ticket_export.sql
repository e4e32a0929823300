-- zendesk.ticket_export: opening (ticket_opened or complaint, as in zendesk.ticket), first reply, solution and satisfaction
-- from one row. Times are whole minutes. When a survey was offered or answered is not in the file: the ticket's last change
-- stands for it, and attributes.is_time_estimated says so. An offered survey is no score.
with ticket as (
  select
    *,
    lower("Satisfaction Score") as satisfaction,
    string_split(lower("Tags"), ',') as tag_list,
    cast(round("First reply time in minutes") as integer) as reply_minutes,
    coalesce("Updated at", "Solved at", "Created at") as changed_at
  from export_row
),

moment as (
  select
    row_id,
    unnest([
      {
        'touchpoint_type':
          case
            when
              lower("Ticket type") in ('incident', 'problem')
              and list_has_any(coalesce(tag_list, []), ['complaint', 'klacht', 'klage'])
              then 'complaint'
            else 'ticket_opened'
          end,
        'occurred_at': "Created at"
      },
      {'touchpoint_type': 'ticket_replied', 'occurred_at': "Created at" + to_minutes(reply_minutes)},
      {'touchpoint_type': 'ticket_resolved', 'occurred_at': "Solved at"},
      {'touchpoint_type': 'survey_sent', 'occurred_at': case when satisfaction = 'offered' then changed_at end},
      {
        'touchpoint_type': 'survey_answered',
        'occurred_at': case when satisfaction like 'good%' or satisfaction like 'bad%' then changed_at end
      }
    ], recursive := true)
  from ticket
)

select
  t.row_id,
  m.touchpoint_type,
  case
    when m.touchpoint_type like 'survey%' then t."Satisfaction Score"
    when m.touchpoint_type in ('ticket_opened', 'complaint') then t."Ticket type"
  end as raw_type,
  m.occurred_at,
  'minute' as occurred_at_precision,
  case when m.touchpoint_type like 'survey%' then 'ticket survey' else t."Via" end as channel_detail,
  case
    when m.touchpoint_type in ('ticket_opened', 'complaint') and regexp_matches(lower(t."Via"), 'phone|voice')
      then 'offline'
  end as medium,
  [
    {'type': 'zendesk.user', 'value': t."Requester id"},
    {'type': 'zendesk.ticket', 'value': t."Id"},
    {'type': 'email', 'value': t."Requester email"},
    {'type': 'customer_number', 'value': nullif(ltrim(t."Requester external id", '0'), '')}
  ] as identifiers,
  [{'type': 'ticket', 'id': t."Id", 'qualifier': 'subject'}] as objects,
  case when m.touchpoint_type = 'ticket_resolved' then 'success' end as outcome,
  case
    when m.touchpoint_type = 'ticket_resolved' then cast(round(t."Full resolution time in minutes") * 60 as integer)
  end as duration_seconds,
  case when m.touchpoint_type = 'ticket_replied' then t.reply_minutes * 60 end as waiting_seconds,
  case when m.touchpoint_type = 'survey_answered' then 'csat' end as score_kind,
  case
    when m.touchpoint_type = 'survey_answered' then case when t.satisfaction like 'good%' then 1 else 0 end
  end as score_raw,
  case when m.touchpoint_type = 'survey_answered' then 0 end as score_min,
  case when m.touchpoint_type = 'survey_answered' then 1 end as score_max,
  t."Assignee" as agent_id,
  t."Subject" as subject,
  {
    'status': t."Status",
    'priority': t."Priority",
    'tags': t.tag_list,
    'group': t."Group",
    'organization': t."Organization",
    'satisfaction': t."Satisfaction Score",
    'reopen_count': t."Reopens",
    'reply_count': t."Replies",
    'is_time_estimated': m.touchpoint_type like 'survey%'
  } as attributes
from moment as m
inner join ticket as t on m.row_id = t.row_id
where m.occurred_at is not null

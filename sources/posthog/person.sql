-- posthog.person: `$set` overwrites, `$set_once` says what was first; names as sites usually call them.
with said as (
  select
    *,
    coalesce(properties -> '$."$set"', '{}') as now,
    coalesce(properties -> '$."$set_once"', '{}') as first
  from export_row
)

select
  row_id,
  'person' as party_type,
  [
    {'type': case when event = '$identify' then 'login' end, 'value': case when event = '$identify' then distinct_id end},
    {'type': 'cookie', 'value': properties ->> '$."$anon_distinct_id"'},
    {'type': 'posthog.person', 'value': person_id},
    {'type': 'email', 'value': coalesce(now ->> '$.email', first ->> '$.email')},
    {'type': 'phone', 'value': coalesce(now ->> '$.phone', first ->> '$.phone')}
  ] as identifiers,
  coalesce(now ->> '$.name', first ->> '$.name') as full_name,
  coalesce(now ->> '$.first_name', now ->> '$.firstName') as given_name,
  coalesce(now ->> '$.last_name', now ->> '$.lastName') as family_name,
  coalesce(now ->> '$.email', first ->> '$.email') as email,
  coalesce(now ->> '$.phone', first ->> '$.phone') as phone,
  "timestamp" as valid_from
from said

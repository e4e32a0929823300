-- sessions_between(since, until): the visits that began from `since` on and before `until` (UTC), with the people.
-- example: from sessions_between('2026-01-01', '2026-02-01') where goal_count > 0
create or replace macro sessions_between(since, until) as table
select *
from session
where started_at >= cast(since as timestamp)
    and started_at < cast(until as timestamp)
order by started_at, session_id

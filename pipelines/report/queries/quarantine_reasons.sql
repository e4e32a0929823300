-- Rows put aside, by reason.
select
    source_export,
    column_name,
    reason,
    advice,
    count(*) as row_count
from quarantine
group by all
order by row_count desc, source_export, column_name, reason

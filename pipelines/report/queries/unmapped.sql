-- What exports call things that the catalogue has no type for.
select
    source_export,
    raw_type,
    count(*) as touchpoint_count
from touchpoint
where touchpoint_type = 'unmapped'
group by all
order by touchpoint_count desc, source_export, raw_type

-- Files that were not read, and why: duplicates, unknown and unreadable ones.
select
    regexp_extract(path, '[^/]+$') as file_name,
    source_export,
    status,
    message
from export_file
where status <> 'read'
order by status, file_name

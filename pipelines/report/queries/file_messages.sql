-- What the night had to say about files.
select
    regexp_extract(path, '[^/]+$') as file_name,
    source_export,
    status,
    message
from export_file
where message is not null
order by status, file_name

-- The files of the release: what each was recognised as, what became of its rows (a duplicate's are those of the file it repeats).
select
    export_file.source_export,
    export_file.status,
    count(*) as file_count,
    sum(reconciliation.row_count) as row_count,
    sum(reconciliation.mapped_count) as mapped_count,
    sum(reconciliation.quarantined_count) as quarantined_count,
    sum(reconciliation.skipped_count) as skipped_count,
    sum(reconciliation.duplicate_count) as duplicate_count,
    sum(reconciliation.difference_count) as difference_count,
    max(export_file.time_through) as time_through_at,
    date_diff('day', max(export_file.time_through), max(setting.data_date_at)) as days_since_last_row_count
from export_file
left join reconciliation
    on reconciliation.file_id = export_file.file_id
    and reconciliation.source_export = export_file.source_export
    and export_file.status <> 'duplicate'
cross join setting
group by all
order by export_file.source_export, export_file.status

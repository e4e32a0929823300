"""The books of the night: `export_file`, `quarantine` and `reconciliation`, in which every input row has its place.

Belongs here: filling those tables from the registry and the ledger. Does not belong here: the check itself (the contract of
`reconciliation` says that `difference_count` is 0).
"""

from __future__ import annotations

from models.contract import load_contracts
from pipelines.night import drift
from pipelines.night.build import comment_table
from pipelines.night.session import Session


def write_export_file(session: Session) -> None:
    """`export_file`: one row per file and place it was found; copies of the same bytes are `duplicate`."""
    create(session, "export_file")
    session.run(
        f"""
        insert into work.main.export_file by name
        with value_drift as ({drift.VALUE_DRIFT}),
        place as (
            select file_id, relative_path as path, source_export, any_value(status) as status,
                any_value(message) as message,
                any_value(format) as format,
                any_value(encoding) as encoding, any_value(delimiter) as delimiter, any_value(compression) as compression,
                any_value(column_drift) as column_drift,
                any_value(recognition_confidence) as recognition_confidence,
                max(byte_count) as byte_count
            from state.main.seen_file group by file_id, relative_path, source_export
        ),
        numbered as (
            select *, row_number() over (partition by file_id, source_export order by path) as copy_number,
                first_value(path) over (partition by file_id, source_export order by path) as first_path
            from place
        )
        select
            n.file_id, n.path, n.source_export,
            case
                when n.status = 'recognised' and n.copy_number > 1 then 'duplicate'
                when n.status = 'recognised' then 'read'
                else n.status
            end as status,
            case
                when n.status = 'recognised' and n.copy_number > 1 then 'same content as ' || n.first_path
                else concat_ws('; ', n.message, r.broken || ': export or copy it again', d.said)
            end as message,
            n.recognition_confidence,
            n.format, coalesce(r.encoding, n.encoding) as encoding, coalesce(r.delimiter, n.delimiter) as delimiter,
            n.compression, r.dialect,
            case when n.copy_number = 1 and (n.column_drift is not null or d.found is not null) then cast(
                json_merge_patch(coalesce(n.column_drift, '{{}}'), coalesce(d.found, '{{}}')) as varchar) end as drift,
            n.byte_count,
            case when n.copy_number = 1 then f.row_count end as row_count,
            f.time_from, f.time_through,
            case when n.copy_number = 1 then f.nulled_value_count end as nulled_value_count,
            case when n.copy_number = 1 then f.ambiguous_time_count end as ambiguous_time_count,
            case when n.copy_number = 1 then f.impossible_time_count end as impossible_time_count
        from numbered as n
        left join state.main.file as f on f.file_id = n.file_id and f.source_export = n.source_export
        left join state.main.file_reading as r on r.file_id = n.file_id and r.source_export = n.source_export
        left join value_drift as d on d.file_id = n.file_id and d.source_export = n.source_export
        """
    )


def write_reconciliation(session: Session) -> None:
    """`reconciliation`: per file read, rows = mapped + quarantined + skipped by a declared rule + exact duplicates."""
    create(session, "reconciliation")
    session.run(
        """
        insert into work.main.reconciliation by name
        with ledger as (
            select file_id, source_export,
                count(*) filter (where status = 'mapped') as mapped_count,
                count(*) filter (where status = 'quarantined') as quarantined_count,
                count(*) filter (where status = 'duplicate') as duplicate_count,
                count(*) filter (where status = 'superseded') as superseded_count
            from state.main.source_row group by file_id, source_export
        ),
        rule as (
            select file_id, source_export, rule, row_count from state.main.skipped_row
            union all
            select file_id, source_export, 'superseded', superseded_count from ledger where superseded_count > 0
        ),
        skipped as (
            select file_id, source_export, sum(row_count) as skipped_count,
                '{' || string_agg('"' || rule || '": ' || row_count, ', ' order by rule) || '}' as skipped_by_rule
            from rule group by file_id, source_export
        ),
        counted as (
            select f.file_id, f.source_export, f.row_count,
                coalesce(l.mapped_count, 0) as mapped_count,
                f.problem_count + coalesce(l.quarantined_count, 0) as quarantined_count,
                coalesce(s.skipped_count, 0) as skipped_count,
                coalesce(l.duplicate_count, 0) as duplicate_count,
                coalesce(s.skipped_by_rule, '{}') as skipped_by_rule
            from state.main.file as f
            left join ledger as l using (file_id, source_export)
            left join skipped as s using (file_id, source_export)
        )
        select *, row_count - mapped_count - quarantined_count - skipped_count - duplicate_count as difference_count
        from counted
        """
    )


def create(session: Session, table: str) -> None:
    """An empty book from its contract."""
    contract = load_contracts()[table]
    session.run(f"create or replace table work.main.{table} ({contract.ddl()})")
    comment_table(session, contract, f"work.main.{table}")


def describe_quarantine(session: Session) -> None:
    """Comments on `quarantine`, which the ingest steps fill."""
    comment_table(session, load_contracts()["quarantine"], "work.main.quarantine")

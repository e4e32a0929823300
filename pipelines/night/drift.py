"""What a file of a known export has otherwise than its spec knows: columns, values that do not cast, new words.

Belongs here: the table `state.main.file_drift` and how it is filled while an export comes in. Does not belong here: which
columns differ (`sources.recognise.drift`), what is done about a row (quarantine, `unmapped`), the books themselves.

Kinds: `retyped` (values of a typed column that do not cast), `unknown_value` (a value that the column's `values:` does not
have); with them is told `unmapped_label` (a touchpoint's own word that the catalogue does not have). All of it per file.
"""

from __future__ import annotations

from pipelines.night.session import Session, literal, quoted
from sources.spec import ExportSpec

# A new word is told as it stands, but not a text that somebody wrote there.
MAX_CHARACTERS = 60
# From this share of a column's values on, the column is said to have another type.
RETYPED_SHARE = 0.1


def prepare_drift(session: Session) -> None:
    """Create the table where it is not there."""
    session.run(
        """
        create table if not exists state.main.file_drift (
            file_id varchar, source_export varchar, kind varchar, column_name varchar, value varchar,
            value_count bigint, filled_count bigint)
        """
    )


def note_values(session: Session, spec: ExportSpec) -> None:
    """Note what the typed rows of tonight's files show: values that do not cast, and unknown ones."""
    typed = f"scratch.typed.{quoted(spec.name)}"
    name = literal(spec.name)
    columns = [row[0] for row in session.rows(f"select distinct unnest(miscast) as name from {typed} order by 1")]
    for column in columns:
        session.run(
            f"""
            insert into state.main.file_drift by name
            select file_id, {name} as source_export, 'retyped' as kind, {literal(column)} as column_name,
                count(*) filter (where list_contains(miscast, {literal(column)})) as value_count,
                count({quoted(column)}) + value_count as filled_count
            from {typed} group by file_id having value_count > 0
            """
        )
    for column, condition in unknown_conditions(spec).items():
        session.run(
            f"""
            insert into state.main.file_drift by name
            select file_id, {name} as source_export, 'unknown_value' as kind, {literal(column)} as column_name,
                {quoted(column)}[:{MAX_CHARACTERS}] as value, count(*) as value_count
            from {typed} where {condition} group by file_id, value
            """
        )


def unknown_conditions(spec: ExportSpec, alias: str = "") -> dict[str, str]:
    """For each column with `values:` the SQL condition that a row has another one."""
    conditions = {}
    for column, declared in spec.columns.items():
        if declared.values:
            known = ", ".join(literal(value.strip().lower()) for value in declared.values)
            conditions[column] = f"lower(cast({alias}{quoted(column)} as varchar)) not in ({known})"
    return conditions


# Per file and export: the drift of its values as text for the message, and as JSON.
VALUE_DRIFT = f"""
    select file_id, source_export,
        string_agg(said, '; ' order by kind) as said,
        json_group_object(kind, items) as found
    from (
        select file_id, source_export, kind,
            case kind
                when 'retyped' then nullif('values of another type: ' || string_agg(
                    column_name || ' (' || value_count || ' of ' || filled_count || ')', ', '
                    order by value_count desc, column_name) filter (where value_count >= {RETYPED_SHARE} * filled_count),
                    'values of another type: ')
                when 'unknown_value' then 'unknown values: ' || string_agg(
                    column_name || ' ' || value || ' (' || value_count || ')', ', ' order by place)
                    filter (where place <= 10)
                else 'words not in the catalogue: ' || string_agg(
                    coalesce(value, '(none)') || ' (' || value_count || ')', ', ' order by place)
                    filter (where place <= 10)
            end as said,
            to_json(list({{'column': column_name, 'value': value, 'count': value_count,
                'share': round(value_count / nullif(filled_count, 0), 4)}} order by place)
                filter (where place <= 100)) as items
        from (
            select *, row_number() over (
                partition by file_id, source_export, kind order by value_count desc, column_name, value) as place
            from (
                select file_id, source_export, kind, column_name, value,
                    cast(sum(value_count) as bigint) as value_count, cast(max(filled_count) as bigint) as filled_count
                from (
                    from state.main.file_drift
                    union all by name
                    select source_file_id as file_id, source_system || '.' || source_export as source_export,
                        'unmapped_label' as kind, raw_type[:{MAX_CHARACTERS}] as value,
                        count(distinct touchpoint_id) as value_count
                    from (
                        -- those of earlier nights that stay, and tonight's, which may be among them already
                        select touchpoint_id, source_system, source_export, source_file_id, raw_type
                        from work.main.touchpoint where touchpoint_type = 'unmapped'
                        union all
                        select touchpoint_id, source_system, source_export, source_file_id, raw_type
                        from scratch.ingest.touchpoint_new where touchpoint_type = 'unmapped' and problem is null
                    )
                    group by all
                ) group by all
            )
        )
        group by file_id, source_export, kind
    )
    group by file_id, source_export
"""

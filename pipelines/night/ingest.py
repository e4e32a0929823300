"""Steps 2 to 5 of a night for one export: parse new files, type them, settle the ledger, map the winning rows.

Belongs here: what happens to the rows of one export, and the delta tables that the canonical step collects
(`scratch.ingest.touchpoint_new`, `…party_record_new`, `…channel_cost_new`, `…identifier_link_new`, `removed_row`).
Does not belong here: how a format is read or a value typed (`sources/`), which customers are affected (`identity.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from models.contract import Contract, load_contracts
from pipelines.night import drift, visitor
from pipelines.night.session import Session, literal, quoted
from sources.archive import is_there
from sources.read import parse
from sources.spec import ExportSpec
from sources.typed import PROBLEM_TYPE, lookup_columns, mapping_query, typed_columns, typed_select
from sources.writing import reading_of

CANONICAL_TABLES = ("touchpoint", "party_record", "channel_cost", "identifier_link")

# Columns of typed_select that describe the row and are not columns of the export.
ROW_COLUMNS = (
    "file_id",
    "row_number",
    "line_number",
    "row_id",
    "content_hash",
    "version_key",
    "time_from",
    "time_through",
    "problem",
    "skip_rule",
    "miscast",
    "nulled_value_count",
    "ambiguous_time_count",
    "impossible_time_count",
    "raw",
)


class MappingError(Exception):
    """A mapping SELECT that cannot run; the text names the file and the next step."""


@dataclass(frozen=True)
class IngestResult:
    """What one export brought tonight."""

    export: str
    file_count: int
    row_count: int
    mapped_row_count: int
    quarantined_row_count: int


def prepare_ingest(session: Session) -> None:
    """Create the ledger and tonight's delta tables."""
    session.run(
        """
        create table if not exists state.main.file (
            file_id varchar, source_export varchar, spec_hash varchar, parsed_path varchar, row_count integer,
            time_from timestamp, time_through timestamp, nulled_value_count integer, ambiguous_time_count integer,
            impossible_time_count integer, problem_count integer)
        """
    )
    session.run(
        """
        create table if not exists state.main.skipped_row (
            file_id varchar, source_export varchar, rule varchar, row_count integer)
        """
    )
    session.run(
        """
        create table if not exists state.main.source_row (
            source_export varchar, row_id bigint, content_hash bigint, version_key varchar, file_id varchar,
            row_number integer, line_number integer, status varchar)
        """
    )
    session.run(
        """
        create table if not exists state.main.file_reading (
            file_id varchar, source_export varchar, encoding varchar, delimiter varchar, dialect varchar, broken varchar)
        """
    )
    drift.prepare_drift(session)
    session.run("create table if not exists work.main.quarantine (" + load_contracts()["quarantine"].ddl() + ")")
    for table in CANONICAL_TABLES:
        contract = load_contracts()[table]
        session.run(f"create or replace table scratch.ingest.{table}_new ({canonical_ddl(contract)})")
    session.run("create or replace table scratch.ingest.removed_row (source_row_id bigint, feeds varchar)")


def canonical_columns(contract: Contract) -> list[tuple[str, str]]:
    """Columns (name, DuckDB type) of a canonical table before identity: no customer, no session."""
    return [(c.name, c.type) for c in contract.columns if c.name not in ("customer_id", "session_id")]


def canonical_ddl(contract: Contract) -> str:
    """Column list of a canonical delta table; `problem` is the first breach of the contract in a row, else NULL."""
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in canonical_columns(contract))
    return f"{columns}, problem {PROBLEM_TYPE}"


def ingest_export(
    session: Session,
    spec: ExportSpec,
    siblings: dict[str, ExportSpec],
    parsed_folder: Path,
    salt: bytes,
    report: Callable[[str, int, int], None],
) -> IngestResult:
    """Bring one export up to date; see the module docstring.

    `siblings`: the exports of the same system by export name (lookups). `report(text, done, total)` shows progress.
    """
    session.look_in()
    if not is_known(session, spec.name) and not is_looked_up(spec, siblings):
        return IngestResult(spec.name, 0, 0, 0, 0)
    spec_hash = effective_hash(spec, siblings, salt)
    forget_outdated(session, spec, spec_hash)
    new_files = session.rows(
        """
        select file_id, min_by(path, relative_path) from state.main.seen_file
        where status = 'recognised' and source_export = ?
          and file_id not in (select file_id from state.main.file where source_export = ?)
        group by file_id order by min(relative_path)
        """,
        [spec.name, spec.name],
    )
    parsed: list[tuple[str, Path]] = []
    for number, (file_id, path) in enumerate(new_files):
        report(spec.name, number, len(new_files))
        parsed_path = parse_once(session, Path(path), file_id, spec, parsed_folder, salt)
        if parsed_path is not None:
            parsed.append((file_id, parsed_path))
            note_reading(session, file_id, spec, parsed_path)
    changed_lookup = lookup_changes(session, spec, siblings)
    row_count = quarantined = mapped = 0
    session.run("create or replace table scratch.ingest.changed_row (row_id bigint)")
    if parsed:
        type_files(session, spec, [path for _, path in parsed])
        row_count = register_rows(session, spec, spec_hash, parsed)
        drift.note_values(session, spec)
        settle_ledger(session, spec)
        if spec.web is not None:
            judge(session, spec, [file_id for file_id, _ in parsed], parsed_folder)
    if changed_lookup:
        add_rows_touched_by_lookups(session, spec, siblings)
    if parsed or changed_lookup:
        # What a changed row gave before goes, whatever it gives now.
        session.run(
            f"insert into scratch.ingest.removed_row select row_id, '{spec.feeds}' from scratch.ingest.changed_row"
        )
        session.run(
            """
            delete from work.main.quarantine where source_export = ? and (file_id, row_number) in (
                select (file_id, row_number) from state.main.source_row
                where source_export = ? and row_id in (select row_id from scratch.ingest.changed_row))
            """,
            [spec.name, spec.name],
        )
        if spec.feeds == "lookup":
            mapped = int(session.value("select count(*) from scratch.ingest.changed_row") or 0)
        else:
            mapped, quarantined = map_rows(session, spec, siblings)
    if is_looked_up(spec, siblings):
        store_lookup(session, spec, rebuilt=bool(parsed))
    drop_export_row(session)
    session.drop([f"scratch.typed.{quoted(spec.name)}"])
    quarantined += int(session.value("select count(*) from scratch.ingest.problem_row") or 0) if parsed else 0
    session.drop(["scratch.ingest.problem_row"])
    return IngestResult(spec.name, len(new_files), row_count, mapped, quarantined)


def is_known(session: Session, export: str) -> bool:
    """Whether an export has or had any file: most of the sources a company could have never send it one."""
    return bool(
        session.value(
            """
            select exists (from state.main.seen_file where source_export = ?)
                or exists (from state.main.file where source_export = ?)
            """,
            [export, export],
        )
    )


def effective_hash(spec: ExportSpec, siblings: dict[str, ExportSpec], salt: bytes) -> str:
    """Hash of everything that decides what the export's rows become: its own spec, those of its lookups, the secret."""
    parts = [spec.spec_hash + salt_mark(spec, salt), *(siblings[name].spec_hash for name in sorted(spec.lookups))]
    return "-".join(parts)


def salt_mark(spec: ExportSpec, salt: bytes) -> str:
    """Tells parsed copies made under one secret from those under another; empty where the secret plays no part.

    Four hex digits: enough to notice a change, too few to guess the secret from.
    """
    return hashlib.sha256(b"parsed with " + salt).hexdigest()[:4] if "log" in spec.read.format else ""


def forget_outdated(session: Session, spec: ExportSpec, spec_hash: str) -> None:
    """Take everything back that an export gave under another spec, so that all its files are read anew."""
    outdated = session.value(
        "select count(*) from state.main.file where source_export = ? and spec_hash <> ?", [spec.name, spec_hash]
    )
    moved = session.value(
        """
        select count(*) from state.main.file where source_export = ? and file_id not in (
            select file_id from state.main.seen_file where source_export = ?)
        """,
        [spec.name, spec.name],
    )
    if outdated or moved:
        forget_export(session, spec.name, spec.feeds)


def forget_export(session: Session, name: str, feeds: str) -> None:
    """Remove an export's ledger, quarantine and (through `removed_row`) its canonical rows."""
    for target in CANONICAL_TABLES if feeds == "lookup" else (feeds,):
        if session.exists("work", target):
            session.run(
                f"insert into scratch.ingest.removed_row select distinct source_row_id, '{target}' "
                f"from work.main.{target} where source_system || '.' || source_export = ?",
                [name],
            )
    for table in (
        "state.main.file",
        "state.main.skipped_row",
        "state.main.source_row",
        "state.main.file_drift",
        "state.main.file_reading",
        "state.main.visitor_day",
        "state.main.visitor_verdict",
        "work.main.quarantine",
    ):
        session.run(f"delete from {table} where source_export = ?", [name])
    session.drop([f"state.lookup.{quoted(name)}"])


def parse_once(
    session: Session, path: Path, file_id: str, spec: ExportSpec, parsed_folder: Path, salt: bytes
) -> Path | None:
    """The parsed copy of a file, made now if it is not there; None (and a message) when the file cannot be read."""
    target = parsed_folder / spec.name / f"{file_id}-{spec.read_hash}{salt_mark(spec, salt)}.parquet"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not is_there(path):
            raise FileNotFoundError(
                f"the file is gone and its parsed copy was made under another spec of {spec.name}; drop the file again"
            )
        parse(path, spec, target, salt)
    # Whatever is wrong with one file, the night goes on without it and says so in export_file.
    except Exception as error:
        message = str(error).replace(str(path), path.name)[:500] or type(error).__name__
        session.run(
            "update state.main.seen_file set status = 'unreadable', message = ? where file_id = ? and source_export = ?",
            [message, file_id, spec.name],
        )
        return None
    return target


def note_reading(session: Session, file_id: str, spec: ExportSpec, parsed: Path) -> None:
    """Write down how the file was read, as its parsed copy says, and that it breaks off, if it does."""
    found = reading_of(parsed)
    encoding, delimiter, broken = (found.pop(name, None) for name in ("encoding", "delimiter", "broken"))
    session.run(
        "insert into state.main.file_reading values (?, ?, ?, ?, ?, ?)",
        [file_id, spec.name, encoding, delimiter, json.dumps(found, ensure_ascii=False) if found else None, broken],
    )


def type_files(session: Session, spec: ExportSpec, paths: Sequence[Path]) -> None:
    """`scratch.typed.<export>`: all rows of the given parsed files, typed."""
    session.run(f"create or replace table scratch.typed.{quoted(spec.name)} as {typed_query(spec, paths)}")


def typed_query(spec: ExportSpec, paths: Sequence[Path], condition: str = "true") -> str:
    """SELECT of typed rows over parsed files, restricted by a condition on the text columns."""
    present: list[str] = []
    typed: dict[str, str] = {}
    for path in paths:
        schema = pq.read_schema(path)
        typed |= typed_columns(schema)
        present += [name for name in schema.names if not name.startswith("_") and name not in present]
    files = ", ".join(literal(str(path)) for path in paths)
    relation = (
        "(select * exclude (_filename), regexp_extract(_filename, '([0-9a-f?]{16})-[0-9a-f]+[.]parquet$', 1) as file_id "
        f"from read_parquet([{files}], union_by_name = true, filename = '_filename') where {condition})"
    )
    return typed_select(spec, relation, present, typed)


def register_rows(session: Session, spec: ExportSpec, spec_hash: str, parsed: Sequence[tuple[str, Path]]) -> int:
    """Write down the new files, their skipped rows and their problems; returns the number of rows read."""
    typed = f"scratch.typed.{quoted(spec.name)}"
    files = ", ".join(f"({literal(file_id)}, {literal(path.name)})" for file_id, path in parsed)
    session.run(
        f"""
        insert into state.main.file by name
        select
            f.file_id,
            {literal(spec.name)} as source_export,
            {literal(spec_hash)} as spec_hash,
            f.parsed_path,
            count(t.file_id) as row_count,
            min(t.time_from) filter (where t.problem is null) as time_from,
            max(t.time_through) filter (where t.problem is null) as time_through,
            coalesce(sum(t.nulled_value_count), 0) as nulled_value_count,
            coalesce(sum(t.ambiguous_time_count), 0) as ambiguous_time_count,
            coalesce(sum(t.impossible_time_count), 0) as impossible_time_count,
            count(*) filter (where t.problem is not null) as problem_count
        from (values {files}) as f (file_id, parsed_path)
        left join {typed} as t on t.file_id = f.file_id
        group by f.file_id, f.parsed_path
        """
    )
    session.run(
        f"""
        insert into state.main.skipped_row
        select file_id, {literal(spec.name)}, skip_rule, count(*) from {typed}
        where problem is null and skip_rule is not null group by file_id, skip_rule
        """
    )
    session.run(
        f"""
        create or replace table scratch.ingest.problem_row as
        select file_id, row_number, line_number, problem, raw from {typed} where problem is not null
        """
    )
    session.run(
        f"""
        insert into work.main.quarantine by name
        select file_id, {literal(spec.name)} as source_export, row_number, line_number, problem."column" as column_name,
            problem."value" as "value", problem.reason as reason, problem.advice as advice, raw
        from scratch.ingest.problem_row
        """
    )
    return int(session.value(f"select count(*) from {typed}") or 0)


def settle_ledger(session: Session, spec: ExportSpec) -> None:
    """Decide for every row_id of the new rows which occurrence wins, and note in `changed_row` where the winner is new.

    The rule depends on content only, never on the order of arrival: the highest version; then the content that the
    newest file (latest time in it, then file_id) brought; among identical rows the oldest file, then the first row.
    A row that a skip rule leaves out wins like any other where the export has a key: a record that was deleted or
    cancelled later gives nothing any more.
    """
    typed = f"scratch.typed.{quoted(spec.name)}"
    name = literal(spec.name)
    session.run(
        f"""
        create or replace table scratch.ingest.new_row as
        select row_id, content_hash, version_key, file_id, row_number, line_number, skip_rule is not null as is_skipped
        from {typed}
        where problem is null and {"true" if spec.key else "skip_rule is null"}
        """
    )
    session.run(
        f"""
        create or replace table scratch.ingest.old_row as
        select row_id, content_hash, version_key, file_id, row_number, line_number, status from state.main.source_row
        where source_export = {name} and row_id in (select row_id from scratch.ingest.new_row)
        """
    )
    session.run(
        f"""
        delete from state.main.source_row
        where source_export = {name} and row_id in (select row_id from scratch.ingest.old_row)
        """
    )
    # Most things occur once; only the others need ranking.
    session.run(
        """
        create or replace table scratch.ingest.repeated as
        select row_id from (
            select row_id from scratch.ingest.new_row union all select row_id from scratch.ingest.old_row
        ) group by row_id having count(*) > 1
        """
    )
    session.run(
        f"""
        create or replace table scratch.ingest.ranked as
        with occurrence as (
            select * from scratch.ingest.new_row where row_id in (select row_id from scratch.ingest.repeated)
            union all by name
            select * exclude (status), status = 'skipped' as is_skipped from scratch.ingest.old_row
        ),
        aged as (
            select o.*, coalesce(f.time_through, timestamp '1970-01-01') as time_through
            from occurrence as o join state.main.file as f using (file_id)
            where f.source_export = {name}
        ),
        newest as (
            select *,
                max({{'t': time_through, 'f': file_id}}) over (partition by row_id, content_hash) as newest_file
            from aged
        ),
        numbered as (
            select *,
                row_number() over ranking as place,
                first_value(content_hash) over ranking as winning_content
            from newest
            window ranking as (
                partition by row_id
                order by version_key desc, newest_file desc, content_hash, time_through, file_id, row_number
            )
        )
        select row_id, content_hash, version_key, file_id, row_number, line_number,
            case
                when is_skipped then 'skipped'
                when place = 1 then 'mapped'
                when content_hash = winning_content then 'duplicate'
                else 'superseded'
            end as status
        from numbered
        """
    )
    session.run(
        f"""
        insert into state.main.source_row by name
        select {name} as source_export, * exclude (is_skipped), if(is_skipped, 'skipped', 'mapped') as status
        from scratch.ingest.new_row where row_id not in (select row_id from scratch.ingest.repeated)
        union all by name
        select {name} as source_export, * from scratch.ingest.ranked
        """
    )
    # A row_id is redone when what wins is not what won before (its content or the place it stands).
    session.run(
        """
        insert into scratch.ingest.changed_row
        select row_id from scratch.ingest.new_row
        where not is_skipped and row_id not in (select row_id from scratch.ingest.repeated)
        union all
        select coalesce(r.row_id, o.row_id)
        from (select * from scratch.ingest.ranked where status = 'mapped') as r
        full join (select * from scratch.ingest.old_row where status in ('mapped', 'quarantined')) as o
            on o.row_id = r.row_id
        where (o.content_hash, o.file_id, o.row_number) is distinct from (r.content_hash, r.file_id, r.row_number)
        """
    )
    # Winners that stay as they were keep what was found out about them.
    session.run(
        f"""
        update state.main.source_row set status = 'quarantined'
        where source_export = {name} and status = 'mapped'
          and row_id in (select row_id from scratch.ingest.old_row where status = 'quarantined')
          and row_id not in (select row_id from scratch.ingest.changed_row)
        """
    )
    # Nothing but the winners is copied: where nothing repeats, the mapping reads the typed rows themselves.
    plain = f"select * from {typed} where problem is null and skip_rule is null"
    if session.value("select count(*) from scratch.ingest.repeated"):
        session.run(
            f"""
            create or replace table scratch.ingest.export_row as
            with wanted as (
                select row_id, content_hash, file_id, row_number, line_number from scratch.ingest.ranked
                where status = 'mapped' and row_id in (select row_id from scratch.ingest.changed_row)
            )
            {plain} and row_id not in (select row_id from scratch.ingest.repeated)
            union all by name
            -- the winner may stand in a file of an earlier night: the same content came again tonight
            (
                select t.* replace (w.file_id as file_id, w.row_number as row_number, w.line_number as line_number)
                from {typed} as t join wanted as w on w.row_id = t.row_id and w.content_hash = t.content_hash
                where t.problem is null and t.skip_rule is null
                qualify row_number() over (partition by t.row_id order by t.file_id, t.row_number) = 1
            )
            """
        )
    else:
        session.run(f"create or replace view scratch.ingest.export_row as {plain}")
    session.drop([f"scratch.ingest.{table}" for table in ("new_row", "old_row", "repeated", "ranked")])


def is_looked_up(spec: ExportSpec, siblings: dict[str, ExportSpec]) -> bool:
    """Whether another export of the system joins this one in its mapping."""
    return any(spec.export in sibling.lookups for sibling in siblings.values())


def store_lookup(session: Session, spec: ExportSpec, rebuilt: bool) -> None:
    """Keep the typed winning rows of a looked-up export in `state.lookup` and tonight's changed keys in scratch."""
    target = f"state.lookup.{quoted(spec.name)}"
    columns = lookup_columns(spec)
    if not session.exists("state", spec.name, "lookup"):
        ddl = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)
        session.run(f"create table {target} (row_id bigint, {ddl})")
    changed = f"scratch.ingest.{quoted('changed ' + spec.name)}"
    names = ", ".join(quoted(name) for name, _ in columns)
    if not rebuilt:
        session.run(f"create or replace table {changed} as select {names} from {target} limit 0")
        return
    # Both the values before and after: a row that moves from one key to another touches both.
    session.run(
        f"""
        create or replace table {changed} as
        select {names} from {target} where row_id in (select row_id from scratch.ingest.changed_row)
        union all
        select {names} from scratch.ingest.export_row
        """
    )
    session.run(f"delete from {target} where row_id in (select row_id from scratch.ingest.changed_row)")
    session.run(f"insert into {target} by name select row_id, {names} from scratch.ingest.export_row")


def lookup_changes(session: Session, spec: ExportSpec, siblings: dict[str, ExportSpec]) -> bool:
    """Whether any export that this one looks up changed tonight while this one already has rows."""
    if not session.value("select count(*) from state.main.source_row where source_export = ?", [spec.name]):
        return False
    return any(
        session.value(f"select count(*) from scratch.ingest.{quoted('changed ' + siblings[name].name)}")
        for name in spec.lookups
        if session.exists("scratch", "changed " + siblings[name].name, "ingest")
    )


def add_rows_touched_by_lookups(session: Session, spec: ExportSpec, siblings: dict[str, ExportSpec]) -> None:
    """Add to `export_row` and `changed_row` the winning rows whose lookup rows changed tonight."""
    conditions = []
    for export, column in spec.lookups.items():
        changed = f"scratch.ingest.{quoted('changed ' + siblings[export].name)}"
        if session.exists("scratch", "changed " + siblings[export].name, "ingest"):
            conditions.append(f"{quoted(column)} in (select cast({quoted(column)} as varchar) from {changed})")
    paths = [
        Path(row[0])
        for row in session.rows(
            "select distinct parsed_path from state.main.file where source_export = ? order by 1", [spec.name]
        )
    ]
    paths = [session.folder.parent / "parsed" / spec.name / path.name for path in paths]
    add_touched_rows(session, spec, typed_query(spec, paths, " or ".join(conditions)))


def judge(session: Session, spec: ExportSpec, tonight: Sequence[str], parsed_folder: Path) -> None:
    """Tell robots among tonight's rows by their agent and by what they do; rows whose visitor is seen otherwise follow."""
    visitor.learn_agents(session, spec)
    if spec.web is None or spec.web.visitor is None:
        return
    visitor.judge_visitors(session, spec, tonight, parsed_folder, typed_query)
    rows = visitor.rows_of_changed_visitors(session, spec, tonight, parsed_folder, typed_query)
    if rows is not None:
        add_touched_rows(session, spec, rows)


def add_touched_rows(session: Session, spec: ExportSpec, query: str) -> None:
    """Add to `export_row` and `changed_row` the winning rows among those of a query that are not in there yet."""
    session.run(
        f"""
        create or replace table scratch.ingest.touched as
        select t.* from ({query}) as t
        join state.main.source_row as s
            on s.row_id = t.row_id and s.file_id = t.file_id and s.row_number = t.row_number
        where s.source_export = {literal(spec.name)} and s.status in ('mapped', 'quarantined')
          and t.row_id not in (select row_id from scratch.ingest.changed_row)
        """
    )
    session.run("insert into scratch.ingest.changed_row select row_id from scratch.ingest.touched")
    session.run(
        f"""
        update state.main.source_row set status = 'mapped' where source_export = {literal(spec.name)}
          and status = 'quarantined' and row_id in (select row_id from scratch.ingest.touched)
        """
    )
    if session.exists("scratch", "export_row", "ingest"):
        session.run(
            "create table scratch.ingest.all_row as select * from scratch.ingest.export_row "
            "union all by name select * from scratch.ingest.touched"
        )
        drop_export_row(session)
        session.run("alter table scratch.ingest.all_row rename to export_row")
        session.drop(["scratch.ingest.touched"])
    else:
        session.run("alter table scratch.ingest.touched rename to export_row")


def drop_export_row(session: Session) -> None:
    """Drop `export_row`, which is a view or a table."""
    kind = (
        "table"
        if session.value(
            "select count(*) from duckdb_tables() where database_name = 'scratch' and table_name = 'export_row'"
        )
        else "view"
    )
    session.run(f"drop {kind} if exists scratch.ingest.export_row")


def map_rows(session: Session, spec: ExportSpec, siblings: dict[str, ExportSpec]) -> tuple[int, int]:
    """Run the mapping SELECT over `export_row` into the canonical delta; returns rows mapped and rows quarantined."""
    for export in spec.lookups:
        lookup = siblings[export]
        if not session.exists("state", lookup.name, "lookup"):
            ddl = ", ".join(f"{quoted(name)} {kind}" for name, kind in lookup_columns(lookup))
            session.run(f"create table state.lookup.{quoted(lookup.name)} (row_id bigint, {ddl})")
        session.run(
            f"create or replace view scratch.ingest.{quoted('lookup_' + export)} as "
            f"select * from state.lookup.{quoted(lookup.name)}"
        )
    if spec.web is not None:
        visitor.offer_web_relations(session, spec)
    name = literal(spec.name)
    target = f"scratch.ingest.{spec.feeds}_new"
    session.look_in("scratch.ingest")
    try:
        session.run(f"insert into {target} by name {canonical_query(session, spec)}")
    except duckdb.Error as error:
        raise MappingError(
            f"the mapping of {spec.name} ({spec.export}.sql) cannot run: {str(error).splitlines()[0]} "
            f"Next: `touchpoint360 inspect FILE` on one of its files shows the columns it gets."
        ) from error
    finally:
        session.look_in()
    mine = f"source_system = {literal(spec.system)} and source_export = {literal(spec.export)}"
    session.run(
        f"""
        create or replace table scratch.ingest.bad_row as
        select source_row_id, min(problem) as problem from {target}
        where {mine} and problem is not null
        group by source_row_id
        """
    )
    for column, condition in drift.unknown_conditions(spec, "e.").items():
        # The SELECT gives nothing for a value that the spec does not know: the row waits until the spec does.
        problem = breach(column, f"e.{quoted(column)}", "a value that the spec does not know, and nothing is mapped for it",
                         f"add it to the SELECT and to values of {column}, or write a skip rule")  # fmt: skip
        session.run(
            f"""
            insert into scratch.ingest.bad_row
            select e.row_id, cast({problem} as {PROBLEM_TYPE}) from scratch.ingest.export_row as e
            where {condition} and e.row_id not in (select source_row_id from scratch.ingest.bad_row)
              and e.row_id not in (select source_row_id from {target} where {mine})
            """
        )
    # Any other winning row that the SELECT left out has no place in the books: the reconciliation check stops the night.
    session.run(
        f"""
        update state.main.source_row set status = 'unmapped'
        where source_export = {name} and status = 'mapped'
          and row_id in (select row_id from scratch.ingest.changed_row)
          and row_id not in (select source_row_id from {target} where {mine})
          and row_id not in (select source_row_id from scratch.ingest.bad_row)
        """
    )
    bad = int(session.value("select count(*) from scratch.ingest.bad_row") or 0)
    if bad:
        cells = cells_as_json(session)
        session.run(
            f"""
            insert into work.main.quarantine by name
            select e.file_id, {name} as source_export, e.row_number, e.line_number,
                b.problem."column" as column_name, b.problem."value" as "value", b.problem.reason as reason,
                b.problem.advice as advice, {cells} as raw
            from scratch.ingest.bad_row as b
            join scratch.ingest.export_row as e on e.row_id = b.source_row_id
            """
        )
        session.run(
            f"""
            update state.main.source_row set status = 'quarantined'
            where source_export = {name} and status = 'mapped'
              and row_id in (select source_row_id from scratch.ingest.bad_row)
            """
        )
        session.run(
            f"delete from {target} where {mine} and source_row_id in (select source_row_id from scratch.ingest.bad_row)"
        )
    mapped = int(session.value(f"select count(distinct source_row_id) from {target} where {mine}") or 0)
    session.drop(["scratch.ingest.bad_row"])
    return mapped, bad


def cells_as_json(session: Session) -> str:
    """Expression that renders an `export_row` as JSON text of its cells, for the quarantine."""
    names = [
        row[0]
        for row in session.rows(
            "select column_name from duckdb_columns() where database_name = 'scratch' and schema_name = 'ingest' "
            "and table_name = 'export_row' order by column_index"
        )
        if row[0] not in ROW_COLUMNS
    ]
    pairs = ", ".join(f"{literal(name)}, e.{quoted(name)}" for name in names)
    return f"cast(json_object({pairs}) as varchar)"


def mapped_columns(session: Session, query: str) -> list[str]:
    """Names of the columns a mapping SELECT returns, in lower case: DuckDB gives back the export's own spelling."""
    return [row[0].lower() for row in session.rows(f"describe {query}")]


def canonical_query(session: Session, spec: ExportSpec) -> str:
    """Wrap a mapping SELECT: every canonical column by name and type, ids, and the first breach per row as `problem`."""
    query = mapping_query(spec)
    given = mapped_columns(session, query)
    contract = load_contracts()[spec.feeds]
    known = {name for name, _ in canonical_columns(contract)}
    allowed = known | {"row_id", "part", "score_min", "score_max"}
    unknown = [name for name in given if name not in allowed]
    if unknown:
        raise MappingError(
            f"the mapping of {spec.name} ({spec.export}.sql) returns {', '.join(unknown)}, which {spec.feeds} does not "
            "have. Put it into `attributes`, or see docs/tables.md for the columns."
        )
    builder = {
        "touchpoint": touchpoint_expressions,
        "party_record": party_record_expressions,
        "channel_cost": channel_cost_expressions,
        "identifier_link": identifier_link_expressions,
    }[spec.feeds]
    expressions, problem, joins = builder(set(given), spec)
    breaches = problem + contract_breaches(contract, set(given))
    problem = f"case {breaches} end" if breaches else "null"
    lineage = {
        "source_system": literal(spec.system),
        "source_export": literal(spec.export),
        "source_file_id": "e.file_id",
        "source_row_number": "e.row_number",
        "source_row_id": "m.row_id",
    }
    selected = []
    for name, kind in canonical_columns(contract):
        expression = expressions.get(name) or lineage.get(name) or (f"m.{quoted(name)}" if name in given else "null")
        selected.append(f"cast({expression} as {kind}) as {quoted(name)}")
    return (
        f"with mapping as ({query}) select {', '.join(selected)}, cast({problem} as {PROBLEM_TYPE}) as problem "
        f"from mapping as m join scratch.ingest.export_row as e on e.row_id = m.row_id {joins}"
    )


def key_expression(parts: Sequence[str]) -> str:
    """A stable 62-bit id from text parts (the same on every machine and DuckDB version)."""
    joined = ", ".join(f"coalesce(cast({part} as varchar), '')" for part in parts)
    return f"md5_number_lower(concat_ws(chr(31), {joined})) >> 2"


def breach(column: str, value: str, reason: str, advice: str) -> str:
    """A `problem` struct literal."""
    return (
        f"{{'column': {literal(column)}, 'value': cast({value} as varchar), 'reason': {literal(reason)}, "
        f"'advice': {literal(advice)}}}"
    )


def clean_identifiers(given: set[str]) -> str:
    """The identifiers list without empty values; NULL when nothing is left."""
    if "identifiers" not in given:
        return "null"
    return (
        "nullif(list_transform(list_filter(m.identifiers, lambda x: nullif(trim(cast(x.\"value\" as varchar)), '') "
        "is not null), lambda x: {'type': x.\"type\", 'value': trim(cast(x.\"value\" as varchar))}), [])"
    )


def as_json(given: set[str], name: str = "attributes") -> str:
    """A struct column as JSON text."""
    return f"nullif(cast(to_json(m.{quoted(name)}) as varchar), 'null')" if name in given else "null"


def currency_expression(given: set[str], spec: ExportSpec) -> str:
    """The row's currency, else the one the spec or its system declares."""
    declared = literal(spec.currency) if spec.currency else "null"
    return f"upper(coalesce(m.currency, {declared}))" if "currency" in given else f"upper(cast({declared} as varchar))"


def contract_breaches(contract: Contract, given: set[str]) -> str:
    """WHEN branches for given values outside the range or the list that the contract allows."""
    branches = ""
    for column in contract.columns:
        if column.name not in given or column.name == "touchpoint_type":
            continue
        value = f"m.{quoted(column.name)}"
        if column.values:
            allowed = ", ".join(literal(item) for item in column.values)
            branches += f" when cast({value} as varchar) not in ({allowed}) then " + breach(
                column.name, value, "not one of the values allowed", "see docs/tables.md; correct the mapping"
            )
        bounds = [
            f"{value} {sign} {bound:g}"
            for sign, bound in (("<", column.minimum), (">", column.maximum))
            if bound is not None
        ]
        if bounds:
            branches += f" when {' or '.join(bounds)} then " + breach(
                column.name, value, "out of range", "correct the value in the export"
            )
    return branches


def touchpoint_expressions(given: set[str], spec: ExportSpec) -> tuple[dict[str, str], str, str]:
    """Expressions, breach and joins that make a mapping's rows touchpoints."""

    def column(name: str) -> str:
        return f"m.{quoted(name)}" if name in given else "null"

    low, high = column("score_min"), column("score_max")
    expressions = {
        "touchpoint_id": key_expression(["m.row_id", "m.touchpoint_type", column("part")]),
        "touchpoint_type": "c.touchpoint_type",
        "raw_type": f"coalesce({column('raw_type')}, case when c.touchpoint_type = 'unmapped' then m.touchpoint_type end)",
        "occurred_at_precision": f"coalesce({column('occurred_at_precision')}, 'second')",
        "channel": f"coalesce({column('channel')}, c.channel)",
        "direction": f"coalesce({column('direction')}, c.direction)",
        "medium": f"coalesce({column('medium')}, c.medium)",
        "journey_phase": "c.journey_phase",
        "category": "c.category",
        "amount_base": f"{column('amount')} * x.rate" if "amount" in given else "null",
        "score_scaled": f"({column('score_raw')} - {low}) / nullif(cast({high} - {low} as double), 0)"
        if "score_raw" in given
        else "null",
        "is_bot": f"coalesce({column('is_bot')}, false)",
        # A system that knows its robots itself does not say how.
        "bot_reason": f"coalesce({column('bot_reason')}, case when {column('is_bot')} then 'source' end)",
        "identifiers": clean_identifiers(given),
        "objects": "nullif(list_filter(m.objects, lambda x: nullif(cast(x.id as varchar), '') is not null), [])"
        if "objects" in given
        else "null",
        "attributes": as_json(given),
        "currency": currency_expression(given, spec),
    }
    problem = "when m.occurred_at is null then " + breach(
        "occurred_at", "null", "a touchpoint without a time", "give the time column a value or a skip rule"
    )
    if "score_raw" in given:
        problem += (
            f" when {column('score_raw')} < {low} or {column('score_raw')} > {high} then "
            + breach("score_raw", column("score_raw"), "score outside its scale", "correct the score in the export")
            + f" when {column('score_raw')} is not null and {column('score_kind')} is null then "
            + breach("score_kind", "null", "a score without its kind", "let the mapping return score_kind")
        )
    # What the catalogue does not know is counted as unmapped, under its own name in raw_type.
    joins = (
        "join work.main.touchpoint_type as c on c.touchpoint_type = case when m.touchpoint_type in "
        "(select touchpoint_type from work.main.touchpoint_type) then m.touchpoint_type else 'unmapped' end"
    )
    if "amount" in given:
        joins += f" left join work.main.exchange_rate as x on x.currency = {currency_expression(given, spec)}"
    return expressions, problem, joins


def party_record_expressions(given: set[str], spec: ExportSpec) -> tuple[dict[str, str], str, str]:
    """Expressions, breach and joins that make a mapping's rows party records."""
    expressions = {
        "party_record_id": key_expression(["'party'", "m.row_id", "m.part" if "part" in given else "null"]),
        "party_type": "coalesce(m.party_type, 'person')" if "party_type" in given else "'person'",
        "identifiers": clean_identifiers(given),
        "attributes": as_json(given),
    }
    return expressions, "", ""


def channel_cost_expressions(given: set[str], spec: ExportSpec) -> tuple[dict[str, str], str, str]:
    """Expressions, breach and joins that make a mapping's rows channel costs."""
    expressions = {
        "channel_cost_id": key_expression(["'cost'", "m.row_id", "m.part" if "part" in given else "null"]),
        "cost_amount_base": "m.cost_amount * x.rate",
        "currency": currency_expression(given, spec),
    }
    problem = (
        "when m.cost_date is null then "
        + breach("cost_date", "null", "a cost without a day", "give the date column a value")
        + " when m.cost_amount < 0 then "
        + breach("cost_amount", "m.cost_amount", "a negative cost", "correct the amount in the export")
    )
    joins = f"left join work.main.exchange_rate as x on x.currency = {currency_expression(given, spec)}"
    return expressions, problem, joins


def identifier_link_expressions(given: set[str], spec: ExportSpec) -> tuple[dict[str, str], str, str]:
    """Expressions, breach and joins that make a mapping's rows identifier links."""
    expressions = {
        "identifier_link_id": key_expression(["'link'", "m.row_id", "m.part" if "part" in given else "null"])
    }
    problem = "when m.left_value is null or m.right_value is null then " + breach(
        "left_value", "m.left_value", "a link with one end", "both identifiers need a value"
    )
    return expressions, problem, ""

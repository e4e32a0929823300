"""Robots told by what they do: the facts of each visitor's day and the verdict on it, while an export is brought up to date.

Belongs here: which days tonight's files touch, keeping `state.main.visitor_day`, `visitor_verdict` and `web_agent`, and mapping
rows of earlier nights again whose visitor is now seen otherwise. Does not belong here: the facts and the verdict themselves
(`sql/visitor/`), what an agent says (`models/agent.py`).

Both tables are functions of all rows of a day (a verdict also of the days before and after), read from every file that covers
it, so nights in any order end in the same verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from models.agent import AGENT_SCHEMA
from models.configuration import Configuration
from pipelines.model_files import ingest_select
from pipelines.night.session import Session, literal, quoted
from sources.spec import ExportSpec
from sources.web import VISITOR_COLUMNS, missing_agents, offer_web_functions

FACT_COLUMNS = (
    "visitor varchar, visit_date date, first_at timestamp, last_at timestamp, user_agent varchar, ip_masked varchar, "
    "request_count bigint, page_request_count bigint, asset_request_count bigint, robots_txt_request_count bigint, "
    "referred_page_count bigint, distinct_page_count bigint, peak_minute_page_count bigint, active_hour_count bigint, "
    "first_page_at timestamp, last_page_at timestamp, first_host varchar, last_host varchar"
)
# What is kept from night to night, as lists of name and type.
STATE_TABLES = {
    "visitor_day": f"source_export varchar, {FACT_COLUMNS}",
    "visitor_verdict": f"source_export varchar, visit_date date, {VISITOR_COLUMNS}",
}
# Typed rows of parsed files: (spec, files) -> SELECT.
TypedQuery = Callable[[ExportSpec, Sequence[Path]], str]


def state_columns(table: str) -> dict[str, str]:
    """Column names and DuckDB types of one of STATE_TABLES."""
    pairs = (pair.strip().split(" ") for pair in STATE_TABLES[table].split(","))
    return {name: kind.upper() for name, kind in pairs}


def prepare_web(session: Session, configuration: Configuration) -> None:
    """Make the functions that mappings call, and the tables of visitors and agents where they are not there yet."""
    offer_web_functions(session.run, configuration)
    for table, columns in STATE_TABLES.items():
        session.run(f"create table if not exists state.main.{table} ({columns})")
    if not session.exists("state", "web_agent"):
        session.store("state.main.web_agent", AGENT_SCHEMA.empty_table())


def offer_web_relations(session: Session, spec: ExportSpec) -> None:
    """Views under which the mapping of an export finds agents, visitors and the configuration."""
    session.run("create or replace view scratch.ingest.web_agent as select * from state.main.web_agent")
    for table in ("web_parameter", "traffic_source_host", "click_id"):
        session.run(f"create or replace view scratch.ingest.{table} as select * from work.main.{table}")
    session.run(
        "create or replace view scratch.ingest.web_visitor as select * exclude (source_export, visit_date) "
        f"from state.main.visitor_verdict where source_export = {literal(spec.name)}"
    )


def learn_agents(session: Session, spec: ExportSpec) -> None:
    """Add the agents of tonight's rows to `state.main.web_agent`: each is looked at once in the life of a warehouse."""
    assert spec.web is not None
    seen = session.arrow(
        f"select distinct {quoted(spec.web.user_agent)} as user_agent from scratch.typed.{quoted(spec.name)} "
        "where problem is null"
    )
    session.append("state.main.web_agent", missing_agents(session.arrow("from state.main.web_agent"), seen))


def judge_visitors(
    session: Session, spec: ExportSpec, tonight: Sequence[str], parsed_folder: Path, typed_query: TypedQuery
) -> None:
    """Bring the facts and verdicts of the days that tonight's files touch up to date.

    `tonight`: the ids of the files that were typed. Rows of other files whose verdict changed are added to `export_row` and
    `changed_row`, so that they are mapped again.
    """
    assert spec.web is not None and spec.web.visitor is not None
    name = literal(spec.name)
    session.run(
        f"""
        create or replace table scratch.ingest.touched_day as
        select distinct cast(time as date) as visit_date from scratch.typed.{quoted(spec.name)}
        where problem is null and time is not null
        """
    )
    gather_requests(session, spec, tonight, parsed_folder, typed_query)
    session.look_in("scratch.ingest", "work.main", "state.main")
    session.run(
        f"create or replace table scratch.ingest.new_fact as select {name} as source_export, * "
        f"from ({ingest_select('visitor_day')})"
    )
    session.look_in()
    session.run(
        f"""
        delete from state.main.visitor_day where source_export = {name}
            and visit_date in (select visit_date from scratch.ingest.touched_day)
        """
    )
    session.run("insert into state.main.visitor_day by name select * from scratch.ingest.new_fact")
    # The day after may go on from a day that has changed, and the day before may be the first of a session that never ends.
    session.run(
        """
        create or replace table scratch.ingest.judged_day as
        select visit_date from scratch.ingest.touched_day
        union
        select cast(visit_date + interval '1' day as date) from scratch.ingest.touched_day
        union
        select cast(visit_date - interval '1' day as date) from scratch.ingest.touched_day
        """
    )
    session.run(
        f"""
        create or replace view scratch.ingest.visitor_day as
        select * exclude (source_export) from state.main.visitor_day
        where source_export = {name} and visit_date in (
            select visit_date from scratch.ingest.judged_day
            union select cast(visit_date - interval '1' day as date) from scratch.ingest.judged_day
            union select cast(visit_date + interval '1' day as date) from scratch.ingest.judged_day)
        """
    )
    session.look_in("scratch.ingest", "work.main", "state.main")
    session.run(
        f"create or replace table scratch.ingest.new_verdict as select {name} as source_export, * "
        f"from ({ingest_select('visitor_verdict')})"
    )
    session.look_in()
    session.run(
        f"""
        create or replace table scratch.ingest.changed_visitor as
        with before as (
            select * from state.main.visitor_verdict where source_export = {name}
                and visit_date in (select visit_date from scratch.ingest.judged_day)
        )
        select coalesce(a.visitor, b.visitor) as visitor, coalesce(a.visit_date, b.visit_date) as visit_date
        from scratch.ingest.new_verdict as a full join before as b on b.visitor = a.visitor
        where (a.is_bot, a.bot_reason, a.bot_name, a.bot_list_version, a.continues_visitor)
            is distinct from (b.is_bot, b.bot_reason, b.bot_name, b.bot_list_version, b.continues_visitor)
        """
    )
    session.run(
        f"""
        delete from state.main.visitor_verdict where source_export = {name}
            and visit_date in (select visit_date from scratch.ingest.judged_day)
        """
    )
    session.run("insert into state.main.visitor_verdict by name select * from scratch.ingest.new_verdict")
    for view in ("visitor_day", "visitor_request"):
        session.run(f"drop view scratch.ingest.{view}")
    session.drop(
        f"scratch.ingest.{table}" for table in ("request_once", "new_fact", "new_verdict", "judged_day", "touched_day")
    )


def gather_requests(
    session: Session, spec: ExportSpec, tonight: Sequence[str], parsed_folder: Path, typed_query: TypedQuery
) -> None:
    """`scratch.ingest.visitor_request`: every request of the touched days once, from tonight's files and older ones."""
    assert spec.web is not None and spec.web.visitor is not None
    columns = (
        f"row_id, {quoted(spec.web.visitor)} as visitor, time, path, referrer, "
        f"{quoted(spec.web.user_agent)} as user_agent, ip_masked, skip_rule"
    )
    mine = f"select {columns} from scratch.typed.{quoted(spec.name)} where problem is null and time is not null"
    older = files_of_days(session, spec, "scratch.ingest.touched_day", tonight)
    # The same row may stand in two files; only days that several files cover are worth the comparison.
    shared = f"""
        select d.visit_date from scratch.ingest.touched_day as d
        join state.main.file as f on f.source_export = {literal(spec.name)}
            and d.visit_date between cast(f.time_from as date) and cast(f.time_through as date)
        group by d.visit_date having count(*) > 1
    """
    if not session.value(f"select count(*) from ({shared})"):
        session.run(f"create or replace view scratch.ingest.visitor_request as {mine}")
        return
    if older:
        paths = [parsed_folder / spec.name / path for path in older]
        mine = f"""
            {mine} union all
            select {columns} from ({typed_query(spec, paths)})
            where problem is null and cast(time as date) in (select visit_date from scratch.ingest.touched_day)
        """
    session.run(f"create or replace table scratch.ingest.every_request as {mine}")
    session.run(
        f"""
        create or replace table scratch.ingest.request_once as
        with shared as ({shared})
        select * from scratch.ingest.every_request where cast(time as date) not in (select visit_date from shared)
        union all
        (select distinct on (row_id) * from scratch.ingest.every_request
            where cast(time as date) in (select visit_date from shared))
        """
    )
    session.drop(["scratch.ingest.every_request"])
    session.run("create or replace view scratch.ingest.visitor_request as from scratch.ingest.request_once")


def files_of_days(session: Session, spec: ExportSpec, days: str, without: Sequence[str]) -> list[str]:
    """Names of the parsed copies of an export's files that cover a day of the table `days`, but those `without`."""
    left_out = ", ".join(literal(file_id) for file_id in without) or "''"
    rows = session.rows(
        f"""
        select distinct f.parsed_path from state.main.file as f
        join {days} as d on d.visit_date between cast(f.time_from as date) and cast(f.time_through as date)
        where f.source_export = ? and f.file_id not in ({left_out})
        order by 1
        """,
        [spec.name],
    )
    return [row[0] for row in rows]


def rows_of_changed_visitors(
    session: Session, spec: ExportSpec, tonight: Sequence[str], parsed_folder: Path, typed_query: TypedQuery
) -> str | None:
    """SELECT of the typed rows of older files whose visitor's verdict changed; None when there are none."""
    assert spec.web is not None and spec.web.visitor is not None
    files = files_of_days(session, spec, "scratch.ingest.changed_visitor", tonight)
    if not files:
        return None
    query = typed_query(spec, [parsed_folder / spec.name / name for name in files])
    return (
        f"select * from ({query}) where {quoted(spec.web.visitor)} in "
        "(select visitor from scratch.ingest.changed_visitor)"
    )

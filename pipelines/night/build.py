"""Step 9 of a night: run the SQL models, over everybody or over the affected customers only.

Belongs here: how a model's SELECT becomes rows in its table, comments, and which Parquet months changed. Does not belong here:
what a model computes (`sql/`), checks (`checks.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from models.contract import Contract, load_contracts
from pipelines.model_files import Model, load_models
from pipelines.night.session import Session, quoted


@dataclass(frozen=True)
class BuildResult:
    """What a model's run did to its table."""

    table: str
    row_count: int
    written_count: int
    is_full: bool


def prepare_scope(session: Session) -> None:
    """Views that restrict every per-customer table to the affected customers, found before the tables themselves."""
    session.run("create or replace table scratch.main.changed_month (table_name varchar, month date)")
    for name in [row[0] for row in session.rows("select view_name from duckdb_views() where schema_name = 'scope'")]:
        session.run(f"drop view scratch.scope.{quoted(name)}")


def open_scope(session: Session, model: Model) -> None:
    """Let later per-customer models see this model's rows of the affected customers only."""
    session.run(
        f"create or replace view scratch.scope.{model.name} as select * from {model.home}.{model.name} "
        "where customer_id in (select customer_id from scratch.main.affected_customer)"
    )


def build_model(session: Session, model: Model, full: bool) -> BuildResult:
    """Make or bring up to date one table.

    Full: the whole table from whole inputs. Otherwise a per-customer model replaces the rows of the affected customers, an
    aggregate is recomputed.
    """
    contract = load_contracts()[model.name]
    target = f"{model.home}.{model.name}"
    whole = full or model.kind == "aggregate" or not session.exists(*_place(model))
    months = contract.partition_by and model.kind == "per_customer"
    if whole:
        session.look_in()
        session.run(f"create or replace table {target} ({contract.ddl()})")
        written = insert_select(session, model, contract, target)
        comment_table(session, contract, target)
        if months:
            session.run(
                f"insert into scratch.main.changed_month select distinct '{model.name}', "
                f"cast(date_trunc('month', {contract.partition_by}) as date) from {target}"
            )
    else:
        if months:
            fingerprint(session, contract, target, "before")
        session.run(
            f"delete from {target} where customer_id in (select customer_id from scratch.main.affected_customer)"
        )
        session.look_in("scratch.scope", "work.main", "state.main", "scratch.main")
        written = insert_select(session, model, contract, target)
        session.look_in()
        if months:
            fingerprint(session, contract, target, "after")
            session.run(
                f"""
                insert into scratch.main.changed_month
                select '{model.name}', coalesce(a.month, b.month)
                from scratch.main.month_before as b full join scratch.main.month_after as a on a.month = b.month
                where (a.row_count, a.content) is distinct from (b.row_count, b.content)
                """
            )
    if model.kind == "per_customer" and not full:
        open_scope(session, model)
    rows = int(session.value(f"select count(*) from {target}") or 0)
    return BuildResult(model.name, rows, written, whole)


def _place(model: Model) -> tuple[str, str]:
    return model.home.split(".")[0], model.name


def insert_select(session: Session, model: Model, contract: Contract, target: str) -> int:
    """Insert a model's rows, columns matched by name; returns how many."""
    columns = ", ".join(quoted(column.name) for column in contract.columns)
    finisher = model.finisher()
    if finisher is not None:
        session.append(target, finisher(session.arrow(model.text)).select([c.name for c in contract.columns]))
        return int(session.value(f"select count(*) from {target}") or 0)
    result = session.rows(f"insert into {target} by name select {columns} from (\n{model.text}\n)")
    return int(result[0][0]) if result else 0


def fingerprint(session: Session, contract: Contract, target: str, moment: str) -> None:
    """Content of the affected customers' rows per month, so that only months that really changed are written again."""
    columns = ", ".join(quoted(column.name) for column in contract.columns)
    extra = (
        f" or {quoted(contract.key[0])} in (select touchpoint_id from scratch.ingest.touchpoint_new)"
        f" or {quoted(contract.key[0])} in (select record_id from scratch.main.touchpoint_removed)"
        if contract.table == "touchpoint"
        else ""
    )
    session.run(
        f"""
        create or replace table scratch.main.month_{moment} as
        select cast(date_trunc('month', {contract.partition_by}) as date) as month, count(*) as row_count,
            sum(cast(hash({columns}) as hugeint)) as content
        from {target}
        where customer_id in (select customer_id from scratch.main.affected_customer){extra}
        group by 1
        """
    )


def comment_table(session: Session, contract: Contract, target: str) -> None:
    """Write the contract's descriptions as COMMENTs (`create or replace` drops them)."""
    with session.together():
        for statement in contract.comments(target):
            session.run(statement)


def full_models(changed: set[str], everything: bool) -> set[str]:
    """Names of per-customer models that must run over everybody: those changed and all that read them."""
    models = load_models()
    if everything:
        return set(models)
    found: set[str] = set()
    for name, model in models.items():
        if name in changed or any(inner in found for inner in model.inputs):
            found.add(name)
    return found

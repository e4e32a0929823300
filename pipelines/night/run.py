"""The night as an object: what is opened at its start, the steps in their order, and how it ends.

Each method is one step and is called by one Dagster asset; the order is the asset graph's. Does not belong here: what a
step does inside (the sibling modules), and Dagster.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import models.agent
import models.customer_id
import models.identity
import models.lists
import models.normalise
import models.web_tables
import sources.web
from models.configuration import Configuration, configuration_tables
from models.contract import load_contracts
from models.matching import fingerprint
from pipelines.explore.index import FOLDER as INDEX_FOLDER
from pipelines.explore.index import write_index
from pipelines.lineage import dictionary_lineage
from pipelines.model_files import ingest_select, load_models
from pipelines.night import (
    books,
    build,
    canonical,
    checks,
    decisions,
    device,
    evidence,
    id_history,
    identity,
    identity_books,
    ingest,
    likeness,
    publish,
    register,
    resolution,
    visitor,
)
from pipelines.night.session import Session
from pipelines.progress import Reporter, Silent
from pipelines.report.data import Data
from pipelines.report.write import ReportRequest, write_report
from pipelines.warehouse import Release, Warehouse
from sources.spec import SourceCatalog

BEGINNING = dt.datetime(1970, 1, 1)


class NightError(Exception):
    """Why a night cannot go on; the text says what, where and the next step."""


@dataclass
class Night:
    """One run over the warehouse. Use `open_night`."""

    warehouse: Warehouse
    configuration: Configuration
    catalog: SourceCatalog
    exports: list[Path]
    session: Session
    base: Release | None
    release_id: str
    full: bool
    as_of: dt.datetime | None
    reporter: Reporter
    started_at: dt.datetime
    data_date: dt.datetime = BEGINNING
    full_tables: set[str] = field(default_factory=set)
    outcomes: list[checks.CheckOutcome] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def step(self, name: str, work: Callable[[], str]) -> None:
        """Run one step with progress; `work` returns the text of its finished line."""
        self.reporter.start(name)
        self.reporter.end(name, work())

    def source_step(self, export: str, work: Callable[[], str]) -> None:
        """Run the step of one export, without a line of progress where it never had a file."""
        name = f"source/{export}"
        if ingest.is_known(self.session, export):
            self.step(name, work)
        else:
            work()
            self.reporter.skip(name)

    # 1
    def register(self) -> int:
        """Register the files; returns how many were looked at."""
        count = register.register_files(self.session, self.exports, self.catalog, catalog_hash(self.catalog))
        register.record_hash(self.session, "catalog", catalog_hash(self.catalog))
        self.figures["files_looked_at"] = count
        # Exports that are no longer among the sources leave nothing behind.
        gone = self.session.rows("select distinct source_export from state.main.file")
        for (name,) in gone:
            if name not in self.catalog.exports:
                ingest.forget_export(self.session, name, "lookup")
        return count

    # 2 to 5
    def ingest(self, export: str) -> ingest.IngestResult:
        """Bring one export up to date."""
        spec = self.catalog.exports[export]
        siblings = {other.export: other for other in self.catalog.exports.values() if other.system == spec.system}
        salt = self.warehouse.salt(self.configuration.privacy.salt_file)
        return ingest.ingest_export(
            self.session, spec, siblings, self.warehouse.parsed_folder, salt, self.reporter.part
        )

    # 6
    def collect(self, table: str) -> tuple[int, int]:
        """Settle the delta of one canonical table: rows new or changed, rows removed."""
        if table in ("touchpoint", "party_record"):
            return canonical.collect_with_customer(self.session, table)
        return canonical.collect_published(self.session, table)

    # 7
    def identify(self) -> tuple[int, int]:
        """Resolve customers and open the scope; returns customers in all and customers affected."""
        identity.prepare_identity(self.session)
        self.data_date = self.find_data_date()
        store_configuration(self.session, self.configuration, self.data_date)
        customers, warnings = identity.resolve_night(
            self.session,
            self.configuration,
            self.catalog,
            self.warehouse.salt(self.configuration.privacy.salt_file),
            self.release_id,
            self.data_date,
        )
        for warning in warnings:
            self.reporter.warn(warning)
        self.figures["identity_warnings"] = warnings
        affected = identity.mark_affected(self.session, self.last_data_date(), self.data_date)
        register.record_hash(self.session, "data_date", self.data_date.isoformat())
        build.prepare_scope(self.session)
        return customers, int(affected or 0)

    def find_data_date(self) -> dt.datetime:
        """`--as-of`, else the time of the latest touchpoint that is not in the future; of a warehouse that has none yet, the
        latest time from which a party record holds.

        The latter may lie before the last release's, when the latest touchpoint was corrected or cancelled: then everybody
        is looked at again. An `--as-of` that goes back is more likely a mistake: raises NightError.
        """

        def latest(table: str, column: str) -> dt.datetime | None:
            places = [
                f"scratch.ingest.{table}_new",
                *([f"work.main.{table}"] if self.session.exists("work", table) else []),
            ]
            parts = " union all ".join(
                f"select max({column}) as moment from {place} where {column} <= $1" for place in places
            )
            moment: dt.datetime | None = self.session.value(f"select max(moment) from ({parts})", [self.started_at])
            return moment

        found = self.as_of or latest("touchpoint", "occurred_at") or latest("party_record", "valid_from") or BEGINNING
        before = self.last_data_date()
        if self.as_of and before and before > found and not self.full:
            raise NightError(
                f"the data date would go back from {before.isoformat()} to {found.isoformat()}. "
                "Run the night with --full to rebuild everything as of the earlier moment."
            )
        return found

    def last_data_date(self) -> dt.datetime | None:
        """Data date of the release that tonight starts from; None when everything is rebuilt."""
        before = register.recorded_hash(self.session, "data_date")
        return dt.datetime.fromisoformat(before) if before else None

    # 8 and 9
    def build(self, name: str) -> build.BuildResult:
        """Run one SQL model."""
        return build.build_model(self.session, load_models()[name], name in self.full_tables)

    def check(self, table: str) -> list[checks.CheckOutcome]:
        """Run a table's checks: on what changed tonight, or on all of it."""
        model = load_models().get(table)
        scoped = model is not None and model.kind == "per_customer" and table not in self.full_tables
        place = "state.main" if model is not None and model.is_internal else "work.main"
        # A check may compare with another table: then both are seen whole, or both for the affected customers only.
        self.session.look_in(*(("scratch.scope", "work.main", "state.main") if scoped else ("work.main", "state.main")))
        outcomes = checks.run_checks(self.session, table, f"scratch.scope.{table}" if scoped else f"{place}.{table}")
        self.session.look_in()
        self.outcomes.extend(outcomes)
        return outcomes

    def write_book(self, table: str) -> None:
        """Write one of the books."""
        {
            "export_file": books.write_export_file,
            "identity_event": identity_books.write_identity_event,
            "quarantine": books.describe_quarantine,
            "reconciliation": books.write_reconciliation,
        }[table](self.session)

    def write_release_table(self) -> None:
        """One row about this release, and those of the releases before it."""
        contract = load_contracts()["release"]
        if not self.session.exists("work", "release"):
            self.session.run(f"create table work.main.release ({contract.ddl()})")
        build.comment_table(self.session, contract, "work.main.release")
        columns = {column.name for column in contract.columns}
        row: dict[str, Any] = {
            "release_id": self.release_id,
            "previous_release_id": self.base.release_id if self.base else None,
            "data_date_at": self.data_date,
            "created_at": self.started_at,
            "schema_version": publish.SCHEMA_VERSION,
            "software_version": importlib.metadata.version("touchpoint360"),
            "is_full": self.full,
        }
        for table in ("export_file", "touchpoint", "party_record", "customer", "journey", "quarantine"):
            row[f"{table}_count"] = self.session.value(f"select count(*) from work.main.{table}")
        names = [name for name in row if name in columns]
        self.session.run(
            f"insert into work.main.release ({', '.join(names)}) values ({', '.join('?' for _ in names)})",
            [row[name] for name in names],
        )

    # 10
    def publish_parquet(self) -> dict[str, int]:
        """Write the Parquet files of the release in the making."""
        rewrite_all = (
            self.full or self.base is None or self.base.summary.get("schema_version") != publish.SCHEMA_VERSION
        )
        return publish.write_parquet(
            self.session, self.warehouse, self.release_id, self.base, rewrite_all, self.reporter.part
        )

    def write_report(self) -> int:
        """Write the report of the release in the making; returns how many pages."""
        self.session.look_in("work.main")

        def run(query: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
            cursor = self.session.con.execute(query, dict(parameters) or None)
            return [column[0] for column in cursor.description or []], cursor.fetchall()

        data = Data(run)
        exports = [row[0] for row in self.session.rows("select distinct source_export from export_file order by 1")]
        pages = write_report(
            ReportRequest(
                release={
                    "release_id": self.release_id,
                    "data_date_at": self.data_date.isoformat(),
                    "company": self.configuration.company,
                    "base_currency": self.configuration.base_currency,
                    "checks": publish.describe_checks([asdict(outcome) for outcome in self.outcomes]),
                },
                data=data,
                previous=self.previous_night(),
                lineage=dictionary_lineage(self.catalog, exports),
            ),
            publish.release_folder(self.warehouse, self.release_id) / "report",
            self.reporter.part,
        )
        # Kept in release.json, so that the next report can say what changed.
        self.figures["headline"] = data.rows("headline").rows[0]
        self.figures["standings"] = data.rows("standings").rows
        self.session.look_in()
        return pages

    def previous_night(self) -> dict[str, Any] | None:
        """What the release before keeps of its night for the next report; None on the first night."""
        if self.base is None:
            return None
        summary = self.base.summary
        return {**summary["night"], "release_id": summary["release_id"], "data_date_at": summary["data_date_at"]}

    def switch(self) -> Release:
        """Close the files, complete the release folder and make it current."""
        for model in load_models().values():
            register.record_hash(self.session, f"model {model.name}", model.own_hash())
        register.record_hash(self.session, "configuration", configuration_hash(self.configuration))
        register.record_hash(self.session, "software", software_hash())
        publish.write_macros(self.session)
        write_index(self.session.con, publish.release_folder(self.warehouse, self.release_id) / INDEX_FOLDER)
        summary = publish.describe_release(
            self.session,
            self.release_id,
            self.data_date.isoformat(),
            self.started_at.isoformat(),
            [asdict(outcome) for outcome in self.outcomes],
            {"full": self.full, **self.figures},
        )
        self.session.close()
        release = publish.complete_release(self.warehouse, self.release_id, summary)
        self.warehouse.prune(self.configuration.release.keep)
        return release


def catalog_hash(catalog: SourceCatalog) -> str:
    """Hash of all specs: when it changes, files are recognised again."""
    return hashlib.sha256(
        "\n".join(f"{name} {spec.spec_hash}" for name, spec in sorted(catalog.exports.items())).encode()
    ).hexdigest()[:16]


def configuration_hash(configuration: Configuration) -> str:
    """Hash of everything in the configuration that rows depend on."""
    # The file of decisions is read each night and its lines are compared, wherever it stands.
    left_out: dict[str, Any] = {
        "schedule": True,
        "release": True,
        "resources": True,
        "source_folders": True,
        "identity": {"decisions"},
    }
    content = configuration.model_dump_json(exclude=left_out) + fingerprint(configuration.identity.matching)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def software_hash() -> str:
    """Hash of the Python code that makes rows: when it changes, a night rebuilds from the parsed files."""
    digest = hashlib.sha256(publish.SCHEMA_VERSION.encode())
    for module in (
        models.agent,
        models.customer_id,
        models.identity,
        models.lists,
        models.normalise,
        models.web_tables,
        sources.web,
        canonical,
        decisions,
        device,
        evidence,
        identity,
        ingest,
        likeness,
        resolution,
        visitor,
    ):
        source = Path(str(module.__file__))
        for file in sorted(source.parent.iterdir()) if source.name == "__init__.py" else [source]:
            if file.is_file():
                digest.update(file.read_bytes())
    for name in ("visitor_day", "visitor_verdict"):
        digest.update(ingest_select(name).encode())
    # What an agent is called may change with the parser's data.
    digest.update(importlib.metadata.version("ua-parser-builtins").encode())
    return digest.hexdigest()[:16]


def store_configuration(session: Session, configuration: Configuration, data_date: dt.datetime) -> None:
    """Write the configuration tables that models and mappings read, and analysts join."""
    for name, table in configuration_tables(configuration, data_date).items():
        contract = load_contracts()[name]
        session.run(f"create or replace table work.main.{name} ({contract.ddl()})")
        session.append(f"work.main.{name}", table)
        build.comment_table(session, contract, f"work.main.{name}")


@contextmanager
def open_night(
    root: Path,
    exports: list[Path],
    configuration: Configuration,
    catalog: SourceCatalog,
    as_of: dt.datetime | None = None,
    full: bool = False,
    reporter: Reporter | None = None,
) -> Iterator[Night]:
    """Lock the warehouse, open tonight's work files and decide how much has to be rebuilt.

    Everything is rebuilt from the parsed files on the first night, with `full`, and when code, configuration or a model
    that reads the scope has changed; a changed model further down is rebuilt with all that read it.

    Raises WarehouseError (another night runs) and NightError.
    """
    warehouse = Warehouse(root.absolute())
    started_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    with warehouse.lock():
        base = warehouse.start_work(empty=False)
        session = open_session(warehouse, configuration)
        try:
            changed = changed_parts(session, configuration)
            everything = base is None or full or changed is None
            if everything and base is not None:
                session = start_again(session, warehouse, configuration)
            register.recorded_hash(session, "catalog")
            store_configuration(session, configuration, BEGINNING)
            ingest.prepare_ingest(session)
            visitor.prepare_web(session, configuration)
            yield Night(
                warehouse=warehouse,
                configuration=configuration,
                catalog=catalog,
                exports=exports,
                session=session,
                base=base,
                release_id=warehouse.next_release_id(),
                full=everything,
                as_of=as_of,
                reporter=reporter or Silent(),
                started_at=started_at,
                full_tables=build.full_models(changed or set(), everything),
            )
        finally:
            session.con.close()
        shutil.rmtree(warehouse.work_folder, ignore_errors=True)


def open_session(warehouse: Warehouse, configuration: Configuration) -> Session:
    """A session on the work folder with the configured limits."""
    return Session(warehouse.work_folder, configuration.resources.memory_limit, configuration.resources.threads)


def changed_parts(session: Session, configuration: Configuration) -> set[str] | None:
    """Models whose definition changed since the last release; None when everything has to be rebuilt."""
    same = (
        register.recorded_hash(session, "configuration") == configuration_hash(configuration)
        and register.recorded_hash(session, "software") == software_hash()
    )
    if not same:
        return None
    changed = {
        name
        for name, model in load_models().items()
        if register.recorded_hash(session, f"model {name}") != model.own_hash()
    }
    return None if any(load_models()[name].needs_scope for name in changed) else changed


def start_again(session: Session, warehouse: Warehouse, configuration: Configuration) -> Session:
    """Empty work files that still know every file ever registered and the releases so far."""
    kept = {"state.main.seen_file": session.arrow("from state.main.seen_file")}
    for target, rows in id_history.keep_customers(session).items():
        kept[target] = session.arrow(rows)
    if session.exists("work", "release"):
        kept["work.main.release"] = session.arrow("from work.main.release")
    session.con.close()
    warehouse.start_work(empty=True)
    fresh = open_session(warehouse, configuration)
    for target, table in kept.items():
        fresh.store(target, table)
    return fresh

"""A spec tried on files without a warehouse: read, typed, mapped and checked by its contract as a night would.

Belongs here: the run of one export in a folder that is thrown away, and what it gave. Does not belong here: the ledger over
several nights, identity, how the result is shown (`pipelines/commands/new_source.py`).
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from models.configuration import Configuration, configuration_tables
from pipelines.night import visitor
from pipelines.night.ingest import MappingError, canonical_query, typed_query
from pipelines.night.session import Session, quoted
from sources.read import parse
from sources.spec import ExportSpec, SourceCatalog
from sources.typed import lookup_columns
from sources.web import missing_agents

SHOWN = 8
_SHOWN_COLUMNS = {
    "touchpoint": (
        "occurred_at", "touchpoint_type", "raw_type", "channel", "direction", "identifiers", "amount", "currency",
        "score_kind", "score_raw", "outcome",
    ),
    "party_record": ("party_type", "identifiers", "full_name", "given_name", "family_name", "city", "country", "valid_from"),
    "channel_cost": ("cost_date", "campaign_name", "impression_count", "click_count", "cost_amount", "currency"),
    "identifier_link": ("left_type", "left_value", "right_type", "right_value", "linked_at"),
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """What a spec made of files. Counts are export rows, but `types` and `canonical_row_count`, which are canonical rows.

    `quarantine`: (column, reason, rows, an example's row number). `labels`: raw labels that stayed unmapped, with rows.
    `balances`: rows read = mapped + quarantined + skipped + repeated, as the night demands it.
    """

    row_count: int
    mapped_count: int
    quarantined_count: int
    skipped: dict[str, int]
    repeated_count: int
    unmapped_row_count: int
    canonical_row_count: int
    types: dict[str, int]
    labels: dict[str, int]
    quarantine: tuple[tuple[str, str, int, int], ...]
    identified_count: int
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    error: str = ""

    @property
    def balances(self) -> bool:
        """Whether every row has its place in the books."""
        counted = self.mapped_count + self.quarantined_count + sum(self.skipped.values()) + self.repeated_count
        return not self.error and counted == self.row_count


def try_spec(
    spec: ExportSpec, catalog: SourceCatalog, files: Sequence[Path], configuration: Configuration, salt: bytes = b""
) -> Trial:
    """Run a spec on its files. Raises `ReadError` for a file that cannot be read at all; a wrong SELECT is in `error`."""
    with tempfile.TemporaryDirectory(prefix="touchpoint360-trial-") as name:
        folder = Path(name)
        paths = []
        for number, path in enumerate(files):
            target = folder / f"{number:016x}-0.parquet"
            parse(path, spec, target, salt)
            paths.append(target)
        session = Session(folder, configuration.resources.memory_limit, configuration.resources.threads)
        try:
            for table, content in configuration_tables(configuration, dt.datetime(2000, 1, 1)).items():
                session.store(f"work.main.{table}", content)
            if _is_about_web(spec):
                visitor.prepare_web(session, configuration)
            return _run(session, spec, catalog, paths)
        finally:
            session.con.close()


def _run(session: Session, spec: ExportSpec, catalog: SourceCatalog, paths: Sequence[Path]) -> Trial:
    session.run(f"create or replace table scratch.ingest.typed as {typed_query(spec, paths)}")
    # Content before file order, so that which of several rows wins does not hang on the names of the files.
    session.run(
        "create or replace table scratch.ingest.export_row as select * from scratch.ingest.typed "
        "where problem is null and skip_rule is null "
        "qualify row_number() over (partition by row_id order by version_key desc, content_hash, file_id, row_number) = 1"
    )
    for lookup in spec.lookups:
        other = catalog.exports[f"{spec.system}.{lookup}"]
        columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in lookup_columns(other))
        session.run(f"create table scratch.ingest.{quoted('lookup_' + lookup)} (row_id bigint, {columns})")
    if spec.web is not None:
        offer_agents(session, spec)
    counts = session.rows(
        "select count(*), count(*) filter (where problem is not null), "
        "count(*) filter (where problem is null and skip_rule is null) from scratch.ingest.typed"
    )[0]
    winners = int(session.value("select count(*) from scratch.ingest.export_row"))
    skipped = dict(
        session.rows(
            "select skip_rule, count(*) from scratch.ingest.typed where problem is null and skip_rule is not null "
            "group by 1 order by 2 desc, 1"
        )
    )
    quarantine = session.rows(
        "select coalesce(problem.\"column\", ''), problem.reason, count(*), min(row_number) from scratch.ingest.typed "
        "where problem is not null group by 1, 2 order by 3 desc, 1, 2"
    )
    base: dict[str, Any] = {
        "row_count": counts[0],
        "skipped": skipped,
        "repeated_count": counts[2] - winners,
    }
    empty: dict[str, Any] = {
        "types": {},
        "labels": {},
        "columns": (),
        "rows": (),
        "identified_count": 0,
        "canonical_row_count": 0,
    }
    if spec.feeds == "lookup":
        return Trial(
            **base,
            **empty,
            mapped_count=winners,
            quarantined_count=counts[1],
            unmapped_row_count=0,
            quarantine=tuple(quarantine),
        )
    session.look_in("scratch.ingest")
    try:
        session.run(f"create or replace table scratch.ingest.mapped as {canonical_query(session, spec)}")
    except (duckdb.Error, MappingError) as error:
        return Trial(
            **base,
            **empty,
            mapped_count=0,
            quarantined_count=counts[1],
            unmapped_row_count=winners,
            quarantine=tuple(quarantine),
            error=f"{spec.path.with_suffix('.sql')}: {str(error).splitlines()[0]}",
        )
    finally:
        session.look_in()
    bad = session.rows(
        """
        select coalesce(b.problem."column", ''), b.problem.reason, count(*), min(e.row_number)
        from (select source_row_id, min(problem) as problem from scratch.ingest.mapped where problem is not null group by 1) as b
        join scratch.ingest.export_row as e on e.row_id = b.source_row_id group by 1, 2 order by 3 desc, 1, 2
        """
    )
    session.run(
        "delete from scratch.ingest.mapped where source_row_id in "
        "(select source_row_id from scratch.ingest.mapped where problem is not null)"
    )
    mapped = int(session.value("select count(distinct source_row_id) from scratch.ingest.mapped"))
    quarantined = counts[1] + sum(item[2] for item in bad)
    types: dict[str, int] = {}
    labels: dict[str, int] = {}
    identified = 0
    if spec.feeds == "touchpoint":
        types = dict(
            session.rows("select touchpoint_type, count(*) from scratch.ingest.mapped group by 1 order by 2 desc, 1")
        )
        labels = dict(
            session.rows(
                "select coalesce(raw_type, ''), count(*) from scratch.ingest.mapped where touchpoint_type = 'unmapped' "
                "group by 1 order by 2 desc, 1"
            )
        )
    if spec.feeds in ("touchpoint", "party_record"):
        identified = int(session.value("select count(*) from scratch.ingest.mapped where identifiers is not null"))
    filled = _filled(session, spec)
    order = "source_row_number" + (", occurred_at" if spec.feeds == "touchpoint" else "")
    listed = ", ".join(quoted(column) for column in filled)
    found = session.rows(f"select {listed} from scratch.ingest.mapped order by {order} limit {SHOWN}") if filled else []
    return Trial(
        **base,
        mapped_count=mapped,
        quarantined_count=quarantined,
        unmapped_row_count=winners - mapped - sum(item[2] for item in bad),
        canonical_row_count=int(session.value("select count(*) from scratch.ingest.mapped")),
        types=types,
        labels=labels,
        quarantine=(*quarantine, *bad),
        identified_count=identified,
        columns=filled,
        rows=tuple(dict(zip(filled, row, strict=True)) for row in found),
    )


def _is_about_web(spec: ExportSpec) -> bool:
    """Whether the export calls a function of `sources/web.py`; making them takes longer than a small trial."""
    return spec.web is not None or "web_" in spec.mapping_sql + " ".join(rule.model_dump_json() for rule in spec.skip)


def offer_agents(session: Session, spec: ExportSpec) -> None:
    """What mappings of web exports may join: the agents of these rows; nobody is a robot by what they do."""
    assert spec.web is not None
    seen = session.arrow(f"select distinct {quoted(spec.web.user_agent)} as user_agent from scratch.ingest.export_row")
    session.append("state.main.web_agent", missing_agents(session.arrow("from state.main.web_agent"), seen))
    visitor.offer_web_relations(session, spec)


def _filled(session: Session, spec: ExportSpec) -> tuple[str, ...]:
    """Of the columns worth showing, those with a value."""
    names = _SHOWN_COLUMNS[spec.feeds]
    counts = session.rows(f"select {', '.join(f'count({quoted(name)})' for name in names)} from scratch.ingest.mapped")[
        0
    ]
    return tuple(name for name, count in zip(names, counts, strict=True) if count)

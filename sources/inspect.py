"""What a night would make of a file, without a warehouse: recognised as what and why, read, typed and mapped in memory.

`python -m sources.inspect FILE…` prints it. Values that may point to a person are masked. Does not belong here: the
winner among rows of several files, contracts, identity; they need more than one file.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from sources.archive import ReadError, expand
from sources.read import parse
from sources.recognise import Recognition, recognise
from sources.spec import ExportSpec, SourceCatalog, SpecError, load_catalog
from sources.typed import identifier, lookup_columns, mapping_query, typed_columns, typed_select
from sources.web import offer_web, offer_web_functions

EXAMPLES = 5
_WIDTH = 100


@dataclass(frozen=True)
class Example:
    """One row that would go to quarantine; `value` is masked where it may name a person."""

    row: int
    line: int | None
    column: str | None
    value: str | None
    reason: str


@dataclass(frozen=True)
class Reading:
    """What one export makes of the file. Counts are rows; times are UTC, ISO 8601; `mapped` counts canonical rows."""

    export: str
    feeds: str
    row_count: int
    column_count: int
    columns: tuple[str, ...]
    undeclared_columns: tuple[str, ...]
    absent_columns: tuple[str, ...]
    quarantined_count: int
    skipped: dict[str, int]
    duplicate_count: int
    nulled_value_count: int
    ambiguous_time_count: int
    impossible_time_count: int
    time_from: str | None
    time_through: str | None
    mapped: int
    touchpoint_types: dict[str, int]
    identifiers: dict[str, int]
    examples: tuple[Example, ...]
    error: str | None = None


@dataclass(frozen=True)
class FileReport:
    """What is known of one file: how it was recognised and, for a recognised one, what each of its exports gives."""

    recognition: Recognition
    readings: tuple[Reading, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether a night could use the file."""
        return self.recognition.status == "recognised" and not any(reading.error for reading in self.readings)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values for `json.dumps`."""
        found = self.recognition
        return {
            "path": str(found.path),
            "status": found.status,
            "exports": list(found.exports),
            "reason": found.reason,
            "confidence": found.confidence,
            "message": found.message,
            "nearest": found.nearest,
            "missing_columns": list(found.missing_columns),
            "extra_columns": list(found.extra_columns),
            **asdict(found.detected),
            "drift": None if found.drift is None else asdict(found.drift),
            "readings": [asdict(reading) for reading in self.readings],
        }

    def to_text(self) -> str:
        """The report for a terminal, some 100 columns wide."""
        found = self.recognition
        lines = [str(found.path)]
        add = _adder(lines)
        if found.status != "recognised":
            add(found.status, found.message.removeprefix(f"{found.path}: "))
            if found.missing_columns:
                add("missing", ", ".join(found.missing_columns))
            if found.nearest and found.extra_columns:
                add("not in it", ", ".join(found.extra_columns))
            return "\n".join(lines)
        shape = found.detected
        sure = "" if found.confidence is None else f" (confidence {found.confidence:.2f})"
        add("recognised", f"{', '.join(found.exports)}: {found.reason}{sure}")
        parts = [
            shape.format,
            shape.log_format,
            shape.encoding,
            f"delimiter {shape.delimiter!r}" if shape.delimiter else None,
        ]
        parts.append(f"{shape.compression} compressed" if shape.compression != "none" else None)
        parts.append(f"sheet {shape.sheet!r}" if shape.sheet else None)
        add("read as", ", ".join(part for part in parts if part))
        if found.drift and (found.drift.missing_required or found.drift.renamed_candidates):
            add("drift", found.drift.text)
        for reading in self.readings:
            if len(self.readings) > 1:
                lines.append(f"  {reading.export}")
            _reading_text(reading, add)
        return "\n".join(lines)


def _adder(lines: list[str]) -> Any:
    def add(label: str, text: str) -> None:
        wrapped = textwrap.wrap(text, _WIDTH - 16, break_long_words=False, break_on_hyphens=False) or [""]
        lines.append(f"  {label:<14}{wrapped[0]}")
        lines.extend(" " * 16 + line for line in wrapped[1:])

    return add


def _reading_text(reading: Reading, add: Any) -> None:
    if reading.error:
        add("error", reading.error)
    add(
        "rows",
        f"{reading.row_count:,}, of which quarantined {reading.quarantined_count:,}"
        + "".join(f", skipped by {rule} {count:,}" for rule, count in reading.skipped.items())
        + (f", more than once {reading.duplicate_count:,}" if reading.duplicate_count else ""),
    )
    add(
        "columns",
        f"{reading.column_count}"
        + (f", not declared: {', '.join(reading.undeclared_columns)}" if reading.undeclared_columns else ""),
    )
    if reading.absent_columns:
        add("absent", ", ".join(reading.absent_columns))
    if reading.time_from:
        add("times", f"{reading.time_from} to {reading.time_through} (UTC)")
    for count, what in (
        (reading.nulled_value_count, "values left empty because they do not cast"),
        (reading.ambiguous_time_count, "local times that occur twice (first taken)"),
        (reading.impossible_time_count, "local times that do not exist (moved forward)"),
    ):
        if count:
            add("note", f"{count:,} {what}")
    if reading.feeds != "lookup":
        types = ", ".join(f"{name} {count:,}" for name, count in reading.touchpoint_types.items())
        add("gives", f"{reading.mapped:,} rows of {reading.feeds}" + (f": {types}" if types else ""))
    if reading.identifiers:
        add(
            "identifiers", ", ".join(f"{name} {count:,}" for name, count in reading.identifiers.items()) + " (distinct)"
        )
    for item in reading.examples:
        where = f"row {item.row}" + (f", line {item.line}" if item.line else "")
        value = f" {item.value!r}" if item.value is not None else ""
        add("quarantine", f"{where}: {item.column + ': ' if item.column else ''}{item.reason}{value}")


def inspect_files(path: Path, catalog: SourceCatalog) -> list[FileReport]:
    """Look at a file, or at each member of a zip archive."""
    try:
        members = expand(path)
    except ReadError as error:
        return [FileReport(Recognition(path, "unreadable", reason="unreadable", message=str(error)))]
    return [
        inspect_file(member.path, catalog)
        if member.problem is None
        else FileReport(Recognition(member.path, "unreadable", reason="unreadable", message=member.problem))
        for member in members
    ]


def inspect_file(path: Path, catalog: SourceCatalog, salt: bytes = b"") -> FileReport:
    """Recognise one file, and for a recognised one read, type and map it in memory. Never raises for a bad file."""
    found = recognise(path, catalog)
    if found.status != "recognised":
        return FileReport(found)
    with tempfile.TemporaryDirectory(prefix="inspect-") as folder:
        readings = tuple(
            _read(path, catalog.exports[name], catalog, Path(folder) / f"{name}.parquet", salt)
            for name in found.exports
        )
    return FileReport(found, readings)


def _read(path: Path, spec: ExportSpec, catalog: SourceCatalog, parsed: Path, salt: bytes) -> Reading:
    try:
        result = parse(path, spec, parsed, salt)
    except ReadError as error:
        return _failed(spec, str(error))
    declared = {name.casefold(): name for name in spec.declared_columns}
    present = {name.casefold() for name in result.columns}
    con = duckdb.connect(":memory:")
    con.execute("create view parsed as select '0' as file_id, * from read_parquet(" + _text(parsed) + ")")
    offer_web_functions(con.execute)
    try:
        ready = typed_columns(pq.read_schema(parsed))
        con.execute(f"create table typed as {typed_select(spec, 'parsed', result.columns, ready)}")
    except duckdb.Error as error:
        return _failed(spec, f"{spec.path}: {_first_line(error)}")
    counts = _one(
        con,
        """select count(problem),
            sum(nulled_value_count), sum(ambiguous_time_count), sum(impossible_time_count),
            strftime(min(time_from), '%Y-%m-%dT%H:%M:%S'), strftime(max(time_through), '%Y-%m-%dT%H:%M:%S'),
            count(*) filter (where problem is null and skip_rule is null)
              - count(distinct row_id) filter (where problem is null and skip_rule is null)
        from typed""",
    )
    skipped = con.execute(
        "select skip_rule, count(*) from typed where skip_rule is not null group by 1 order by 2 desc, 1"
    )
    skipped_counts = dict(skipped.fetchall())
    examples = con.execute(
        """select row_number, line_number, problem."column", problem."value", problem.reason from typed
        where problem is not null order by row_number limit ?""",
        [EXAMPLES],
    ).fetchall()
    mapped, types, identifiers, error_text = _map(con, spec, catalog) if spec.feeds != "lookup" else (0, {}, {}, None)
    return Reading(
        export=spec.name,
        feeds=spec.feeds,
        row_count=result.row_count,
        column_count=len(result.columns),
        columns=result.columns,
        undeclared_columns=tuple(name for name in result.columns if name.casefold() not in declared),
        absent_columns=tuple(
            name for key, name in declared.items() if key not in present and key not in spec.made_columns
        ),
        quarantined_count=counts[0],
        skipped=skipped_counts,
        duplicate_count=counts[6],
        nulled_value_count=int(counts[1] or 0),
        ambiguous_time_count=int(counts[2] or 0),
        impossible_time_count=int(counts[3] or 0),
        time_from=counts[4],
        time_through=counts[5],
        mapped=mapped,
        touchpoint_types=types,
        identifiers=identifiers,
        examples=tuple(
            Example(row, line, column, masked(value), reason) for row, line, column, value, reason in examples
        ),
        error=error_text,
    )


def _map(
    con: duckdb.DuckDBPyConnection, spec: ExportSpec, catalog: SourceCatalog
) -> tuple[int, dict[str, int], dict[str, int], str | None]:
    """(canonical rows, touchpoints by type, distinct identifiers by type, what went wrong); lookups are empty here."""
    con.execute(
        "create table export_row as select * from typed where problem is null and skip_rule is null "
        "qualify row_number() over (partition by row_id order by version_key desc, row_number desc) = 1"
    )
    for lookup in spec.lookups:
        other = catalog.exports[f"{spec.system}.{lookup}"]
        columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in lookup_columns(other))
        con.execute(f"create table {identifier('lookup_' + lookup)} ({columns})")
    offer_web(con, spec)
    try:
        con.execute(f"create table mapped as {mapping_query(spec)}")
    except duckdb.Error as error:
        return 0, {}, {}, f"{spec.path.with_suffix('.sql')}: {_first_line(error)}"
    except SpecError as error:
        return 0, {}, {}, str(error)
    names = {row[0] for row in con.execute("describe mapped").fetchall()}
    types: dict[str, int] = {}
    if "touchpoint_type" in names:
        types = dict(
            con.execute("select touchpoint_type, count(*) from mapped group by 1 order by 2 desc, 1").fetchall()
        )
    identifiers: dict[str, int] = {}
    if "identifiers" in names:
        identifiers = dict(
            con.execute(
                "select item.type, count(distinct item.value) from (select unnest(identifiers) as item from mapped) "
                "where item.value is not null group by 1 order by 2 desc, 1"
            ).fetchall()
        )
    return _one(con, "select count(*) from mapped")[0], types, identifiers, None


def _failed(spec: ExportSpec, error: str) -> Reading:
    return Reading(
        spec.name, spec.feeds, 0, 0, (), (), (), 0, {}, 0, 0, 0, 0, None, None, 0, {}, {}, (), error=error
    )  # fmt: skip


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None  # an aggregate without GROUP BY has one row
    return tuple(row)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def masked(value: str | None) -> str | None:
    """A value for a message: shortened, and without what may point to a person (addresses, long numbers)."""
    if value is None:
        return None
    if "@" in value:
        return value[0] + "…@…"
    value = (
        re.sub(r"\d(?=(?:\D?\d){6,})", "•", value)
        if not re.search(r"\d{4}-\d\d-\d\d|\d\d[./]\d\d[./]", value)
        else value
    )
    return value if len(value) <= 40 else value[:39] + "…"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0 when a night could use every file, else 1; 2 when a spec is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sources.inspect", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="export files, or folders of them")
    parser.add_argument("--sources", action="append", default=[], type=Path, metavar="DIR", help="systems of your own")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    options = parser.parse_args(arguments)
    try:
        catalog = load_catalog(options.sources)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 2
    paths = [
        path
        for given in options.files
        for path in (sorted(item for item in given.rglob("*") if item.is_file()) if given.is_dir() else [given])
    ]
    reports = [report for path in paths for report in inspect_files(path, catalog)]
    if options.json:
        print(json.dumps([report.to_json() for report in reports], ensure_ascii=False, indent=2))
    else:
        print("\n\n".join(report.to_text() for report in reports))
    return 0 if all(report.is_usable for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())

"""From files of an unknown export to a spec and mapping on disk, tried: the work behind `touchpoint360 new-source`.

Belongs here: the order of the steps, and that nothing is overwritten. Does not belong here: each step (`sources/`), the
command line.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import yaml

from models.configuration import Configuration
from models.yaml_text import read_yaml
from pipelines.trial import Trial, try_spec
from sources.archive import expand
from sources.dialect import Dialect, detect_dialect
from sources.inspect import masked
from sources.profile import profile_table
from sources.proposal import Proposal
from sources.propose import propose, propose_people
from sources.read import parse
from sources.recognise import recognise
from sources.spec import ExportSpec, SourceCatalog, load_spec
from sources.write_spec import mapping_text, spec_text

# Rows that are profiled; the trial reads all of them.
PROFILED_ROWS = 200_000


class NewSourceError(ValueError):
    """Why no spec can be proposed; the text says which file, what is the matter and the next step."""


@dataclass(frozen=True)
class Result:
    """What was written and what it gives."""

    proposal: Proposal
    trial: Trial
    written: tuple[Path, ...]
    files: tuple[Path, ...]
    beside: Result | None = None

    @property
    def yaml_path(self) -> Path:
        """The spec."""
        return next(path for path in self.written if path.suffix == ".yaml" and path.stem == self.proposal.export)

    @property
    def sql_path(self) -> Path | None:
        """The mapping; None for a lookup."""
        return next(
            (path for path in self.written if path.suffix == ".sql" and path.stem == self.proposal.export), None
        )

    @property
    def unsure(self) -> list[str]:
        """What a person should look at, one line each."""
        found = [f"{note.place}: {note.text}" for note in self.proposal.notes if note.is_unsure]
        found += [
            f"{plan.source} as {plan.role}: {plan.evidence}"
            for plan in self.proposal.columns
            if plan.is_unsure and plan.role
        ]
        return found

    @property
    def shown_rows(self) -> list[dict[str, Any]]:
        """Some canonical rows with what may point to a person masked."""
        return [{name: _shown(name, value) for name, value in row.items()} for row in self.trial.rows]

    def to_json(self) -> dict[str, Any]:
        """The result as plain values."""
        proposal = self.proposal
        return {
            "name": f"{proposal.system}.{proposal.export}",
            "feeds": proposal.feeds,
            "because": proposal.evidence,
            "written": [str(path) for path in self.written],
            "read": proposal.read,
            "recognise": proposal.recognise,
            "key": list(proposal.key),
            "columns": [
                {"name": plan.source, "role": plan.role, "evidence": plan.evidence, "is_unsure": plan.is_unsure}
                for plan in proposal.columns
            ],
            "labels": [asdict(label) for label in proposal.labels],
            "unmapped_columns": list(proposal.unmapped_columns),
            "unsure": self.unsure,
            "beside": self.beside.to_json() if self.beside else None,
            "trial": {**asdict(replace(self.trial, rows=())), "rows": self.shown_rows, "balances": self.trial.balances},
        }


def _shown(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name == "identifiers":
        return ", ".join(f"{item['type']} {masked(str(item['value']))}" for item in value)
    if name in ("full_name", "given_name", "family_name", "left_value", "right_value"):
        return str(value)[:1] + "…"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return masked(str(value))


def make_source(
    files: Sequence[Path],
    into: Path,
    name: str,
    catalog: SourceCatalog,
    configuration: Configuration,
    time_zone: str = "",
    currency: str = "",
    record: str = "",
    force: bool = False,
    anyway: bool = False,
) -> Result:
    """Propose, write and try a source for files of one export. Raises `NewSourceError` and `ReadError` for users to read."""
    members = tuple(member for path in files for member in _members(path))
    system, _, export = name.partition(".")
    folder = into / system
    targets = [folder / f"{item}.{kind}" for item in (export, f"{export}_person") for kind in ("yaml", "sql")]
    there = [str(path) for path in targets if path.exists()]
    if there and not force:
        raise NewSourceError(f"{', '.join(there)} exists; give another --name, or --force to overwrite it")
    others = SourceCatalog({key: spec for key, spec in catalog.exports.items() if key not in (name, f"{name}_person")})
    if name in catalog.exports and catalog.exports[name].folder.resolve() != folder.resolve():
        raise NewSourceError(f"{name} is already defined in {catalog.exports[name].path}; give another --name")
    if not anyway:
        for path in members:
            found = recognise(path, others)
            if found.status == "recognised":
                raise NewSourceError(
                    f"{path} is already known as {found.export} ({found.reason}); see `touchpoint360 inspect {path}`. "
                    "--anyway writes a spec of your own beside it"
                )
    dialect = detect_dialect(members[0], record or None)
    with tempfile.TemporaryDirectory(prefix="touchpoint360-new-") as scratch:
        table = _read_all(members, dialect, Path(scratch))
    profiles = profile_table(table)
    proposal = propose(name, dialect, profiles, table, members[0].name, time_zone, currency)
    pair = propose_people(proposal, dialect, profiles, table, members[0].name)
    for path in targets:
        path.unlink(missing_ok=True)
    proposals = pair or (proposal,)
    written = _write(proposals, folder, members, table.num_rows, others)
    results = []
    for item in proposals:
        spec = load_spec(folder / f"{item.export}.yaml")
        mine = tuple(path for path in written if path.stem == item.export)
        results.append(Result(item, try_spec(spec, _with(others, spec), members, configuration), mine, members))
    return replace(results[0], beside=results[1]) if len(results) > 1 else results[0]


def _members(path: Path) -> list[Path]:
    found = []
    for member in expand(path):
        if member.problem:
            raise NewSourceError(member.problem)
        found.append(member.path)
    return found


def _with(catalog: SourceCatalog, *specs: ExportSpec) -> SourceCatalog:
    return SourceCatalog(dict(sorted({**catalog.exports, **{spec.name: spec for spec in specs}}.items())))


def draft_spec(dialect: Dialect, folder: Path) -> ExportSpec:
    """A spec that only reads: what `parse` needs, before anything is known of the columns."""
    system = folder / "draft"
    system.mkdir(parents=True, exist_ok=True)
    content = {"description": "Draft.", "feeds": "lookup", "recognise": {"path": "*"}, "read": dialect.read}
    path = system / "file.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return load_spec(path)


def _read_all(files: Sequence[Path], dialect: Dialect, folder: Path) -> pa.Table:
    """The rows of all files as text, through the real reader. Raises `NewSourceError` where one file differs."""
    spec = draft_spec(dialect, folder)
    frames: list[pl.DataFrame] = []
    first: tuple[str, ...] = ()
    share = max(1, PROFILED_ROWS // len(files))
    for number, path in enumerate(files):
        if number:
            _check_same(files[0], path, dialect)
        result = parse(path, spec, folder / f"{number}.parquet")
        if not result.row_count:
            raise NewSourceError(f"{path}: has a header but no rows; give a file with some")
        if result.problem_count > 0.5 * result.row_count:
            raise NewSourceError(
                f"{path}: {result.problem_count:,} of {result.row_count:,} rows cannot be read as {dialect.read}; "
                "look at the file, or write the spec by hand (docs/add-a-source.md)"
            )
        names = tuple(name for name in result.columns)
        if number and dialect.read["format"] not in ("json", "ndjson", "xml") and {*names} != {*first}:
            gone, new = sorted({*first} - {*names}), sorted({*names} - {*first})
            raise NewSourceError(
                f"{path} has other columns than {files[0]}"
                + (f"; missing: {', '.join(gone)}" if gone else "")
                + (f"; new: {', '.join(new)}" if new else "")
                + ". Files of one export have the same columns; give the others a --name of their own"
            )
        first = first or names
        # Evenly through the file: dates and statuses of its end count too; the rest of a large file is never in memory.
        step = -(-result.row_count // share)
        rows = pl.scan_parquet(folder / f"{number}.parquet").filter(
            pl.col("_problem").is_null(), pl.col("_row") % step == 0
        )
        frames.append(rows.drop("_row", "_line", "_raw", "_problem").collect())
    return pl.concat(frames, how="diagonal").to_arrow()


def _check_same(first: Path, path: Path, dialect: Dialect) -> None:
    other = detect_dialect(path, dialect.read.get("record"))
    keys = ("format", "delimiter", "skip_rows", "header_rows", "record")
    differing = [key for key in keys if other.read.get(key) != dialect.read.get(key)]
    if differing:
        listed = "; ".join(f"{key} is {other.read.get(key)!r}, not {dialect.read.get(key)!r}" for key in differing)
        raise NewSourceError(f"{path} is written otherwise than {first}: {listed}. Give it a --name of its own")


def _write(
    proposals: Sequence[Proposal], folder: Path, files: Sequence[Path], rows: int, others: SourceCatalog
) -> tuple[Path, ...]:
    """Write the files; ask for more columns where another spec would win, so that the next run recognises the file."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = files[0].name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    written: list[Path] = []
    for proposal in proposals:
        mapping = mapping_text(proposal)
        path = folder / f"{proposal.export}.yaml"
        path.write_text(spec_text(proposal, f"{shown} ({rows:,} rows)"), encoding="utf-8")
        written.append(path)
        if mapping:
            path.with_suffix(".sql").write_text(mapping, encoding="utf-8")
            written.append(path.with_suffix(".sql"))
    for path in files:
        specs = [load_spec(folder / f"{proposal.export}.yaml") for proposal in proposals]
        found = recognise(path, _with(others, *specs))
        if {spec.name for spec in specs} == set(found.exports):
            continue
        if specs[0].recognise.columns and found.status in ("recognised", "ambiguous"):
            columns = _all_columns(path, specs[0])
            for proposal in proposals:
                wider = replace(proposal, recognise={**proposal.recognise, "columns": columns})
                text = spec_text(wider, f"{shown} ({rows:,} rows)")
                (folder / f"{proposal.export}.yaml").write_text(text, encoding="utf-8")
            specs = [load_spec(folder / f"{proposal.export}.yaml") for proposal in proposals]
            found = recognise(path, _with(others, *specs))
        if {spec.name for spec in specs} != set(found.exports):
            raise NewSourceError(
                f"{path}: the new spec {written[0]} does not win it: {found.message}. Correct `recognise` there by hand"
            )
    return tuple(written)


def _all_columns(path: Path, spec: ExportSpec) -> list[str]:
    """Every column name of the file, in the spec's spelling."""
    with tempfile.TemporaryDirectory(prefix="touchpoint360-new-") as scratch:
        result = parse(path, spec, Path(scratch) / "all.parquet")
    return [name for name in result.columns if "." not in name or spec.read.format[0] == "csv"]


def register_folder(config: Path | None, into: Path) -> Path:
    """Name a folder under `source_folders` of the configuration file (made when absent); returns the file.

    Only lines are added, so that comments and order of the file stay.
    """
    path = config or Path("touchpoint360.yaml")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    base = path.parent.resolve()
    folder = into.resolve()
    shown = str(folder.relative_to(base)) if folder.is_relative_to(base) else str(folder)
    content = read_yaml(text) or {}
    listed = content.get("source_folders")
    if shown in (listed or []):
        return path
    entry = f"  - {shown}"
    flow = re.search(r"(?m)^source_folders:[ \t]*\[(?P<items>[^\]\n]*)\]", text)
    block = re.search(r"(?m)^source_folders:[ \t]*(?:#.*)?$", text)
    if flow:
        items = [item.strip() for item in flow["items"].split(",") if item.strip()]
        text = text[: flow.start()] + f"source_folders: [{', '.join([*items, shown])}]" + text[flow.end() :]
    elif block:
        text = text[: block.end()] + f"\n{entry}" + text[block.end() :]
    else:
        text = text + ("" if not text or text.endswith("\n") else "\n") + f"source_folders: [{shown}]\n"
    if shown not in (read_yaml(text) or {}).get("source_folders", []):
        raise NewSourceError(f"{path}: source_folders is written in a way that is not understood; add {shown} by hand")
    path.write_text(text, encoding="utf-8")
    return path

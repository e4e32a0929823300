"""Which export a file is, told by its content: the header, the first records, the first text; never by its name alone.

A spec is tried with its own dialect: what it declares, and for the rest what makes the file's header its own
(`known_dialect.py`), so that a file is recognised only if it can be read. The guesses made here for an unknown file serve the
message to a person; no reader uses them.

Does not belong here: reading whole files, reading the rest of a spec.
"""

from __future__ import annotations

import codecs
import difflib
import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from sources.archive import ReadError, split_member
from sources.known_dialect import csv_dialect, head_encoding, spec_fit, zero_encoding
from sources.opening import (
    BROKEN_COMPRESSION,
    KEEP_BYTES,
    as_file,
    bom_encoding,
    compression_of,
    encoding_of,
    read_head,
)
from sources.read import binary_format, format_of
from sources.read_avro import avro_fields
from sources.read_csv import read_header
from sources.read_log import log_format
from sources.read_sheet import cell_text, header, top_rows
from sources.spec import BINARY_FORMATS, ExportSpec, Read, SourceCatalog

CONTENT_BYTES = 64 << 10
_JSON_RECORDS = 50
# From this share of a spec's columns on, the spec is worth naming.
_NEAR = 0.5
# From this likeness of two names on, one may be the other renamed.
_SIMILAR = 0.75
# A first line of such names is a header and may be shown; anything else may be about people and is not.
_HEADER_NAME = re.compile(r"(?!.*\d{3})[^\W\d][\w .,()#?/&%-]{0,60}|_\w{1,60}")


@dataclass(frozen=True)
class Detected:
    """What a file looks like. For a recognised file the dialect in which it is read; else a guess for the message only.

    `sheet`: the sheet of a workbook that is read. `member`: the name within a zip archive. `log_format`: of a log, the name of
    the format of its lines.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    format: str | None = None
    compression: str = "none"
    sheet: str | None = None
    member: str | None = None
    log_format: str | None = None

    @property
    def format_text(self) -> str | None:
        """The format for the books; of a log with the format of its lines, such as `log (combined)`."""
        return f"{self.format} ({self.log_format})" if self.log_format else self.format


@dataclass(frozen=True)
class Drift:
    """How the columns of a file differ from those its spec knows; names as in the spec, new ones as in the file.

    `missing_required` are those without which rows go to quarantine (required, or part of the key); `new` are in no
    spec; `renamed_candidates` are pairs (missing, new) of similar names: a person decides whether to add an alias.
    """

    missing_optional: tuple[str, ...] = ()
    missing_required: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    renamed_candidates: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """One line for a report; empty where nothing differs."""
        parts = [
            ("missing and required", self.missing_required),
            ("missing", self.missing_optional),
            ("new columns", self.new),
            ("perhaps renamed", tuple(f"{old} to {new}" for old, new in self.renamed_candidates)),
        ]
        return "; ".join(f"{what}: {_some(names)}" for what, names in parts if names)


def drift(spec: ExportSpec, present_columns: Sequence[str]) -> Drift:
    """Compare the columns of a file with those that its spec declares."""
    known = {name.casefold(): name for name in spec.declared_columns if name.casefold() not in spec.made_columns}
    present = {spec.spellings.get(name.strip().casefold(), name.strip()).casefold(): name for name in present_columns}
    required = {name.casefold() for name in (*spec.key, *(n for n, column in spec.columns.items() if column.required))}
    missing = [(key, name) for key, name in known.items() if key not in present]
    new = tuple(name.strip() for key, name in present.items() if key not in known)
    candidates = []
    free = {_plain(name): name for name in new}
    for _, name in missing:
        near = difflib.get_close_matches(_plain(name), list(free), 1, _SIMILAR)
        if near:
            candidates.append((name, free.pop(near[0])))
    return Drift(
        tuple(name for key, name in missing if key not in required),
        tuple(name for key, name in missing if key in required),
        new,
        tuple(candidates),
    )


def _some(names: Sequence[str], most: int = 12) -> str:
    """A list of names that does not fill a page."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _plain(name: str) -> str:
    """A column name without case, blanks and signs."""
    return re.sub(r"[\W_]+", "", name.casefold())


@dataclass(frozen=True)
class Recognition:
    """What a file is. `status`: recognised, unrecognised, ambiguous, unreadable or empty.

    `exports` are all exports that read this file: mostly one; several where exports of one system read different
    records (`read.record`) of it. `export` is the first of them. `message` ends with the next step. `drift`: how its
    columns differ from those of `export`, where the format shows all columns at its beginning. `confidence`: of a
    recognised file, 0 to 1 (see `confidence_of`).
    """

    path: Path
    status: str
    export: str | None = None
    exports: tuple[str, ...] = ()
    reason: str = ""
    nearest: str | None = None
    missing_columns: tuple[str, ...] = ()
    extra_columns: tuple[str, ...] = ()
    message: str = ""
    detected: Detected = field(default_factory=Detected)
    drift: Drift | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class _Match:
    """How well one spec fits: the required columns found and missing; `content` where a pattern decided."""

    spec: ExportSpec
    fits: bool
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    content: bool = False

    @property
    def strength(self) -> tuple[int, int]:
        return len(self.found), int(self.content)


def recognise(path: Path, catalog: SourceCatalog) -> Recognition:
    """Which export of the catalogue the file is; reads its first 256 kB at most and never raises for a bad file."""
    try:
        head = read_head(path)
    except ReadError as error:
        return _bad(path, "unreadable", str(error))
    except OSError as error:
        return _bad(path, "unreadable", f"{path}: cannot be read ({error.strerror}); copy it again")
    detected = _detect(path, head)
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        message = f"{path}: is empty; if the system had something to export, export again"
        return _bad(path, "empty", message, detected)
    specs = list(catalog.exports.values())
    if detected.format == "binary":
        # Text of two or four bytes a character may look binary; then only a spec that declares such an encoding reads it.
        specs = [spec for spec in specs if codecs.lookup(spec.read.encoding).name.startswith(("utf-16", "utf-32"))]
    try:
        view = _View(path, head, _binary_columns(path, detected.format))
        if detected.format in ("xlsx", "xls"):
            # A workbook that cannot be opened is told as such, before any spec asks for a sheet of it.
            view.sheet_top(None)
    except ReadError as error:
        return _bad(path, "unreadable", str(error), detected)
    except BROKEN_COMPRESSION as error:
        return _bad(path, "unreadable", f"{path}: broken or truncated ({error}); copy or export it again", detected)
    matches = [_match(spec, view) for spec in specs]
    fitting = [match for match in matches if match.fits]
    if not fitting:
        fitting = [match for match in (_by_name(spec, path, view) for spec in specs) if match]
    if detected.format == "binary" and not fitting:
        return _bad(path, "unreadable", f"{path}: is binary; export as CSV, xlsx, JSON, XML or Parquet", detected)
    return _decide(path, fitting, matches, detected, view)


def _binary_columns(path: Path, kind: str | None) -> list[str]:
    """The columns of a file that has a schema."""
    if kind == "avro":
        return avro_fields(path)
    if kind != "parquet":
        return []
    try:
        with as_file(path) as file:
            return [row[0] for row in duckdb.execute("describe from read_parquet(?)", [str(file)]).fetchall()]
    except duckdb.Error:
        raise ReadError(f"{path}: broken or truncated Parquet file; copy it again") from None


def _bad(path: Path, status: str, message: str, detected: Detected | None = None) -> Recognition:
    return Recognition(path, status, reason=status, message=message, detected=detected or Detected())


def _decide(path: Path, fitting: list[_Match], matches: list[_Match], detected: Detected, view: _View) -> Recognition:
    if not fitting:
        return _unrecognised(path, matches, detected, view)
    best = max(match.strength for match in fitting)
    winners = [match for match in fitting if match.strength == best]
    if len(winners) > 1 and not _together(winners):
        named = [match for match in winners if _path_fits(match.spec, path)]
        winners = named if len(named) == 1 or (named and _together(named)) else winners
    if len(winners) > 1 and not _together(winners):
        names = ", ".join(match.spec.name for match in winners)
        return Recognition(
            path,
            "ambiguous",
            reason=f"{names} fit equally well",
            message=f"{path}: {names} fit equally well; {_how_to_decide(winners)}",
            detected=detected,
        )
    winner = winners[0]
    spec = winner.spec
    if winner.found:
        reason = f"all {len(winner.found)} columns that {spec.name} asks for are there"
    elif spec.recognise.access_log:
        reason = f"its lines are requests in the format {view.log_format(spec)}"
    elif winner.content:
        reason = f"the text begins as {spec.name} says"
    else:
        reason = f"the file name fits {spec.recognise.path}"
    kind = format_of(view.head, spec.read.format)
    read = view.read_of(spec, kind)
    encoding = None if kind in BINARY_FORMATS else encoding_of(view.head, read.encoding)
    sheet = view.sheet_top(spec.read.sheet)[0] if kind in ("xlsx", "xls") else None
    columns = view.all_names(spec, kind)
    return Recognition(
        path,
        "recognised",
        export=spec.name,
        exports=tuple(match.spec.name for match in winners),
        reason=reason,
        extra_columns=winner.extra,
        message=f"{path}: {', '.join(match.spec.name for match in winners)} ({reason}"
        + (f"; sheet {sheet!r})" if sheet else ")"),
        detected=replace(
            detected,
            encoding=encoding,
            delimiter=read.delimiter if kind == "csv" else None,
            quote=read.quote if kind == "csv" else None,
            escape=read.escape if kind == "csv" else None,
            format=kind,
            sheet=sheet,
            log_format=view.log_format(spec) if kind == "log" else None,
        ),
        drift=None if columns is None else drift(spec, columns),
        confidence=confidence_of(spec, winner.found, columns),
    )


def confidence_of(spec: ExportSpec, found: Sequence[str], columns: Sequence[str] | None) -> float:
    """How sure a recognition is, 0 to 1, rounded to hundredths.

    By columns: half for those that the spec asks for (they are all there), half for the share of its declared columns
    that the file has; where the format does not show all columns at its beginning, 0.9. By the text of the file's beginning
    0.8, by its name alone 0.5.
    """
    if not found:
        return 0.8 if spec.recognise.content or spec.recognise.access_log else 0.5
    if columns is None:
        return 0.9
    declared = {name.casefold() for name in spec.declared_columns} - spec.made_columns
    have = {spec.spellings.get(name.strip().casefold(), name.strip()).casefold() for name in columns}
    return round(0.5 + 0.5 * len(declared & have) / max(1, len(declared)), 2)


def _how_to_decide(winners: Sequence[_Match]) -> str:
    """What a person does about several specs that fit a file equally well."""
    named = [match for match in winners if match.spec.recognise.path]
    ways = []
    if named:
        ways.append(
            "name the file " + " or ".join(f"{match.spec.recognise.path} ({match.spec.name})" for match in named)
        )
    specs = " or ".join(f"{match.spec.system}/{match.spec.export}.yaml" for match in winners)
    ways.append(f"ask under recognise.columns of {specs} for one more column that only its own files have")
    if len(named) < len(winners):
        ways.append("or give them different recognise.path patterns for the file name")
    return "; ".join(ways)


def _together(winners: list[_Match]) -> bool:
    """Whether these exports share a file on purpose: one system, each its own kind of record."""
    records = {match.spec.read.record or match.spec.read.sheet for match in winners}
    return len({match.spec.system for match in winners}) == 1 and None not in records and len(records) == len(winners)


def _unrecognised(path: Path, matches: list[_Match], detected: Detected, view: _View) -> Recognition:
    def share(match: _Match) -> tuple[float, int]:
        return len(match.found) / max(1, len(match.found) + len(match.missing)), len(match.found)

    near = max((match for match in matches if match.found and share(match)[0] >= _NEAR), key=share, default=None)
    if near is None:
        near = _other_dialect(matches, detected, view)
        if near is not None:
            spec = near.spec
            found, want = _name_delimiter(detected.delimiter), _name_delimiter(spec.read.delimiter)
            return Recognition(
                path,
                "unrecognised",
                reason=f"looks like {spec.name}, but its fields are separated by {found}",
                nearest=spec.name,
                message=f"{path}: looks like {spec.name}, separated by {found} where the spec says {want}; export it "
                f"with {want}, or write a spec of your own with read.delimiter: '{detected.delimiter}'",
                detected=detected,
            )
        first = view.first_names(detected)
        tabular = detected.format == "csv" or detected.format in BINARY_FORMATS
        is_header = tabular and bool(first) and all(_HEADER_NAME.fullmatch(name) for name in first)
        seen = ", ".join(first[:8]) if is_header else ""
        return Recognition(
            path,
            "unrecognised",
            reason="no spec shares a column with it",
            message=f"{path}: no spec fits (looks like {detected.format}"
            + (f", columns {seen}" if seen else "")
            + "); `touchpoint360 new-source` proposes a spec for it, see docs/add-a-source.md",
            detected=detected,
        )
    total = len(near.found) + len(near.missing)
    return Recognition(
        path,
        "unrecognised",
        reason=f"nearest is {near.spec.name}: {len(near.found)} of {total} columns",
        nearest=near.spec.name,
        missing_columns=near.missing,
        extra_columns=near.extra,
        message=f"{path}: no spec fits. Nearest is {near.spec.name} with {len(near.found)} of {total} columns; "
        f"missing: {', '.join(near.missing)}. Export these columns too, add aliases if they are only named otherwise, "
        "or let `touchpoint360 new-source` propose a spec, see docs/add-a-source.md",
        detected=detected,
    )


def _name_delimiter(delimiter: str | None) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(delimiter or "", repr(delimiter))


def _other_dialect(matches: list[_Match], detected: Detected, view: _View) -> _Match | None:
    """The CSV spec that would fit if it had the delimiter that the file seems to have."""
    if detected.format != "csv" or detected.delimiter is None:
        return None
    found = [_columns_match(match.spec, view.first_names(detected)) for match in matches if _is_csv(match)]
    return max((match for match in found if match.fits), key=lambda match: match.strength, default=None)


def _is_csv(match: _Match) -> bool:
    return "csv" in match.spec.read.format


# --- one spec against one file ---------------------------------------------------------------------------------------


def _match(spec: ExportSpec, view: _View) -> _Match:
    nothing = _Match(spec, False)
    rules = spec.recognise
    kind = format_of(view.head, spec.read.format)
    if kind is None:
        return nothing
    if not rules.columns and not rules.content and not rules.access_log:
        return nothing
    if rules.access_log and (kind != "log" or view.log_format(spec) is None):
        return nothing
    if kind == "xml" and not (view.text_of(spec) or "").lstrip().startswith("<"):
        return nothing
    content = rules.access_log
    if rules.content is not None:
        text = view.text_of(spec)
        if text is None or not re.search(rules.content, text[:CONTENT_BYTES]):
            return nothing
        content = True
    if not rules.columns:
        return _Match(spec, True, content=True)
    if kind == "csv":
        names = view.csv_names(spec)
    elif kind in ("json", "ndjson"):
        names = view.json_names(spec, kind)
    elif kind in ("xlsx", "xls"):
        names = view.sheet_names(spec)
    elif kind in BINARY_FORMATS:
        names = view.binary_columns
    else:
        # XML and logs: the names must occur in the text.
        text = view.text_of(spec) or ""
        names = [name for name in rules.columns if name in text]
    if names is None:
        return nothing
    match = _columns_match(spec, names)
    return _Match(spec, match.fits, match.found, match.missing, match.extra, content)


def _columns_match(spec: ExportSpec, names: Iterable[str]) -> _Match:
    spelled = {spec.spellings.get(name.strip().casefold(), name.strip()): name for name in names}
    have = {name.casefold() for name in spelled}
    found = tuple(name for name in spec.recognise.columns if name.casefold() in have)
    missing = tuple(name for name in spec.recognise.columns if name.casefold() not in have)
    known = {name.casefold() for name in spec.declared_columns}
    extra = tuple(name for name in spelled if name.casefold() not in known)
    return _Match(spec, bool(found) and not missing, found, missing, extra)


def _path_fits(spec: ExportSpec, path: Path) -> bool:
    return spec.recognise.path is not None and fnmatch.fnmatch(path.name.casefold(), spec.recognise.path.casefold())


def _by_name(spec: ExportSpec, path: Path, view: _View) -> _Match | None:
    """Specs that give nothing but a file name; for CSV the number of columns must be right as well."""
    rules = spec.recognise
    if rules.columns or rules.content or rules.access_log or not _path_fits(spec, path):
        return None
    kind = format_of(view.head, spec.read.format)
    if kind is None:
        return None
    if kind == "csv" and not spec.read.header_rows:
        first = view.csv_first_record(spec)
        if len(first) != len(spec.read.columns):
            return None
    return _Match(spec, True)


class _View:
    """The beginning of a file, taken apart once per dialect however many specs ask."""

    def __init__(self, path: Path, head: bytes, binary_columns: list[str]) -> None:
        self.head = head
        self.binary_columns = binary_columns
        self._path = path
        self._tops: dict[str | None, tuple[str, list[tuple[int, list[Any]]]]] = {}
        self._texts: dict[str, str | None] = {}
        self._names: dict[object, list[str] | None] = {}
        self._reads: dict[str, Read] = {}
        self._log_formats: dict[str, str | None] = {}
        self._encodings: dict[str, str] = {}

    def encoding_of(self, spec: ExportSpec) -> str:
        """The encoding that the spec declares, else the one that the file shows."""
        if "encoding" not in spec.read.open_keys:
            return spec.read.encoding
        kind = format_of(self.head, spec.read.format) or ""
        if kind not in self._encodings:
            self._encodings[kind] = head_encoding(self.head, kind)
        return self._encodings[kind]

    def log_format(self, spec: ExportSpec) -> str | None:
        """The name of the format of the lines, where they are those of an access log."""
        key = repr(spec.read.log)
        if key not in self._log_formats:
            found = log_format(self.head, spec.read.log)
            self._log_formats[key] = None if found is None else found.name
        return self._log_formats[key]

    def text_of(self, spec: ExportSpec) -> str | None:
        """The decoded beginning, as the spec reads it."""
        return self.text(self.encoding_of(spec))

    def read_of(self, spec: ExportSpec, kind: str | None) -> Read:
        """How the spec reads this file: what it declares, and what the file shows for the rest."""
        if kind in BINARY_FORMATS or kind in ("xml", "log"):
            return spec.read
        if spec.name not in self._reads:
            read = spec.read.model_copy(update={"encoding": self.encoding_of(spec)})
            text = self.text_of(spec)
            if kind == "csv" and text is not None:
                read = csv_dialect(text, read, spec.read.open_keys, spec_fit(spec), bool(spec.recognise.columns))
            self._reads[spec.name] = read
        return self._reads[spec.name]

    def text(self, encoding: str) -> str | None:
        """The decoded beginning; None where it is not of this encoding."""
        encoding = encoding_of(self.head, encoding)
        if encoding not in self._texts:
            self._texts[encoding] = _decode(self.head, encoding)
        return self._texts[encoding]

    def sheet_top(self, sheet: str | None) -> tuple[str, list[tuple[int, list[Any]]]]:
        """(name, first rows) of a sheet of the workbook. Raises `ReadError` where it has none of that name."""
        if sheet not in self._tops:
            self._tops[sheet] = top_rows(self._path, sheet)
        return self._tops[sheet]

    def sheet_names(self, spec: ExportSpec) -> list[str] | None:
        """The header of the sheet that the spec reads."""
        read = spec.read
        key = ("sheet", read.sheet, read.header_rows, read.header_row_used, read.skip_rows)

        def names() -> list[str] | None:
            try:
                return header(iter(self.sheet_top(read.sheet)[1]), read)[0] or None
            except ReadError:
                return None

        return self._cached(key, names)

    def all_names(self, spec: ExportSpec, kind: str | None) -> list[str] | None:
        """All columns of the file, where its beginning shows them."""
        if kind == "csv":
            return self.csv_names(spec) if spec.read.header_rows else None
        if kind in ("xlsx", "xls"):
            return self.sheet_names(spec) if spec.read.header_rows else None
        return self.binary_columns if kind in BINARY_FORMATS else None

    def _cached(self, key: object, make: Callable[[], list[str] | None]) -> list[str] | None:
        if key not in self._names:
            self._names[key] = make()
        return self._names[key]

    def csv_names(self, spec: ExportSpec) -> list[str] | None:
        """The header as the spec's dialect reads it."""
        read = self.read_of(spec, "csv")
        key = (
            read.encoding, read.delimiter, read.quote, read.escape, read.header_rows, read.header_row_used, read.skip_rows
        )  # fmt: skip
        return self._cached(key, lambda: self._header(read))

    def csv_first_record(self, spec: ExportSpec) -> list[str]:
        """The first record of a file without a header."""
        return self._header(self.read_of(spec, "csv").model_copy(update={"header_rows": 1})) or []

    def _header(self, read: Read) -> list[str] | None:
        text = self.text(read.encoding)
        if text is None:
            return None
        if "\n" not in text:
            text = text.replace("\r", "\n")
        header = read_header(text.encode("utf-8", "surrogateescape"), read, True)
        return header[0] if header else None

    def first_names(self, detected: Detected) -> list[str]:
        """The names that the file seems to begin with, for messages."""
        if detected.format in ("xlsx", "xls"):
            rows = self.sheet_top(None)[1]
            return [text for value in rows[0][1] if (text := cell_text(value).strip())] if rows else []
        if detected.format in BINARY_FORMATS:
            return self.binary_columns
        delimiter = detected.delimiter or ","
        text = self.text(head_encoding(self.head)) or ""
        lines = text.splitlines()
        return [name.strip().strip('"') for name in lines[0].split(delimiter)] if lines else []

    def json_names(self, spec: ExportSpec, kind: str) -> list[str] | None:
        """The keys of the first records."""
        key = (kind, self.encoding_of(spec), spec.read.record)
        return self._cached(key, lambda: self._json_keys(spec, kind))

    def _json_keys(self, spec: ExportSpec, kind: str) -> list[str] | None:
        text = self.text_of(spec)
        if text is None:
            return None
        keys: dict[str, None] = {}
        if kind == "ndjson":
            for line in text.splitlines()[:_JSON_RECORDS]:
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(record, dict):
                    keys.update(dict.fromkeys(record))
            return list(keys)
        return _first_keys(text, (spec.read.record or "").removeprefix("$").strip("."))


def _first_keys(text: str, record: str) -> list[str] | None:
    """The keys of the first record of a JSON document of which `text` is the beginning."""
    at = 0
    for name in record.split(".") if record else []:
        match = re.compile(rf"{re.escape(json.dumps(name))}\s*:\s*").search(text, at)
        if match is None:
            return None
        at = match.end()
    at += len(text[at:]) - len(text[at:].lstrip())
    if text[at : at + 1] == "[":
        at += 1 + len(text[at + 1 :]) - len(text[at + 1 :].lstrip())
    try:
        found, _ = json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return None
    return list(found) if isinstance(found, dict) else None


def _decode(head: bytes, encoding: str) -> str | None:
    """The beginning as text; the last characters may be cut. None where it is clearly not of this encoding."""
    try:
        text = head.decode(encoding, KEEP_BYTES)
    except UnicodeError:
        return None
    return text.removeprefix("\ufeff")


def _detect(path: Path, head: bytes) -> Detected:
    """What the file looks like, for a message."""
    shape = _shape(head)
    inside = split_member(path)
    return replace(shape, compression=compression_of(path), member=inside[1] if inside else None)


def _shape(head: bytes) -> Detected:
    binary = binary_format(head)
    if binary:
        return Detected(format=binary)
    encoding = bom_encoding(head) or zero_encoding(head)
    if encoding is None and _is_binary(head):
        return Detected(format="binary")
    encoding = encoding or head_encoding(head)
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if text[:1] == "<":
        return Detected(encoding, format="xml")
    if text[:1] in "{[" and text[:1]:
        lines = text.splitlines()
        several = text[0] == "{" and (len(lines) < 2 or lines[1].startswith("{")) and lines[0].rstrip().endswith("}")
        return Detected(encoding, format="ndjson" if several else "json")
    first = text.splitlines()[0] if text else ""
    counts = {delimiter: first.count(delimiter) for delimiter in ",;\t|"}
    delimiter = max(counts, key=lambda item: counts[item])
    if not counts[delimiter]:
        return Detected(encoding, format="text")
    return Detected(encoding, delimiter, format="csv")


def _is_binary(head: bytes) -> bool:
    """Many bytes that no text has. A few are let through: a crash leaves NULs in a log."""
    if not head:
        return False
    control = sum(head.count(byte) for byte in (0, 1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 127))
    return control / len(head) > 0.02

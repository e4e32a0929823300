"""Which export a file is, told by its content: the header, the first records, the first text; never by its name alone.

A spec is tried with its own declared dialect, so that a file is recognised only if it can be read. The format guesses
made here for an unknown file serve the message to a person; no reader uses them.

Does not belong here: reading whole files, reading the rest of a spec.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from sources.opening import KEEP_BYTES, ReadError, bom_encoding, compression_of, is_utf8, read_head
from sources.read import format_of
from sources.read_csv import read_header
from sources.spec import ExportSpec, SourceCatalog

CONTENT_BYTES = 64 << 10
_JSON_RECORDS = 50
# From this share of a spec's columns on, the spec is worth naming.
_NEAR = 0.5
# A first line of such names is a header and may be shown; anything else may be about people and is not.
_HEADER_NAME = re.compile(r"(?!.*\d{3})[^\W\d][\w .,()#?/&%-]{0,60}|_\w{1,60}")


@dataclass(frozen=True)
class Detected:
    """What a file looks like. For a recognised file as its spec declares it; else a guess for the message only."""

    encoding: str | None = None
    delimiter: str | None = None
    format: str | None = None
    compression: str = "none"


@dataclass(frozen=True)
class Recognition:
    """What a file is. `status`: recognised, unrecognised, ambiguous, unreadable or empty.

    `exports` are all exports that read this file: mostly one; several where exports of one system read different
    records (`read.record`) of it. `export` is the first of them. `message` ends with the next step.
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
    if detected.format == "binary":
        return _bad(path, "unreadable", f"{path}: is binary; export as CSV, JSON, XML or Parquet", detected)
    if detected.format == "parquet":
        try:
            columns = [row[0] for row in duckdb.execute("describe from read_parquet(?)", [str(path)]).fetchall()]
        except duckdb.Error:
            return _bad(path, "unreadable", f"{path}: broken or truncated Parquet file; copy it again", detected)
    else:
        columns = []
    view = _View(head, columns)
    matches = [_match(spec, view) for spec in catalog.exports.values()]
    fitting = [match for match in matches if match.fits]
    if not fitting:
        fitting = [match for match in (_by_name(spec, path, view) for spec in catalog.exports.values()) if match]
    return _decide(path, fitting, matches, detected, view)


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
            message=f"{path}: {names} fit equally well; tell them apart in their specs by recognise.columns or .path",
            detected=detected,
        )
    winner = winners[0]
    spec = winner.spec
    if winner.found:
        reason = f"all {len(winner.found)} columns that {spec.name} asks for are there"
    elif winner.content:
        reason = f"the text begins as {spec.name} says"
    else:
        reason = f"the file name fits {spec.recognise.path}"
    kind = format_of(view.head, spec.read.format)
    encoding = detected.encoding if is_utf8(spec.read.encoding) else spec.read.encoding
    return Recognition(
        path,
        "recognised",
        export=spec.name,
        exports=tuple(match.spec.name for match in winners),
        reason=reason,
        extra_columns=winner.extra,
        message=f"{path}: {', '.join(match.spec.name for match in winners)} ({reason})",
        detected=Detected(encoding, spec.read.delimiter if kind == "csv" else None, kind, detected.compression),
    )


def _together(winners: list[_Match]) -> bool:
    """Whether these exports share a file on purpose: one system, each its own kind of record."""
    records = {match.spec.read.record for match in winners}
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
        names = view.first_names(detected.delimiter or ",")
        is_header = detected.format == "csv" and all(_HEADER_NAME.fullmatch(name) for name in names)
        seen = ", ".join(names[:8]) if is_header else ""
        return Recognition(
            path,
            "unrecognised",
            reason="no spec shares a column with it",
            message=f"{path}: no spec fits (looks like {detected.format}"
            + (f", columns {seen}" if seen else "")
            + "); write a spec for it, see docs/add-a-source.md",
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
        "or write a spec, see docs/add-a-source.md",
        detected=detected,
    )


def _name_delimiter(delimiter: str | None) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.get(delimiter or "", repr(delimiter))


def _other_dialect(matches: list[_Match], detected: Detected, view: _View) -> _Match | None:
    """The CSV spec that would fit if it had the delimiter that the file seems to have."""
    if detected.format != "csv" or detected.delimiter is None:
        return None
    found = [_columns_match(match.spec, view.first_names(detected.delimiter)) for match in matches if _is_csv(match)]
    return max((match for match in found if match.fits), key=lambda match: match.strength, default=None)


def _is_csv(match: _Match) -> bool:
    return "csv" in match.spec.read.format


# --- one spec against one file ---------------------------------------------------------------------------------------


def _match(spec: ExportSpec, view: _View) -> _Match:
    nothing = _Match(spec, False)
    rules = spec.recognise
    kind = format_of(view.head, spec.read.format)
    if kind is None or (kind == "parquet") != bool(view.parquet_columns):
        return nothing
    if not rules.columns and not rules.content:
        return nothing
    if kind == "xml" and not (view.text(spec.read.encoding) or "").lstrip().startswith("<"):
        return nothing
    content = False
    if rules.content is not None:
        text = view.text(spec.read.encoding)
        if text is None or not re.search(rules.content, text[:CONTENT_BYTES]):
            return nothing
        content = True
    if not rules.columns:
        return _Match(spec, True, content=True)
    if kind == "csv":
        names = view.csv_names(spec)
    elif kind in ("json", "ndjson"):
        names = view.json_names(spec, kind)
    elif kind == "parquet":
        names = view.parquet_columns
    else:
        # XML and logs: the names must occur in the text.
        text = view.text(spec.read.encoding) or ""
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
    if spec.recognise.columns or spec.recognise.content or not _path_fits(spec, path):
        return None
    kind = format_of(view.head, spec.read.format)
    if kind is None or (kind == "parquet") != bool(view.parquet_columns):
        return None
    if kind == "csv" and not spec.read.header_rows:
        first = view.csv_first_record(spec)
        if len(first) != len(spec.read.columns):
            return None
    return _Match(spec, True)


class _View:
    """The beginning of a file, taken apart once per dialect however many specs ask."""

    def __init__(self, head: bytes, parquet_columns: list[str]) -> None:
        self.head = head
        self.parquet_columns = parquet_columns
        self._texts: dict[str, str | None] = {}
        self._names: dict[object, list[str] | None] = {}

    def text(self, encoding: str) -> str | None:
        """The decoded beginning; None where it is not of this encoding."""
        if encoding not in self._texts:
            self._texts[encoding] = _decode(self.head, encoding)
        return self._texts[encoding]

    def _cached(self, key: object, make: Callable[[], list[str] | None]) -> list[str] | None:
        if key not in self._names:
            self._names[key] = make()
        return self._names[key]

    def csv_names(self, spec: ExportSpec) -> list[str] | None:
        """The header as the spec's dialect reads it."""
        read = spec.read
        key = (read.encoding, read.delimiter, read.quote, read.header_rows, read.skip_rows)
        return self._cached(key, lambda: self._header(spec))

    def csv_first_record(self, spec: ExportSpec) -> list[str]:
        """The first record of a file without a header."""
        return self._header(spec.model_copy(update={"read": spec.read.model_copy(update={"header_rows": 1})})) or []

    def _header(self, spec: ExportSpec) -> list[str] | None:
        text = self.text(spec.read.encoding)
        if text is None:
            return None
        if "\n" not in text:
            text = text.replace("\r", "\n")
        header = read_header(text.encode("utf-8", "surrogateescape"), spec.read, True)
        return header[0] if header else None

    def first_names(self, delimiter: str) -> list[str]:
        """The first line cut at a delimiter, for messages."""
        text = self.text("utf-8") or self.text("utf-16") or self.text("latin-1") or ""
        lines = text.splitlines()
        return [name.strip().strip('"') for name in lines[0].split(delimiter)] if lines else []

    def json_names(self, spec: ExportSpec, kind: str) -> list[str] | None:
        """The keys of the first records."""
        key = (kind, spec.read.encoding, spec.read.record)
        return self._cached(key, lambda: self._json_keys(spec, kind))

    def _json_keys(self, spec: ExportSpec, kind: str) -> list[str] | None:
        text = self.text(spec.read.encoding)
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
    mark = bom_encoding(head)
    if mark and mark != "utf-8" and is_utf8(encoding):
        return None
    try:
        text = head.decode(encoding, KEEP_BYTES)
    except UnicodeError:
        return None
    return text.removeprefix("\ufeff")


def _detect(path: Path, head: bytes) -> Detected:
    """What the file looks like, for a message."""
    compression = compression_of(path)
    if head.startswith(b"PAR1"):
        return Detected(None, None, "parquet", compression)
    encoding = bom_encoding(head)
    if encoding is None and _is_binary(head):
        return Detected(None, None, "binary", compression)
    if encoding is None:
        try:
            head[: len(head) - 4].decode("utf-8")
            encoding = "utf-8"
        except UnicodeDecodeError as error:
            encoding = "utf-8" if error.start > len(head) - 12 else "not utf-8"
    text = head.decode(encoding if encoding != "not utf-8" else "latin-1", "replace").lstrip("\ufeff \t\r\n")
    if text[:1] == "<":
        return Detected(encoding, None, "xml", compression)
    if text[:1] in "{[" and text[:1]:
        lines = text.splitlines()
        several = text[0] == "{" and (len(lines) < 2 or lines[1].startswith("{")) and lines[0].rstrip().endswith("}")
        return Detected(encoding, None, "ndjson" if several else "json", compression)
    first = text.splitlines()[0] if text else ""
    counts = {delimiter: first.count(delimiter) for delimiter in ",;\t|"}
    delimiter = max(counts, key=lambda item: counts[item])
    if not counts[delimiter]:
        return Detected(encoding, None, "text", compression)
    return Detected(encoding, delimiter, "csv", compression)


def _is_binary(head: bytes) -> bool:
    """Many bytes that no text has. A few are let through: a crash leaves NULs in a log."""
    if not head:
        return False
    control = sum(head.count(byte) for byte in (0, 1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 127))
    return control / len(head) > 0.02

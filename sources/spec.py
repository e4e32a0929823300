"""What an export looks like: the declarative spec of each export, read strictly, and the catalogue of all of them.

Belongs here: the shape of `sources/<system>/<export>.yaml`, its defaults from `system.yaml`, its checks and its hashes.
Does not belong here: reading a data file (`read.py`), recognising one (`recognise.py`), SQL (`typed.py`).
"""

from __future__ import annotations

import codecs
import difflib
import hashlib
import json
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from models.yaml_text import compose_yaml, read_yaml
from sources.log_settings import LogSettings

# Part of `read_hash`: raise it when a reader writes something else for the same file and spec; files are parsed again.
READER_VERSION = 3

Format = Literal["csv", "json", "ndjson", "xml", "log", "parquet", "xlsx", "xls", "avro"]
# Told by their first bytes; all others are text.
BINARY_FORMATS = ("parquet", "xlsx", "xls", "avro")

# Names that a typed row has besides the export's own columns; a file's column of such a name gets an underscore.
RESERVED_COLUMNS = frozenset(
    {
        "_row", "_line", "_raw", "_problem", "file_id", "row_number", "line_number", "row_id", "content_hash",
        "version_key", "time_from", "time_through", "problem", "skip_rule", "nulled_value_count",
        "ambiguous_time_count", "impossible_time_count", "raw", "miscast", "_decimal", "_time_zone",
    }
)  # fmt: skip

_NAME = re.compile(r"[a-z][a-z0-9_]*")
ModelT = TypeVar("ModelT", bound=BaseModel)


class SpecError(ValueError):
    """A spec that cannot be used; the message says which file, where in it, what is wrong and what to do."""


def _as_tuple(value: Any) -> Any:
    """One text or a list of texts: YAML authors may write either."""
    return (value,) if isinstance(value, str) else value


def _as_names(value: Any) -> Any:
    """A list of fields, each under its own name, or a mapping of fields to other names."""
    value = _as_tuple(value)
    return {name: name for name in value} if isinstance(value, (list, tuple)) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


@dataclass(frozen=True)
class Style:
    """How a language writes numbers and dates: decimal sign, sign between thousands, strptime patterns, month names.

    `months`: per month, January first, the spellings in small letters without a full stop. The patterns hold `%b` where
    a month's name stands; they are tried after ISO 8601.
    """

    decimal: str
    thousands: str
    dates: tuple[str, ...]
    months: tuple[tuple[str, ...], ...] = ()


def _months(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(month.split("/")) for month in text.split())


# English writes 03/04/2026 for two different days: `en` reads month names only, en-us and en-gb know more.
_ENGLISH = _months(
    "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sep/sept october/oct "
    "november/nov december/dec"
)
STYLES = {
    "nl": Style(
        ",", ".", ("%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y"),
        _months("januari/jan februari/feb maart/mrt april/apr mei juni/jun juli/jul augustus/aug september/sep/sept "
                "oktober/okt november/nov december/dec"),
    ),
    "da": Style(
        ",", ".", ("%d-%m-%Y", "%d.%m.%Y", "%d/%m/%Y", "%d. %b %Y", "%d %b %Y"),
        _months("januar/jan februar/feb marts/mar april/apr maj juni/jun juli/jul august/aug september/sep/sept "
                "oktober/okt november/nov december/dec"),
    ),
    "de": Style(
        ",", ".", ("%d.%m.%Y", "%d.%m.%y", "%d. %b %Y", "%d %b %Y"),
        _months("januar/jänner/jan/jän februar/feb märz/maerz/mär/mrz april/apr mai juni/jun juli/jul august/aug "
                "september/sep/sept oktober/okt november/nov dezember/dez"),
    ),
    "fr": Style(
        ",", " ", ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y"),
        _months("janvier/janv février/fevrier/févr/fevr mars avril/avr mai juin juillet/juil août/aout "
                "septembre/sept octobre/oct novembre/nov décembre/decembre/déc/dec"),
    ),
    "en": Style(".", ",", ("%b %d, %Y", "%d %b %Y", "%b %d %Y", "%d-%b-%Y"), _ENGLISH),
    "en-us": Style(".", ",", ("%m/%d/%Y", "%m-%d-%Y", "%b %d, %Y", "%d %b %Y", "%b %d %Y", "%d-%b-%Y"), _ENGLISH),
    "en-gb": Style(".", ",", ("%d/%m/%Y", "%d-%m-%Y", "%b %d, %Y", "%d %b %Y", "%b %d %Y", "%d-%b-%Y"), _ENGLISH),
}  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _check_zone(name: str | None) -> None:
    if name is None:
        return
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"unknown time zone {name!r}{hint}") from None


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        return
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {pattern!r} ({error})") from None


class Recognise(_Strict):
    """What tells a file of this export from others: column names, the text of its beginning, its file name.

    `access_log`: the lines are of a known format of access logs, or of one that the settings declare.
    """

    columns: Names = ()
    path: str | None = None
    content: str | None = None
    access_log: bool = False

    @model_validator(mode="after")
    def _check(self) -> Recognise:
        if not (self.columns or self.path or self.content or self.access_log):
            raise ValueError("give at least one of columns, content, path, access_log")
        _check_pattern(self.content)
        return self


class KeyValue(_Strict):
    """Children that are a name and a value, as in XES: `<date key="time:timestamp" value="2026-03-04T10:00:00Z"/>`."""

    element: Names
    key: str = "key"
    value: str = "value"


class ZoneSource(_Strict):
    """Where a zone stands that is not the same for all rows: a column of the row, or a pattern in the file's beginning.

    `pattern`: a regular expression on the first 64 kB whose first group is the zone of the file. `default`: the zone where
    nothing is found, else that of the system.
    """

    column: str | None = None
    pattern: str | None = None
    default: str | None = None

    @model_validator(mode="after")
    def _check(self) -> ZoneSource:
        if (self.column is None) == (self.pattern is None):
            raise ValueError("time_zone: give a zone, or one of column and pattern")
        _check_pattern(self.pattern)
        if self.pattern is not None and re.compile(self.pattern).groups != 1:
            raise ValueError("time_zone.pattern: put the zone in one group ( )")
        _check_zone(self.default)
        return self


# Parts of the dialect of a text file that a spec may leave to the file.
DIALECT_KEYS = frozenset({"encoding", "delimiter", "quote", "escape"})


class Read(_Strict):
    """How the file is read. `encoding`, `delimiter`, `quote` and `escape` hold where the spec says them; what it does not
    say is found in each file before it is read (`known_dialect.py`) and recorded. All else is as declared.
    """

    format: Annotated[tuple[Format, ...], BeforeValidator(_as_tuple)]
    style: Literal["nl", "da", "de", "fr", "en", "en-us", "en-gb"] | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    sheet: str | None = None
    header_rows: int = Field(default=1, ge=0, le=10)
    header_row_used: int | None = Field(default=None, ge=1)
    skip_rows: int = Field(default=0, ge=0)
    footer: str | None = None
    columns: Names = ()
    fill_down: Names = ()
    record: str | None = None
    parent: dict[str, Annotated[dict[str, str], BeforeValidator(_as_names)]] = Field(default_factory=dict)
    key_value: KeyValue | None = None
    flatten: Annotated[bool | tuple[str, ...], BeforeValidator(_as_tuple)] = False
    decimal: Literal[".", ",", "by_delimiter"] = "."
    thousands: str | None = None
    trailing_minus: bool = False
    time_zone: str | ZoneSource | None = None
    empty: Names = ()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _by_style(cls, data: Any) -> Any:
        # What a style says holds where the spec says nothing else.
        style = STYLES.get(str(data.get("style"))) if isinstance(data, dict) else None
        if style is None:
            return data
        by_style = {"decimal": style.decimal}
        if data.get("decimal", style.decimal) == style.decimal:
            by_style["thousands"] = style.thousands
        return {**by_style, **data}

    @model_validator(mode="after")
    def _check(self) -> Read:
        if not self.format:
            raise ValueError("format: give at least one")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            raise ValueError(f"encoding: Python knows no codec {self.encoding!r}") from None
        if len(self.delimiter) != 1 or len(self.quote) > 1 or not (self.delimiter + self.quote).isascii():
            raise ValueError("delimiter must be one ASCII character, quote one or none")
        if len(self.escape) > 1 or not self.escape.isascii() or (self.escape and self.escape in self.quote):
            raise ValueError("escape must be one ASCII character, not the quote itself (doubled quotes need no key)")
        if self.tabular and self.header_rows == 0 and not self.columns:
            raise ValueError("header_rows is 0: name the columns under read.columns")
        if self.header_row_used is not None and self.header_row_used > self.header_rows:
            raise ValueError(f"header_row_used: there are {self.header_rows} header_rows")
        if self.sheet is not None and not set(self.format) & {"xlsx", "xls"}:
            raise ValueError("sheet is for xlsx and xls")
        if self.key_value is not None and "xml" not in self.format:
            raise ValueError("key_value is for xml")
        if "xml" in self.format and not self.record:
            raise ValueError("record: name the XML element that is one record")
        if len(self.parent) > 1:
            raise ValueError("parent: one enclosing element only")
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal must differ")
        if self.decimal == "by_delimiter" and self.thousands is not None:
            raise ValueError("thousands: with decimal: by_delimiter it is the other of the two signs")
        _check_pattern(self.footer)
        if not isinstance(self.time_zone, ZoneSource):
            _check_zone(self.time_zone)
        return self

    @property
    def open_keys(self) -> frozenset[str]:
        """The parts of the dialect that the spec does not say."""
        return DIALECT_KEYS - self.model_fields_set

    @property
    def tabular(self) -> bool:
        """Whether the file has a header and lines of cells under it."""
        return bool(set(self.format) & {"csv", "xlsx", "xls"})


class Column(_Strict):
    """One typed column. `optional`: a value that does not cast becomes NULL and is counted; the row is kept.

    `from`: the column is not in the file but made of others, their texts joined by a blank before the cast.
    `pad`: a text of digits gets zeros in front up to this length (a spreadsheet has taken them away).
    `values`: the values known, in any case; another one is read as it stands and told per file.
    """

    type: Literal["text", "integer", "decimal", "boolean", "date", "timestamp", "json", "email", "phone"] = "text"
    required: bool = False
    optional: bool = False
    aliases: Names = ()
    parts: Names = Field(default=(), alias="from")
    format: Names = ()
    time_zone: str | ZoneSource | None = None
    decimal: Literal[".", ","] | None = None
    thousands: str | None = None
    trailing_minus: bool | None = None
    strip: Names = ()
    pad: int | None = Field(default=None, ge=2, le=64)
    empty: Names = ()
    true_words: Names = ()
    false_words: Names = ()
    values: Names = ()
    description: str = ""

    @model_validator(mode="after")
    def _check(self) -> Column:
        if isinstance(self.time_zone, ZoneSource):
            if self.time_zone.pattern is not None:
                raise ValueError("time_zone: a pattern is for the file; give it under read.time_zone")
        else:
            _check_zone(self.time_zone)
        if self.format and self.type not in ("date", "timestamp"):
            raise ValueError(f"format is for date and timestamp, not for {self.type}")
        if self.parts and self.aliases:
            raise ValueError("from: a column made of others is not in the file and has no aliases")
        return self


class SkipRule(_Strict):
    """Rows that are left out on purpose, and the reason: the rule's name and its SQL condition over typed columns, or
    `rule_by`, an SQL expression that gives the name of the rule (NULL where the row stays).
    """

    rule: str | None = None
    when: str | None = None
    rule_by: str | None = None
    because: str

    @model_validator(mode="after")
    def _check(self) -> SkipRule:
        if (self.rule is None or self.when is None) if self.rule_by is None else (self.rule or self.when):
            raise ValueError("a skip rule has rule and when, or rule_by alone")
        return self

    @property
    def expression(self) -> str:
        """The SQL in it."""
        return self.rule_by or self.when or ""


class WebColumns(_Strict):
    """Columns of an export about the web: `user_agent` offers `web_agent` to the mapping, `visitor` also `web_visitor`.

    With `visitor` (one person's device on one UTC day) all rows are counted per visitor before any skip rule, to tell
    robots by what they do; the export then has `time`, `path`, `referrer` and `ip_masked` too.
    """

    user_agent: str
    visitor: str | None = None


class SystemDefaults(_Strict):
    """What `system.yaml` says once for all exports of a system."""

    label: str = ""
    kind: str = ""
    owner: str = ""
    description: str = ""
    time_zone: str | None = None
    currency: str | None = None
    country: str | None = None

    @model_validator(mode="after")
    def _check(self) -> SystemDefaults:
        _check_zone(self.time_zone)
        return self


class _ExportFile(_Strict):
    """The keys of `<export>.yaml`."""

    description: str
    feeds: Literal["touchpoint", "party_record", "channel_cost", "identifier_link", "lookup"]
    recognise: Recognise
    read: Read
    key: Names = ()
    repeats: bool = False
    without_key: Literal["quarantine", "content"] = "quarantine"
    version: Names = ()
    skip: tuple[SkipRule, ...] = ()
    columns: dict[str, Column] = Field(default_factory=dict)
    lookups: dict[str, str] = Field(default_factory=dict)
    web: WebColumns | None = None
    label: str | None = None
    owner: str | None = None
    currency: str | None = None
    country: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_columns(cls, data: Any) -> Any:
        # `name:` without anything after it declares a text column.
        if isinstance(data, dict) and isinstance(data.get("columns"), dict):
            data = {**data, "columns": {k: ({} if v is None else v) for k, v in data["columns"].items()}}
        return data

    @model_validator(mode="after")
    def _check(self) -> _ExportFile:
        if self.repeats and self.key:
            raise ValueError("repeats is for exports without a key")
        if self.without_key == "content" and not self.key:
            raise ValueError("without_key is for exports with a key")
        if self.read.tabular and not self.read.header_rows and self.recognise.columns:
            raise ValueError("recognise.columns: a file without a header shows no names; give content or path")
        seen: dict[str, str] = {}
        for name in self.columns:
            if name.casefold() in RESERVED_COLUMNS:
                raise ValueError(f"columns.{name}: this name is taken; the file's column is read as {name}_")
            for spelling in (name, *self.columns[name].aliases):
                other = seen.setdefault(spelling.strip().casefold(), name)
                if other != name:
                    raise ValueError(f"columns.{name}: the spelling {spelling!r} also belongs to {other}")
            for part in self.columns[name].parts:
                if self.columns.get(part, Column()).parts:
                    raise ValueError(f"columns.{name}.from: {part} is itself made of others; name columns of the file")
        made = {name.casefold() for name, column in self.columns.items() if column.parts}
        for where, names in (("recognise.columns", self.recognise.columns), ("read.columns", self.read.columns)):
            wrong = next((name for name in names if name.casefold() in made), None)
            if wrong:
                raise ValueError(f"{where}: {wrong} is made of others (from) and in no file")
        rules = [rule.rule or rule.rule_by for rule in self.skip]
        if len(set(rules)) < len(rules):
            raise ValueError("skip: two rules have the same name")
        return self


class ExportSpec(BaseModel):
    """One export of one system: everything that reading, typing and mapping it needs."""

    model_config = ConfigDict(frozen=True)

    name: str
    system: str
    export: str
    label: str
    kind: str
    owner: str
    description: str
    feeds: str
    recognise: Recognise
    read: Read
    key: tuple[str, ...]
    repeats: bool
    without_key: str
    version: tuple[str, ...]
    skip: tuple[SkipRule, ...]
    columns: dict[str, Column]
    lookups: dict[str, str]
    web: WebColumns | None = None
    mapping_sql: str
    folder: Path
    time_zone: str
    currency: str | None
    country: str | None

    @property
    def zone_source(self) -> ZoneSource | None:
        """Where the zone of the export's times stands, if it is not one for all of them."""
        zone = self.read.time_zone
        return zone if isinstance(zone, ZoneSource) else None

    @property
    def path(self) -> Path:
        """The spec's own file."""
        return self.folder / f"{self.export}.yaml"

    @property
    def read_hash(self) -> str:
        """8 hex digits over all that decides what a parsed file holds; a change makes the night parse again."""
        names = {name: column.aliases for name, column in self.columns.items()}
        read = self.read.model_dump(exclude={"style", "decimal", "thousands", "trailing_minus", "time_zone", "empty"})
        parts = sorted({part for column in self.columns.values() for part in column.parts})
        found = [
            sorted(self.read.open_keys),
            self.read.decimal == "by_delimiter",
            self.zone_source and self.zone_source.pattern,
        ]
        return _hash([READER_VERSION, read, names, parts, found, self.recognise.columns, self.key, self.version])

    @property
    def spec_hash(self) -> str:
        """8 hex digits over the whole spec, its mapping and the system's defaults; a change maps the export again."""
        return _hash([READER_VERSION, sorted(self.read.open_keys), self.model_dump(mode="json", exclude={"folder"})])

    @cached_property
    def declared_columns(self) -> dict[str, Column]:
        """Columns that a typed row has whether or not the file has them: all that the spec names, in its order."""
        declared = dict(self.columns)
        parts = [part for column in self.columns.values() for part in column.parts]
        zones = [self.read.time_zone, *(column.time_zone for column in self.columns.values())]
        parts += [zone.column for zone in zones if isinstance(zone, ZoneSource) and zone.column]
        for name in (*self.recognise.columns, *self.read.columns, *self.key, *self.version, *parts):
            if name.casefold() not in {known.casefold() for known in declared}:
                declared[name] = Column()
        return declared

    @cached_property
    def made_columns(self) -> frozenset[str]:
        """Names (case folded) of the columns that are made of others and stand in no file."""
        return frozenset(name.casefold() for name, column in self.columns.items() if column.parts)

    @cached_property
    def spellings(self) -> dict[str, str]:
        """From every accepted spelling of a column (trimmed, case folded) to the name the spec uses."""
        table = {
            name.strip().casefold(): name for name in self.declared_columns if name.casefold() not in self.made_columns
        }
        for name, column in self.columns.items():
            table.update({alias.strip().casefold(): name for alias in column.aliases})
        return table


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class SourceCatalog:
    """All exports that can be read, by name (`olist.order`), sorted."""

    exports: dict[str, ExportSpec] = field(default_factory=dict)

    def system(self, system: str) -> list[ExportSpec]:
        """The exports of one system."""
        return [spec for spec in self.exports.values() if spec.system == system]


def with_log_settings(catalog: SourceCatalog, given: Mapping[str, Any]) -> SourceCatalog:
    """The catalogue with the configuration's settings of access logs in every spec that reads them.

    Raises pydantic's `ValidationError` for settings that cannot be, such as a format string without a time.
    """
    exports = dict(catalog.exports)
    for name, spec in exports.items():
        if "log" in spec.read.format:
            log = spec.read.log.with_settings(given)
            exports[name] = spec.model_copy(update={"read": spec.read.model_copy(update={"log": log})})
    return replace(catalog, exports=exports)


def load_catalog(extra_folders: Sequence[Path] = ()) -> SourceCatalog:
    """Read every spec below `sources/` and below the extra folders (each a system folder or a folder of them).

    Raises `SpecError` for a spec that is wrong, a folder that does not exist, or two exports of one name.
    """
    exports: dict[str, ExportSpec] = {}
    for root in (Path(__file__).parent, *map(Path, extra_folders)):
        if not root.is_dir():
            raise SpecError(f"{root}: no such folder; the configuration names it as a folder with systems of your own")
        for folder in sorted({path.parent for path in root.rglob("*.yaml") if path.name != "system.yaml"}):
            defaults = _load_system(folder / "system.yaml")
            for path in sorted(folder.glob("*.yaml")):
                if path.name == "system.yaml":
                    continue
                spec = load_spec(path, defaults)
                other = exports.get(spec.name)
                if other and other.path.resolve() != path.resolve():
                    raise SpecError(f"{path}: the export {spec.name} is already defined in {other.path}; rename one")
                exports[spec.name] = spec
    _check_lookups(exports)
    return SourceCatalog(dict(sorted(exports.items())))


def load_spec(path: Path, defaults: SystemDefaults | None = None) -> ExportSpec:
    """Read one spec file and the SELECT beside it. Raises `SpecError` with file, line, key and a near miss."""
    defaults = defaults if defaults is not None else _load_system(path.parent / "system.yaml")
    system, export = path.parent.name, path.stem
    for what, name in (("system folder", system), ("export file", export)):
        if not _NAME.fullmatch(name):
            raise SpecError(f"{path}: the {what} is named {name!r}; use small letters, digits and underscores")
    content = _validate(_ExportFile, path)
    sql_path = path.with_suffix(".sql")
    if content.feeds == "lookup":
        if sql_path.exists():
            raise SpecError(f"{sql_path}: a lookup is not mapped; delete this file or change `feeds` in {path.name}")
        mapping = ""
    elif not sql_path.exists():
        raise SpecError(f"{path}: feeds {content.feeds}, but the mapping SELECT {sql_path.name} is not beside it")
    else:
        mapping = sql_path.read_text(encoding="utf-8")
    return ExportSpec(
        name=f"{system}.{export}",
        system=system,
        export=export,
        label=content.label or defaults.label or system,
        kind=defaults.kind,
        owner=content.owner or defaults.owner,
        description=content.description,
        feeds=content.feeds,
        recognise=content.recognise,
        read=content.read,
        key=content.key,
        repeats=content.repeats,
        without_key=content.without_key,
        version=content.version,
        skip=content.skip,
        columns=content.columns,
        lookups=content.lookups,
        web=content.web,
        mapping_sql=mapping,
        folder=path.parent,
        time_zone=_zone_for_all(content.read.time_zone) or defaults.time_zone or "UTC",
        currency=content.currency or defaults.currency,
        country=content.country or defaults.country,
    )


def _zone_for_all(zone: str | ZoneSource | None) -> str | None:
    """The zone of rows that do not say theirs."""
    return zone.default if isinstance(zone, ZoneSource) else zone


def _load_system(path: Path) -> SystemDefaults:
    return _validate(SystemDefaults, path) if path.exists() else SystemDefaults()


def _check_lookups(exports: dict[str, ExportSpec]) -> None:
    for spec in exports.values():
        for lookup, column in spec.lookups.items():
            other = exports.get(f"{spec.system}.{lookup}")
            if other is None:
                siblings = [known.export for known in exports.values() if known.system == spec.system]
                raise SpecError(
                    f"{spec.path}: lookups.{lookup}: {spec.system} has no such export{_near(lookup, siblings)}"
                )
            if column.casefold() not in {name.casefold() for name in other.declared_columns}:
                raise SpecError(
                    f"{spec.path}: lookups.{lookup}: {column!r} is not a declared column of {other.name}"
                    f"{_near(column, list(other.declared_columns))}"
                )


def _validate(model: type[ModelT], path: Path) -> ModelT:
    """Parse one YAML file into a model; every complaint names file, line, key and what would be right."""
    text = path.read_text(encoding="utf-8")
    try:
        content = read_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SpecError(f"{path}{where}: not YAML: {getattr(error, 'problem', None) or error}") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise SpecError(f"{path}, line 1: expected `key: value` lines, found {type(content).__name__}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise SpecError("\n".join(_complaint(path, text, model, item) for item in error.errors())) from None


def _complaint(path: Path, text: str, model: type[BaseModel], item: Any) -> str:
    location = tuple(item["loc"])
    key = ".".join(str(part) for part in location)
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "unknown key" + _near(str(location[-1]), _keys_at(model, location[:-1]))
    elif item["type"] == "missing":
        message = "this key is missing"
    elif item["type"] == "literal_error":
        allowed = [word.strip(" '") for word in item["ctx"]["expected"].replace(" or ", ", ").split(",")]
        message = f"{item['input']!r} is not possible here{_near(str(item['input']), allowed)}"
    line = _line_of(text, location)
    return f"{path}{f', line {line}' if line else ''}: {key + ': ' if key else ''}{message}"


def spec_schema() -> dict[str, Any]:
    """JSON schema of `<export>.yaml`, from which editors complete keys and mark mistakes."""
    schema = _ExportFile.model_json_schema()
    schema["title"] = "touchpoint360 export spec"
    _allow_single_items(schema)
    # Names that may be renamed on the way are given as a list or as old name: new name.
    schema["$defs"]["Read"]["properties"]["parent"]["additionalProperties"] = {"type": ["array", "object"]}
    # `name:` without anything after it declares a text column.
    columns = schema["properties"]["columns"]
    columns["additionalProperties"] = {"anyOf": [columns["additionalProperties"], {"type": "null"}]}
    return schema


def _allow_single_items(node: Any) -> None:
    """Where the spec takes a list it takes a single item too; the generated schema does not know that."""
    if isinstance(node, dict):
        for value in node.values():
            _allow_single_items(value)
        if node.get("type") == "array" and "items" in node:
            lone = {key: node.pop(key) for key in ("type", "items")}
            node["anyOf"] = [lone, lone["items"]]
    elif isinstance(node, list):
        for value in node:
            _allow_single_items(value)


def _near(name: str, known: Sequence[str]) -> str:
    """The hint that ends a complaint about a name: the nearest known name, or all of them when none is near."""
    near = difflib.get_close_matches(name, known, 1, 0.6)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; possible are {', '.join(known)}" if known else ""


def _keys_at(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys allowed where an unknown one stood."""
    parts: dict[str, type[BaseModel]] = {"recognise": Recognise, "read": Read, "columns": Column, "skip": SkipRule}
    here = parts.get(str(location[0]), model) if location else model
    return [field.alias or name for name, field in here.model_fields.items()]


def _line_of(text: str, location: tuple[Any, ...]) -> int | None:
    """Line (1-based) of the key that a pydantic location names, or of its nearest enclosing key."""
    node = compose_yaml(text)
    line = None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line

"""From parsed text rows to typed rows: one generated SELECT per export, and the checked mapping SELECT that follows it.

Belongs here: casting rules, row identity, the hash of a row's content, local time to UTC, what is wrong with a row.
Does not belong here: reading files, choosing the winner among rows of one identity, canonical columns.

Rules worth knowing:

- A cell's surrounding blanks are not content; an empty cell is NULL; `empty:` words are NULL too.
- Dates and times are ISO 8601 unless `format:` says otherwise, or as the declared language writes them (`read.style`).
  Nothing else is tried: 03/04/2026 is never guessed.
- A column made of others (`from:`) is their texts joined by a blank; NULL where the first is.
- A local time that occurs twice (clocks go back) is its first occurrence, daylight saving; one that does not exist
  (clocks go forward) is moved forward by the gap. Both are counted per row.
- A zone may stand in a column of the row or be that of the file (`_time_zone`); an unknown one is a problem of the row.
- `miscast` names the columns of a row whose text is not of their type, in whatever row: a retyped column shows in it.
- Hashes are the lower half of MD5, shifted to 62 bits: stable over versions and engines, unlike `hash()`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlglot
from sqlglot import exp

from sources.spec import STYLES, Column, ExportSpec, SpecError, Style, ZoneSource

DUCKDB_TYPES = {
    "text": "VARCHAR",
    "email": "VARCHAR",
    "phone": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "json": "JSON",
}
PROBLEM_TYPE = 'STRUCT("column" VARCHAR, "value" VARCHAR, reason VARCHAR, advice VARCHAR)'
TRUE_WORDS = ("true", "t", "yes", "y", "1", "ja", "j")
FALSE_WORDS = ("false", "f", "no", "n", "0", "nee", "nej")

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Counted since 1970-01-01 UTC: how many microseconds one of them is.
_EPOCH_MICROSECONDS = {"epoch": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_ISO_LOCAL = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?"
_ISO_OFFSET = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)? ?(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
_ISO_DATE = r"\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?Z?)?"


def identifier(name: str) -> str:
    """A column name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def lookup_columns(spec: ExportSpec) -> list[tuple[str, str]]:
    """(name, DuckDB type) of the declared columns: what `lookup_<export>` offers to a mapping, also when empty."""
    return [(name, DUCKDB_TYPES[column.type]) for name, column in _declared(spec).items()]


def typed_select(
    spec: ExportSpec, relation: str, present_columns: Sequence[str], typed_columns: Mapping[str, str] | None = None
) -> str:
    """The SELECT that types parsed rows.

    `relation` is SQL text for a table of parsed rows (`_row`, `_line`, `_raw`, `_problem`, text columns) with
    `file_id`. `present_columns` are its own columns, texts but for `typed_columns` (name → type), which the reader of logs
    has typed already. The result has `file_id`, `row_number`, `line_number`, `row_id`,
    `content_hash`, `version_key`, `time_from`, `time_through`, `problem`, `skip_rule`, `miscast`, `nulled_value_count`,
    `ambiguous_time_count`, `impossible_time_count`, `raw`, then every export column, typed where declared; declared
    columns that the file lacks are NULL. Times are naive UTC. A row has a `skip_rule` or a `problem`, not both; only
    a row that cannot be read is a problem before any rule is asked.
    """
    declared = _declared(spec)
    known = {name.casefold(): name for name in declared}
    columns: dict[str, Column] = dict(declared)
    present: dict[str, str] = {}
    for name in present_columns:
        present[known.get(name.casefold(), name)] = name
        if name.casefold() not in known:
            columns[name] = Column()
    ready = typed_columns or {}
    typed = [name for name, found in present.items() if ready.get(found) == columns[name].type]
    cells = [
        f"{_made(spec, column, columns, present) if column.parts else _cell(spec, column, present.get(name))} "
        f"as {_text(name)}"
        for name, column in columns.items()
        if name not in typed
    ]
    # Their text is made from the value, not the reverse.
    cells += [
        f"cast({identifier(present[name])} as {DUCKDB_TYPES[columns[name].type]}) as {_given(name)}" for name in typed
    ]
    cells += [f"cast({identifier(present[name])} as varchar) as {_text(name)}" for name in typed]
    content = [
        f"{literal(name + '=')} || {_text(name)}" for name in sorted(present, key=lambda item: (item.casefold(), item))
    ]
    content_hash = _hash(["_raw", *content])
    values, zoned, ambiguous, impossible = _values(spec, columns, typed)
    base = ["file_id", "_row", "_line", "_raw", "_problem"]
    if spec.read.decimal == "by_delimiter":
        base.append("_decimal")
    if spec.zone_source is not None and spec.zone_source.pattern is not None:
        base.append("_time_zone")
    hashed = [f"{content_hash} as content_hash", *_zones(spec, columns)]
    ctes = [
        ("cell", f"select {', '.join(base)},\n    {_lines(cells)}\n  from {relation}"),
        ("hashed", f"select *,\n    {_lines(hashed)}\n  from cell"),
        ("cast_value", f"select *,\n    {_lines(values)}\n  from hashed"),
        ("zoned", f"select *{''.join(f', {item}' for item in zoned)} from cast_value"),
        ("ruled", f"select *, {_skip_rule(spec)} as skip_rule from zoned"),
        (
            "judged",
            f"select *,\n    {_row_id(spec)} as row_id,\n    {_problem(spec, columns)} as problem\n  from ruled"
            + (" left join repeated using (file_id, _row)" if spec.repeats else ""),
        ),
    ]
    if spec.repeats:
        ctes.insert(2, ("repeated", _REPEATED))
    output = [
        "file_id",
        "_row as row_number",
        "_line as line_number",
        "row_id",
        "content_hash",
        f"{_version_key(spec, columns)} as version_key",
        *_time_range(columns),
        "problem",
        "skip_rule",
        f"{_miscast(columns)} as miscast",
        f"{_count(_nulled(columns))} as nulled_value_count",
        f"{_count(ambiguous)} as ambiguous_time_count",
        f"{_count(impossible)} as impossible_time_count",
        f"{_raw(list(present))} as raw",
        *(identifier(name) for name in columns),
    ]
    with_part = ",\n".join(f"{name} as (\n  {body}\n)" for name, body in ctes)
    return f"with {with_part}\nselect\n  {_lines(output, 2)}\nfrom judged"


def typed_columns(schema: pa.Schema) -> dict[str, str]:
    """The columns of a parsed file that its reader has typed already, with their type as a spec names it."""
    found = {}
    for item in schema:
        if item.name.startswith("_"):
            continue
        if pa.types.is_integer(item.type):
            found[item.name] = "integer"
        elif pa.types.is_floating(item.type):
            found[item.name] = "decimal"
        elif pa.types.is_timestamp(item.type):
            found[item.name] = "timestamp"
    return found


def mapping_query(spec: ExportSpec) -> str:
    """The mapping SELECT, ready to run where `export_row` and the `lookup_…` tables exist.

    Raises `SpecError` naming the file when it is not one SELECT or does not return `row_id`.
    """
    path = spec.path.with_suffix(".sql")
    if not spec.mapping_sql:
        raise SpecError(f"{path}: {spec.name} feeds {spec.feeds} and is not mapped")
    try:
        statements = [item for item in sqlglot.parse(spec.mapping_sql, dialect="duckdb") if item is not None]
    except sqlglot.errors.ParseError as error:
        detail = error.errors[0] if error.errors else {}
        raise SpecError(f"{path}, line {detail.get('line', '?')}: {detail.get('description', error)}") from None
    statements = [item for item in statements if not isinstance(item, exp.Semicolon)]
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise SpecError(f"{path}: a mapping is one SELECT and nothing else")
    names = statements[0].named_selects
    if "row_id" not in names and "*" not in names:
        raise SpecError(f"{path}: the SELECT must return row_id, so that each canonical row knows its export row")
    return spec.mapping_sql.strip().rstrip(";").rstrip()


# --- cells ---------------------------------------------------------------------------------------------------------


def _declared(spec: ExportSpec) -> dict[str, Column]:
    """The declared columns and those that only a skip rule names."""
    declared = dict(spec.declared_columns)
    known = {name.casefold() for name in declared}
    for rule in spec.skip:
        try:
            condition = sqlglot.parse_one(rule.expression, dialect="duckdb")
        except sqlglot.errors.SqlglotError as error:
            raise SpecError(
                f"{spec.path}: skip rule {rule.rule or rule.rule_by}: not a SQL condition: {error}"
            ) from None
        for column in condition.find_all(exp.Column):
            if column.name.casefold() not in known:
                known.add(column.name.casefold())
                declared[column.name] = Column()
    return declared


def _text(name: str) -> str:
    """Alias of a cell's text, beside the typed value of the plain name."""
    return identifier(name + "~")


def _given(name: str) -> str:
    """Alias of a value that the reader has typed already."""
    return identifier(name + "~given")


def _cell(spec: ExportSpec, column: Column, found: str | None) -> str:
    if found is None:
        return "cast(null as varchar)"
    value = f"nullif(trim(cast({identifier(found)} as varchar)), '')"
    if column.pad:
        digits = literal(rf"\d{{1,{column.pad - 1}}}")
        value = f"case when regexp_full_match({value}, {digits}) then lpad({value}, {column.pad}, '0') else {value} end"
    words = (*spec.read.empty, *column.empty)
    if words:
        value = f"case when {value} in ({', '.join(map(literal, words))}) then null else {value} end"
    return value


def _made(spec: ExportSpec, column: Column, columns: dict[str, Column], present: dict[str, str]) -> str:
    """The text of a column made of others: their texts joined by a blank, NULL where the first is."""
    spelled = {name.casefold(): name for name in columns}
    names = [spelled[part.casefold()] for part in column.parts]
    parts = [_cell(spec, columns[name], present.get(name)) for name in names]
    return f"case when {parts[0]} is not null then concat_ws(' ', {', '.join(parts)}) end"


def _hash(parts: Sequence[str]) -> str:
    return f"cast(md5_number_lower(concat_ws(chr(31), {', '.join(parts)})) >> 2 as bigint)"


def _lines(items: Sequence[str], indent: int = 4) -> str:
    return (",\n" + " " * indent).join(items)


def _count(flags: Sequence[str]) -> str:
    return "cast(" + (" + ".join(f"({flag})::integer" for flag in flags) or "0") + " as integer)"


# --- values --------------------------------------------------------------------------------------------------------


def _values(
    spec: ExportSpec, columns: dict[str, Column], typed: Sequence[str]
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Typed values; then for local times the second step to UTC, and the flags of ambiguous and impossible ones."""
    values, zoned, ambiguous, impossible = [], [], [], []
    for name, column in columns.items():
        text = _text(name)
        if name in typed:
            values.append(f"{_given(name)} as {identifier(name)}")
            continue
        if column.type != "timestamp":
            values.append(f"{_cast(spec, column, text)} as {identifier(name)}")
            continue
        local_name, utc_name = identifier(name + "~local"), identifier(name + "~utc")
        absolute, local = _timestamp(column, text, STYLES[spec.read.style] if spec.read.style else None)
        values.append(f"{local or 'cast(null as timestamp)'} as {local_name}")
        source = _zone_source(spec, column)
        always = source is not None
        if source is None:
            zone = literal(column.time_zone if isinstance(column.time_zone, str) else spec.time_zone)
            back, forward = _clock_changes(zone[1:-1])
        else:
            zone = identifier(name + "~zone")
            back, forward = dict.fromkeys(_ALL_BACK, frozenset[int]()), frozenset[int]()
        # Step one: the local time, and its UTC as the zone table has it (an ambiguous one: the second occurrence; an
        # impossible one: moved forward by the gap). Step two: the first occurrence, where there are two.
        moved = f"timezone('UTC', timezone({zone}, {local_name}))"
        if always:
            moved = f"coalesce({moved}, {local_name} - to_seconds({identifier(name + '~offset')}))"
        values.append(f"{moved if local and not _is_utc(zone) else local_name} as {utc_name}")
        result = utc_name
        if local and back:
            for seconds, months in back.items():
                earlier = f"{utc_name} - to_seconds({seconds})"
                clock = f"timezone({zone}, timezone('UTC', {earlier}))"
                flag = identifier(f"{name}~twice {seconds}")
                near = "true" if always else _in_months(local_name, months)
                zoned.append(f"coalesce(({near}) and {clock} = {local_name}, false) as {flag}")
                result = f"case when {flag} then {earlier} else {result} end"
                ambiguous.append(flag)
        if local and (forward or always):
            clock = f"timezone({zone}, timezone('UTC', {utc_name}))"
            near = "true" if always else _in_months(local_name, forward)
            impossible.append(f"coalesce(({near}) and {clock} <> {local_name}, false)")
        if absolute:
            result = f"case when {local_name} is null then {absolute} else {result} end"
        zoned.append(f"{result} as {identifier(name)}")
    return values or ['1 as "~none"'], zoned, ambiguous, impossible


def _cast(spec: ExportSpec, column: Column, text: str) -> str:
    """SQL that casts a cell's text to the column's type, NULL where it is not of that type."""
    if column.type in ("integer", "decimal"):
        return _number(spec, column, text)
    if column.type == "boolean":
        true, false = column.true_words or TRUE_WORDS, column.false_words or FALSE_WORDS
        cases = [
            f"when lower({text}) in ({', '.join(literal(word.lower()) for word in words)}) then {value}"
            for words, value in ((true, "true"), (false, "false"))
        ]
        return f"case {' '.join(cases)} end"
    if column.type == "date":
        style = STYLES[spec.read.style] if spec.read.style else None
        if column.format:
            return f"cast({_strptime(_english(text, style), column.format)} as date)"
        iso = f"case when regexp_full_match({text}, {literal(_ISO_DATE)}) then try_cast({text}[:10] as date) end"
        if style is None:
            return iso
        return f"coalesce({iso}, cast({_strptime(_english(text, style), style.dates)} as date))"
    if column.type == "json":
        return f"try_cast({text} as json)"
    return text


def _number(spec: ExportSpec, column: Column, text: str) -> str:
    decimal = column.decimal or spec.read.decimal
    if decimal == "by_delimiter":
        comma, point = _number_as(spec, column, text, ",", "."), _number_as(spec, column, text, ".", ",")
        return f"case when _decimal = ',' then {comma} else {point} end"
    return _number_as(spec, column, text, decimal, column.thousands or spec.read.thousands)


def _number_as(spec: ExportSpec, column: Column, text: str, decimal: str, thousands: str | None) -> str:
    value = text
    for sign in column.strip:
        value = f"replace({value}, {literal(sign)}, '')"
    if column.strip:
        value = f"trim({value})"
    if column.trailing_minus if column.trailing_minus is not None else spec.read.trailing_minus:
        value = f"case when {value} like '%_-' then '-' || trim({value}[:-2]) else {value} end"
    fraction = rf"(\{decimal}\d*)?" if column.type == "decimal" else rf"(\{decimal}0*)?"
    whole = r"\d+"
    plain = value
    if thousands:
        # Groups must be groups of three: "1,23" is not 123.
        separator = r"[ \x{00a0}\x{202f}]" if thousands == " " else re.escape(thousands)
        whole = rf"(\d+|\d{{1,3}}({separator}\d{{3}})+)"
        if thousands == " ":
            plain = f"regexp_replace({plain}, {literal(separator)}, '', 'g')"
        else:
            plain = f"replace({plain}, {literal(thousands)}, '')"
    if decimal == ",":
        plain = f"replace({plain}, ',', '.')"
    pattern = rf"[+-]?{whole}{fraction}"
    if column.type == "decimal":
        pattern = rf"[+-]?({whole}{fraction}|\{decimal}\d+)([eE][+-]?\d+)?"
    cast = f"try_cast({plain} as {'double' if column.type == 'decimal' else 'bigint'})"
    return f"case when regexp_full_match({value}, {literal(pattern)}) then {cast} end"


def _strptime(text: str, formats: Sequence[str]) -> str:
    """SQL of the first pattern that fits. `%Y` is a year of four digits: strptime would take 04/03/26 for the year 26."""
    parts = []
    for full in (True, False):
        chosen = [literal(item) for item in formats if ("%Y" in item) == full]
        if chosen:
            parsed = f"try_strptime({text}, [{', '.join(chosen)}])"
            parts.append(f"case when regexp_matches({text}, '\\d{{4}}') then {parsed} end" if full else parsed)
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def _english(text: str, style: Style | None) -> str:
    """SQL of a text in which the name of a month in the style's language is the English one that strptime knows."""
    if style is None or not style.months:
        return text
    spellings = {word: month for month, words in zip(_MONTHS, style.months, strict=True) for word in words}
    longest_first = sorted(spellings, key=len, reverse=True)
    # A month's name is a word of its own: mai is not the beginning of maintenant.
    pattern = rf"(^|[^\pL])({'|'.join(longest_first)})($|[^\pL])"
    word = f"regexp_extract(lower({text}), {literal(pattern)}, 2)"
    english = f"map {{{', '.join(f'{literal(w)}: {literal(m)}' for w, m in spellings.items())}}}[{word}]"
    replaced = rf"regexp_replace({text}, '(?i)' || {word} || '\.?', {english})"
    return rf"case when regexp_matches({text}, '\pL{{3}}') then coalesce({replaced}, {text}) else {text} end"


def _style_formats(style: Style) -> list[str]:
    """Patterns of a style's dates with and without a time of day."""
    english = style.decimal == "."
    clocks = [
        "",
        " %H:%M",
        " %H:%M:%S",
        ", %H:%M",
        ", %H:%M:%S",
        *([" %I:%M %p", " %I:%M:%S %p", ", %I:%M %p", ", %I:%M:%S %p"] if english else []),
    ]
    return [date + clock for date in style.dates for clock in clocks]


def _timestamp(column: Column, text: str, style: Style | None) -> tuple[str | None, str | None]:
    """SQL of the absolute (UTC) and of the local reading of a time; None for a reading that the format excludes.

    The absolute one is meant for values that the local one does not read.
    """
    if column.format:
        epochs = [item for item in column.format if item in _EPOCH_MICROSECONDS]
        formats = [item for item in column.format if item not in epochs]
        with_zone = [item for item in formats if "%z" in item or "%Z" in item]
        without = [item for item in formats if item not in with_zone]
        absolute = []
        for item in epochs:
            scale = _EPOCH_MICROSECONDS[item]
            number = f"try_cast({text} as decimal(30, 6))"
            plain = f"regexp_full_match({text}, '-?\\d{{1,17}}(\\.\\d{{1,6}})?')"
            absolute.append(f"case when {plain} then make_timestamp(cast({number} * {scale} as bigint)) end")
        if with_zone:
            absolute.append(f"timezone('UTC', {_strptime(_english(text, style), with_zone)})")
        local = f"{_strptime(_english(text, style), without)}" if without else None
        joined = absolute[0] if len(absolute) == 1 else f"coalesce({', '.join(absolute)})" if absolute else None
        return joined, local
    plain = f"replace({text}, ',', '.')"
    offset = f"regexp_replace(regexp_replace({plain}, ' ?(Z|z|UTC|GMT)$', '+00'), ' ([+-])', '\\1')"
    absolute_sql = (
        f"case when regexp_full_match({text}, {literal(_ISO_OFFSET)}) "
        f"then timezone('UTC', try_cast({offset} as timestamptz)) end"
    )
    local_sql = f"case when regexp_full_match({text}, {literal(_ISO_LOCAL)}) then try_cast({plain} as timestamp) end"
    if style is not None:
        local_sql = f"coalesce({local_sql}, {_strptime(_english(text, style), _style_formats(style))})"
    return absolute_sql, local_sql


def _is_utc(zone: str) -> bool:
    """Whether a zone, as a SQL literal, is UTC."""
    return zone.strip("'") in ("UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu")


# By how many seconds clocks go back anywhere in the world, 1990 to 2040.
_ALL_BACK = (3600, 1800, 7200, 10800)
_OFFSET = r"[+-]\d{2}:?\d{2}"


def _zone_source(spec: ExportSpec, column: Column) -> ZoneSource | None:
    """Where the zone of a column's times stands, unless it is one for all rows."""
    return (
        column.time_zone if isinstance(column.time_zone, ZoneSource) else None if column.time_zone else spec.zone_source
    )


def _zone_text(spec: ExportSpec, source: ZoneSource) -> str:
    """SQL of the zone's name as the row or the file gives it; the default where there is none."""
    found = _text(source.column) if source.column else "_time_zone"
    return f"coalesce(nullif(trim({found}), ''), {literal(source.default or spec.time_zone)})"


def _zones(spec: ExportSpec, columns: dict[str, Column]) -> list[str]:
    """For each time whose zone is not one for all rows: its zone, or its offset in seconds, NULL where it is neither."""
    made = []
    for name, column in columns.items():
        source = _zone_source(spec, column)
        if column.type != "timestamp" or source is None:
            continue
        text = f"case lower({_zone_text(spec, source)}) when 'z' then 'UTC' else {_zone_text(spec, source)} end"
        # Abbreviations mean different zones to different people: IST, CST.
        known = (
            "select lower(name) from pg_timezone_names() where contains(name, '/') "
            "or name in ('UTC', 'GMT', 'CET', 'EET', 'WET', 'MET')"
        )
        made.append(f"case when lower({text}) in ({known}) then {text} end as {identifier(name + '~zone')}")
        hours, minutes = f"cast(({text})[2:3] as integer)", f"cast(right({text}, 2) as integer)"
        seconds = f"({hours} * 3600 + {minutes} * 60) * if(({text})[1] = '-', -1, 1)"
        made.append(
            f"case when regexp_full_match({text}, {literal(_OFFSET)}) then {seconds} end as {identifier(name + '~offset')}"
        )
    return made


def _in_months(local_name: str, months: frozenset[int]) -> str:
    # Most times are in months without a clock change: this test is cheap, the conversions after it are not.
    return " or ".join(f"month({local_name}) = {month}" for month in sorted(months))


@lru_cache
def _clock_changes(zone: str) -> tuple[dict[int, frozenset[int]], frozenset[int]]:
    """When a zone's clocks change, 1970 to 2100: {seconds they go back by: months}, and the months they go forward in.

    A change near a month's end counts for both months.
    """
    info = ZoneInfo(zone)
    back: dict[int, set[int]] = {}
    forward: set[int] = set()
    day = datetime(1970, 1, 1, tzinfo=UTC)
    before = info.utcoffset(day.astimezone(info)) or timedelta()
    while day.year < 2100:
        day += timedelta(days=1)
        after = info.utcoffset(day.astimezone(info)) or timedelta()
        if after != before:
            seconds = int((before - after).total_seconds())
            around = {(day + timedelta(days=days)).month for days in (-2, 1)}
            (back.setdefault(seconds, set()) if seconds > 0 else forward).update(around)
        before = after
    return {seconds: frozenset(months) for seconds, months in back.items()}, frozenset(forward)


# --- identity and judgement ----------------------------------------------------------------------------------------

# Which occurrence in its file a row is, where its content occurs more than once. The window carries narrow rows only.
_REPEATED = """select file_id, _row, occurrence from (
    select file_id, _row, row_number() over (partition by file_id, content_hash order by _row) as occurrence
    from (select file_id, _row, content_hash from hashed)
  ) where occurrence > 1"""


def _row_id(spec: ExportSpec) -> str:
    name = literal(spec.name)
    by_content = _hash([name, "''", "content_hash", *(["occurrence"] if spec.repeats else [])])
    if not spec.key:
        return by_content
    complete = " and ".join(f"{_text(key)} is not null" for key in spec.key)
    return f"case when {complete} then {_hash([name, *map(_text, spec.key)])} else {by_content} end"


def _problem(spec: ExportSpec, columns: dict[str, Column]) -> str:
    def struct(column: str, value: str, reason: str, advice: str) -> str:
        return f"{{'column': {column}, 'value': {value}, 'reason': {reason}, 'advice': {literal(advice)}}}"

    export = spec.name
    # A row that a rule leaves out need not be right in its other columns: a line of totals has no date.
    cases = ["when skip_rule is not null then null"] if spec.skip else []
    cases += [
        "when _problem is not null then "
        + struct("null", "null", "_problem", "Mend the row where it comes from, or export again.")
    ]
    for name in spec.key if spec.without_key == "quarantine" else ():
        cases.append(
            f"when {_text(name)} is null then "
            + struct(literal(name), "null", "'empty key'", f"Without it the row has no identity; see key in {export}.")
        )
    for name, column in columns.items():
        if column.required and name not in spec.key:
            cases.append(
                f"when {_text(name)} is null then "
                + struct(literal(name), "null", "'required and empty'", f"Fill it in the system behind {export}.")
            )
        source = _zone_source(spec, column) if column.type == "timestamp" and not column.optional else None
        if source is not None:
            unknown = f"{identifier(name + '~zone')} is null and {identifier(name + '~offset')} is null"
            local = identifier(name + "~local")
            cases.append(
                f"when {local} is not null and {unknown} then "
                + struct(
                    literal(source.column) if source.column else "null",
                    _zone_text(spec, source),
                    "'unknown time zone'",
                    f"Give a name as Europe/Amsterdam or an offset as +02:00, or a default for {name} in {export}.",
                )
            )
        if not column.optional and column.type not in ("text", "email", "phone"):
            what = f"not a {column.type}" if column.type != "integer" else "not an integer"
            style = ", ".join(column.format) or ("ISO 8601" if column.type in ("date", "timestamp") else "")
            reason = literal(what + (f" ({style})" if style else ""))
            cases.append(
                f"when {_text(name)} is not null and {identifier(name)} is null then "
                + struct(
                    literal(name),
                    _text(name),
                    reason,
                    f"Correct the value, or declare its style (or optional: true) for {name} in {export}.",
                )
            )
    lines = "\n      ".join(cases)
    return f"cast(case\n      {lines}\n    end as {PROBLEM_TYPE})"


def _uncast(columns: dict[str, Column]) -> dict[str, str]:
    """For each column with a type that not every text has: whether its text is not of that type."""
    return {
        name: f"{_text(name)} is not null and {identifier(name)} is null"
        for name, column in columns.items()
        if column.type not in ("text", "email", "phone")
    }


def _nulled(columns: dict[str, Column]) -> list[str]:
    return [flag for name, flag in _uncast(columns).items() if columns[name].optional]


def _miscast(columns: dict[str, Column]) -> str:
    """SQL list of the columns of a row whose text is not of their type; NULL where there is none."""
    flags = _uncast(columns)
    if not flags:
        return "cast(null as varchar[])"
    names = ", ".join(f"case when {flag} then {literal(name)} end" for name, flag in flags.items())
    some = " or ".join(f"({flag})" for flag in flags.values())
    return f"case when {some} then list_filter([{names}], lambda x: x is not null) end"


def _skip_rule(spec: ExportSpec) -> str:
    if not spec.skip:
        return "cast(null as varchar)"
    names = [
        f"({rule.rule_by})" if rule.rule_by else f"case when ({rule.when}) then {literal(rule.rule or '')} end"
        for rule in spec.skip
    ]
    first = f"coalesce({', '.join(names)})" if len(names) > 1 else names[0]
    return f"case when _problem is null then {first} end"


def _version_key(spec: ExportSpec, columns: dict[str, Column]) -> str:
    """The version columns as one text that sorts as they do; '' where there is nothing to compare."""
    if not spec.version:
        return "''"
    parts = []
    for name in spec.version:
        value, kind = identifier(name), columns[name].type
        if kind == "integer":
            # Shifted to be positive and padded, so that text order is number order.
            value = f"lpad(cast(cast({value} as hugeint) + 9223372036854775808 as varchar), 20, '0')"
        elif kind == "decimal":
            # Millionths; larger numbers than 10^24 are no version.
            shift = f"cast('1{'0' * 30}' as hugeint)"
            value = f"lpad(cast(try_cast(round({value} * 1e6) as hugeint) + {shift} as varchar), 32, '0')"
        elif kind == "timestamp":
            value = f"strftime({value}, '%Y-%m-%d %H:%M:%S.%f')"
        elif kind == "boolean":
            value = f"cast(cast({value} as integer) as varchar)"
        elif kind == "date":
            value = f"strftime({value}, '%Y-%m-%d')"
        parts.append(f"coalesce({value}, '')")
    joined = f"concat_ws(chr(31), {', '.join(parts)})" if len(parts) > 1 else parts[0]
    return f"rtrim({joined}, chr(31))" if len(parts) > 1 else joined


def _time_range(columns: dict[str, Column]) -> list[str]:
    times = [f"cast({identifier(name)} as timestamp)" for name, c in columns.items() if c.type in ("date", "timestamp")]
    if not times:
        return ["cast(null as timestamp) as time_from", "cast(null as timestamp) as time_through"]
    # least and greatest leave NULLs out.
    return [f"least({', '.join(times)}) as time_from", f"greatest({', '.join(times)}) as time_through"]


def _raw(present: Sequence[str]) -> str:
    if not present:
        return "case when problem is not null then _raw end"
    cells = ", ".join(f"{literal(name)}: {_text(name)}" for name in present)
    return f"case when problem is not null then coalesce(_raw, cast(to_json({{{cells}}}) as varchar)) end"

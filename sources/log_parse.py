r"""Lines of a known format cut into their fields: fast where a line is regular, patiently where it is not.

Tier one cuts whole blocks in Polars at the literal texts of the format: no copies, no expressions. A line is regular
when it has exactly the format's quotation marks and literals and its numbers and time are such; no escaped quotation
mark can be in it then. Tier two looks at each remaining line with escape-aware expressions: those of the file's format,
of its family, with the last quotation mark missing, with quotation marks that should have been escaped. What none of
them matches is a reject. JSON lines are taken apart by DuckDB, line by line.

The result is one frame of *records*: text fields under their kind, `time` (UTC), `status`, `bytes`, seconds.

Does not belong here: which format a file has (`log_formats.py`), what is kept of a field (`log_columns.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import unquote

import duckdb
import polars as pl

from sources.log_formats import EPOCH, EPOCH_MS, EPOCH_US, FAMILY, ISO, JsonFormat, LineFormat, LogFormat, detect

# The most patient expression may look at a line many times over; longer lines are left to the others.
MAX_STRAY_QUOTES_LINE = 16_384
# A longer one is not looked at patiently: no server writes such a request, and the patterns take half a second a megabyte.
MAX_PATIENT_LINE = 1 << 20
# From so many irregular lines on it is worth asking whether they are a regular format of their own.
_SECOND_FORMAT_LINES = 200
_ROUNDS = 3
# Up to this share of irregular lines their values are put in place one by one.
_PATCHED_SHARE = 0.1

NO_LINE = "not a line of an access log"
_NUMBERS = {
    "response_s": ("response_seconds", 1.0), "response_ms": ("response_seconds", 1e3), "response_us": ("response_seconds", 1e6),
    "response_ns": ("response_seconds", 1e9), "upstream_s": ("upstream_seconds", 1.0), "upstream_ms": ("upstream_seconds", 1e3),
    "upstream_ns": ("upstream_seconds", 1e9),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """What reading a file's lines needs to know: its format, others that may occur, the zone of times without one."""

    form: LogFormat
    others: tuple[LogFormat, ...]
    zone: str

    @property
    def line_formats(self) -> tuple[LineFormat, ...]:
        """Text formats that the lines may have, the likeliest first."""
        family = FAMILY if self.form in FAMILY else ()
        found = [item for item in (self.form, *self.others, *family) if isinstance(item, LineFormat)]
        return tuple(dict.fromkeys(found))


def parse_lines(con: duckdb.DuckDBPyConnection, lines: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Records of a block of lines (`_row`, `_line`, `text`), in order; `_problem` is set where a line is none."""
    if isinstance(source.form, JsonFormat):
        found, rest = _json_records(con, lines, source.form, source.zone)
        return _in_order([found, *(patient_records(rest, source) if rest.height else [])])
    first, good = _all_records(lines, source.form, source.zone)
    if good.all():
        return first
    rest = lines.filter(~good)
    others: list[pl.DataFrame] = []
    tried = [source.form]
    while len(tried) < _ROUNDS and (form := _another_format(rest, source.line_formats, tried)) is not None:
        found, rest = regular_records(rest, form, source.zone)
        tried.append(form)
        others.append(found)
    if rest.height:
        others.extend(patient_records(rest, source))
    patch = _in_order(others)
    if patch.height > lines.height * _PATCHED_SHARE:
        return _in_order([first.filter(good), patch])
    # Few lines are irregular: their values are put in the places of those that mean nothing.
    at = (~good).arg_true()
    missing = [name for name in patch.columns if name not in first.columns]
    whole = first.with_columns(pl.lit(None, patch.schema[name]).alias(name) for name in missing)
    columns = []
    for name in whole.columns:
        values = (
            patch[name] if name in patch.columns else pl.repeat(None, len(at), dtype=whole.schema[name], eager=True)
        )
        columns.append(whole[name].scatter(at, values.cast(whole.schema[name])))
    return pl.DataFrame(columns)


def _in_order(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    parts = [part for part in parts if part.height] or list(parts[:1])
    return parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal_relaxed").sort("_row")


def _another_format(rest: pl.DataFrame, formats: Sequence[LineFormat], tried: list[LineFormat]) -> LineFormat | None:
    """A format that most of the irregular lines have: a log may change its format at any line."""
    if rest.height < _SECOND_FORMAT_LINES:
        return None
    sample = rest["text"].gather_every(max(1, rest.height // 50)).to_list()
    found = detect(sample, [item for item in formats if item not in tried])
    return found if isinstance(found, LineFormat) and found in formats and found not in tried else None


# --- tier one --------------------------------------------------------------------------------------------------------


def regular_records(lines: pl.DataFrame, form: LineFormat, zone: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records of the regular lines, the other lines)."""
    record, good = _all_records(lines, form, zone)
    return record.filter(good), lines.filter(~good)


def _all_records(lines: pl.DataFrame, form: LineFormat, zone: str) -> tuple[pl.DataFrame, pl.Series]:
    """(a record of every line, which of them are regular; the records of others mean nothing)."""
    values, fits = cut(lines["text"], form)
    raw = pl.DataFrame([lines["_row"], lines["_line"], *(v.alias(f"g{n}") for n, v in enumerate(values))])
    record = _record(raw, form, zone)
    # A number or a time that is none: the line may be cut at the wrong places.
    good = fits & record["time"].is_not_null() & record["_numbers"].fill_null(False)
    return record.drop("_numbers"), good


def cut(text: pl.Series, form: LineFormat) -> tuple[list[pl.Series], pl.Series]:
    """Tier one: the values of each field, and which lines are regular (values of others mean nothing)."""
    segments = form.segments
    pieces = text.str.splitn('"', len(segments)).struct.unnest().get_columns() if len(segments) > 1 else [text]
    values: list[pl.Series] = []
    fits: list[pl.Series] = []
    for number, (piece, (fields, literals)) in enumerate(zip(pieces, segments, strict=True)):
        last = number == len(segments) - 1
        if number % 2 and len(fields) == 1 and literals == ("", ""):
            # The whole of what stands in quotation marks; an escape at its end means that the mark belonged to it.
            values.append(piece)
            if piece.str.ends_with("\\").any():
                fits.append(~piece.str.ends_with("\\"))
            continue
        times = [
            (item.form.count(after) if item.form and after else 0)
            for item, after in zip(fields, literals[1:], strict=True)
        ]
        with_tail = last and bool(form.tail)
        if last and not form.tail and number:
            # One quotation mark more than the format has: they may be at the wrong places.
            fits.append(~piece.str.contains('"', literal=True).fill_null(True))
        found, so_far, rest = _cut_segment(piece, literals, times, not with_tail)
        fits.extend([*so_far, *_words(form, len(values), found, number % 2 == 1)])
        values.extend(found)
        if with_tail and rest is not None:
            fits.append(rest.str.contains(f"^(?s:{form.tail})$").fill_null(False))
        elif rest is not None:
            fits.append((rest == "").fill_null(False))
    whole = fits[0] if fits else pl.Series([True] * len(text))
    for mask in fits[1:]:
        whole = whole & mask
    return values, whole


def _words(form: LineFormat, start: int, values: Sequence[pl.Series], inside: bool) -> list[pl.Series]:
    """Where values outside quotation marks are words as their kind says; elsewhere a line is cut at the wrong places.

    A blank in the user or a full stop in the ident tells of a virtual host in front, an empty value of a doubled blank.
    """
    result = []
    for index, value in enumerate(values, start):
        kind = form.fields[index].kind
        odd = {"user": " ", "protocol": " ", "ident": r"[.:]"}.get(kind)
        if odd is not None:
            found = value.str.contains(odd, literal=odd == " ")
            if found.any():
                result.append(~found.fill_null(True))
        if not inside and kind not in ("user", "prefix") and not form.literals[index].endswith("["):
            empty = value == ("-" if kind == "address" and form.fields[0].kind == "host" else "")
            if empty.any():
                result.append(~empty.fill_null(True))
    return result


def _cut_segment(
    piece: pl.Series, literals: Sequence[str], times: Sequence[int], closed: bool
) -> tuple[list[pl.Series], list[pl.Series], pl.Series | None]:
    """Cut at the literals from left to right: (values, where the piece fits so far, what is left or None for nothing).

    `times`: how often the literal after a field occurs within the field itself (a blank in a time). `closed`: nothing
    may be left. What is left is null where a literal is missing.
    """
    rest = piece
    values: list[pl.Series] = []
    fits: list[pl.Series] = []
    count = len(literals)
    # The first literal ends nothing: it is cut at like the others, and what stands before it must be empty.
    at = 0 if literals[0] else 1
    while at < count:
        literal = literals[at]
        if not literal:
            # Nothing follows the last field: it takes all there is.
            values.append(rest)
            rest = pl.select(pl.when(rest.is_not_null()).then(pl.lit(""))).to_series()
            break
        if at == count - 1 and at and closed:
            # The segment ends with this literal.
            fits.append(rest.str.ends_with(literal).fill_null(False))
            values.append(rest.str.strip_suffix(literal))
            return values, fits, None
        run = at
        while run < count and literals[run] == literal:
            run += 1
        extra = sum(times[max(0, at - 1) : run - 1])
        # The last of a run of equal literals leaves the rest, which may hold the literal again.
        pieces = rest.str.splitn(literal, run - at + extra + 1).struct.unnest().get_columns()
        place = 0
        for index in range(at, run):
            width = times[index - 1] + 1 if index else 1
            if not index:
                fits.append((pieces[0] == "").fill_null(False))
            elif width == 1:
                values.append(pieces[place])
            else:
                values.append(pl.select(pl.concat_str(pieces[place : place + width], separator=literal)).to_series())
            place += width
        rest = pieces[place]
        at = run
    return values, fits, rest


# --- tier two --------------------------------------------------------------------------------------------------------


def match_line(text: str, formats: tuple[LineFormat, ...]) -> tuple[LineFormat, tuple[str, ...]] | None:
    """Tier two: the format of one line and its values, patiently; None when it has none of the formats."""
    for form, match in _attempts(formats, len(text) <= MAX_STRAY_QUOTES_LINE):
        if found := match(text):
            return form, found.groups()
    return None


@lru_cache(64)
def _attempts(
    formats: tuple[LineFormat, ...], with_stray_quotes: bool
) -> tuple[tuple[LineFormat, Callable[[str], re.Match[str] | None]], ...]:
    """What is tried on an irregular line, in this order: all formats as they are, with blanks in the user, cut off, stray."""
    made = [(form, form.pattern(blanks=blanks)) for blanks in (False, True) for form in formats]
    made += [(form, form.pattern(blanks=True, cut_off=True)) for form in formats if form.literals[-1].endswith('"')]
    if with_stray_quotes:
        made += [(form, form.pattern(blanks=True, stray=True)) for form in formats]
    return tuple((form, pattern.match) for form, pattern in dict.fromkeys(made))


def patient_records(lines: pl.DataFrame, source: Source) -> list[pl.DataFrame]:
    """Records and rejects of irregular lines."""
    formats = source.line_formats
    found: dict[LineFormat, list[tuple[int, int, str, tuple[str, ...]]]] = {}
    rejects: list[tuple[int, int, str, str]] = []
    for row, line, text in lines.iter_rows():
        match = match_line(text, formats) if len(text) <= MAX_PATIENT_LINE else None
        if match is None:
            rejects.append((row, line, text, NO_LINE))
        else:
            found.setdefault(match[0], []).append((row, line, text, match[1]))
    parts = []
    for form, items in found.items():
        columns: dict[str, list[object]] = {
            "_row": [item[0] for item in items], "_line": [item[1] for item in items], "_raw": [item[2] for item in items],
            **{f"g{n}": [item[3][n] for item in items] for n in range(len(form.fields))},
        }  # fmt: skip
        schema = {"_row": pl.Int32, "_line": pl.Int32}
        raw = pl.DataFrame(columns, schema_overrides={name: schema.get(name, pl.String) for name in columns})
        record = _record(raw, form, source.zone).drop("_numbers")
        bad = f"the time is not of the form {form.time_form}"
        record = record.with_columns(raw["_raw"])
        parts.append(record.filter(pl.col("time").is_not_null()).drop("_raw"))
        wrong = record.filter(pl.col("time").is_null()).select("_row", "_line", "_raw")
        rejects.extend((row, line, text, bad) for row, line, text in wrong.iter_rows())
    parts.append(reject_frame(rejects))
    return [part for part in parts if part.height]


def reject_frame(rejects: Sequence[tuple[int, int, str | None, str]]) -> pl.DataFrame:
    """Lines that cannot be read, as (row, line, text, reason)."""
    schema = {"_row": pl.Int32, "_line": pl.Int32, "_raw": pl.String, "_problem": pl.String}
    return pl.DataFrame(list(rejects), schema=schema, orient="row")


# --- JSON ------------------------------------------------------------------------------------------------------------


def _json_records(
    con: duckdb.DuckDBPyConnection, lines: pl.DataFrame, form: JsonFormat, zone: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records and rejects of the lines that are JSON, the other lines)."""
    paths = ", ".join("'" + path.replace("'", "''") + "'" for _, path in form.paths)
    con.register("line_block", lines.to_arrow(compat_level=pl.CompatLevel.oldest()))
    raw = con.sql(
        f"select _row, _line, case when json_valid(text) then json_extract_string(text, [{paths}]) end as v from line_block "
        "order by _row"
    ).pl()
    con.unregister("line_block")
    names = [f"g{n}" for n in range(len(form.paths))]
    raw = raw.with_columns(pl.col("v").list.get(n, null_on_oob=True).alias(name) for n, name in enumerate(names))
    is_json = raw["v"].is_not_null()
    rest = lines.filter(~is_json)
    raw, texts = raw.filter(is_json).drop("v"), lines.filter(is_json)["text"]
    fields = tuple(item for item, _ in form.paths)
    record = _record(raw, LineFormat(form.name, fields, ("",) * (len(fields) + 1)), zone).drop("_numbers")
    asked = [f"g{n}" for n, item in enumerate(fields) if item.kind in ("request", "target", "path")]
    has_request = raw.select(pl.any_horizontal(pl.col(asked).is_not_null())).to_series()
    reason = (
        pl.when(~has_request).then(pl.lit("JSON, but not a request"))
        .when(record["time"].is_null()).then(pl.lit(f"the time is not of the form {form.time_form}"))
    )  # fmt: skip
    record = record.with_columns(reason.alias("_problem"))
    if record["_problem"].null_count() < record.height:
        bad = record["_problem"].is_not_null()
        rejects = record.select("_row", "_line", texts.alias("_raw"), "_problem").filter(bad)
        record = pl.concat([record.filter(~bad), rejects], how="diagonal_relaxed").sort("_row")
    return record.with_columns(pl.col("_problem").cast(pl.String)), rest


# --- from values to a record -----------------------------------------------------------------------------------------


def _record(raw: pl.DataFrame, form: LineFormat, zone: str) -> pl.DataFrame:
    """Values (`g0`, `g1`, …) as a record; `_numbers` tells whether all numbers are such."""
    by_kind: dict[str, list[str]] = {}
    for number, item in enumerate(form.fields):
        by_kind.setdefault(item.kind, []).append(f"g{number}")
    if "target_s" in by_kind:
        by_kind["upstream_s"] = by_kind.pop("target_s")
        by_kind.setdefault("response_s", []).extend(by_kind["upstream_s"])
    forms = [item.form for item in form.fields if item.kind == "time"]
    columns: list[pl.Expr | pl.Series] = [pl.col("_row"), pl.col("_line"), pl.lit(form.name).alias("log_format")]
    numbers: list[pl.Expr] = []
    if "time" in by_kind:
        moments = [moment(raw[name], item, zone) for name, item in zip(by_kind["time"], forms, strict=True)]
        columns.append(pl.coalesce(moments).alias("time") if len(moments) > 1 else moments[0].alias("time"))
    elif "date" in by_kind and "clock" in by_kind:
        both = raw.select(pl.concat_str([by_kind["date"][0], by_kind["clock"][0]], separator=" ")).to_series()
        columns.append(moment(both, "%Y-%m-%d %H:%M:%S", "UTC").alias("time"))
    else:
        columns.append(pl.lit(None, pl.Datetime("us")).alias("time"))
    for kind, names in by_kind.items():
        if kind in ("skip", "ident", "prefix", "time", "date", "clock"):
            continue
        if kind in ("status", "bytes"):
            text = _first(names)
            value = text.cast(pl.Int64 if kind == "bytes" else pl.Int32, strict=False)
            columns.append(value.alias(kind))
            numbers.append(value.is_not_null() | (text == "-") | text.is_null())
            if kind == "status":
                numbers.append(value.is_between(0, 999) | value.is_null())
        elif kind in _NUMBERS:
            target, unit = _NUMBERS[kind]
            columns.append(_seconds(names, unit).alias(target))
        elif kind == "timers":
            parts = pl.col(names[0]).str.split("/")
            for place, target in ((-1, "response_seconds"), (3, "upstream_seconds")):
                value = parts.list.get(place, null_on_oob=True).str.strip_prefix("+").cast(pl.Float64, strict=False)
                columns.append(pl.when(value >= 0).then(value / 1000).alias(target))
        elif kind == "address_port":
            columns.append(_first(names).str.replace(r":\d+$", "").str.strip_chars("[]").alias(kind))
        elif form.percent and kind in ("user_agent", "referrer", "cookies"):
            columns.append(_percent_decoded(raw.select(_first(names)).to_series()).alias(kind))
        elif kind == "user_agent" and form.plus:
            columns.append(_first(names).str.replace_all("+", " ", literal=True).alias(kind))
        else:
            columns.append(_first(names).alias(kind))
    columns.append(pl.all_horizontal(numbers).alias("_numbers") if numbers else pl.lit(True).alias("_numbers"))
    # What lies outside 1970 to 2100 is no time of a log.
    in_range = pl.when(pl.col("time").is_between(datetime(1970, 1, 1), datetime(2100, 1, 1))).then(pl.col("time"))
    return raw.select(columns).with_columns(in_range.alias("time"))


def _percent_decoded(values: pl.Series) -> pl.Series:
    """Values without percent encoding, which some logs apply twice; a control character is written as `\\xNN`."""
    distinct = values.unique().drop_nulls()
    encoded = distinct.filter(distinct.str.contains("%", literal=True))
    if not len(encoded):
        return values
    plain = [unquote(unquote(text)) if "%25" in text else unquote(text) for text in encoded]
    visible = [re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", text) for text in plain]
    return values.replace(encoded, pl.Series(visible, dtype=pl.String))


def _first(names: Sequence[str]) -> pl.Expr:
    """The first value that is not empty."""
    if len(names) == 1:
        return pl.col(names[0])
    given = [pl.when(~pl.col(name).is_in(["", "-"])).then(pl.col(name)) for name in names]
    return pl.coalesce(*given, pl.col(names[-1]))


def _seconds(names: Sequence[str], unit: float) -> pl.Expr:
    """The sum of durations; null where one is missing or, as a mark of having failed, negative.

    nginx writes one duration for each upstream it asked: `0.010, 0.200 : 0.050`.
    """
    total: pl.Expr | None = None
    for name in names:
        text = pl.col(name)
        value = pl.coalesce(
            text.cast(pl.Float64, strict=False),
            pl.when(text.str.contains(",| : ")).then(
                text.str.extract_all(r"\d+\.?\d*").list.eval(pl.element().cast(pl.Float64)).list.sum()
            ),
        )
        value = pl.when(value >= 0).then(value)
        total = value if total is None else total + value
    assert total is not None
    return total / unit


def moment(text: pl.Series, form: str, zone: str) -> pl.Series:
    """Times as naive UTC, null where a text is none. Times without an offset are local times of `zone`.

    A local time that occurs twice is the first of them; one that does not exist is moved forward by the gap.
    """
    if form in (EPOCH, EPOCH_MS, EPOCH_US):
        scale = {EPOCH: 1e6, EPOCH_MS: 1e3, EPOCH_US: 1.0}[form]
        micros = (text.cast(pl.Float64, strict=False) * scale).round()
        return _from_micros(micros)
    if form == "auto":
        numbers = text.cast(pl.Float64, strict=False)
        # Seconds, milliseconds or microseconds, told by their size.
        scale_of = pl.when(pl.col("n") < 1e11).then(1e6).when(pl.col("n") < 1e14).then(1e3).otherwise(1.0)
        micros = pl.DataFrame({"n": numbers}).select((pl.col("n") * scale_of).round()).to_series()
        others = [moment(text, item, zone) for item in (ISO, "%d/%b/%Y:%H:%M:%S %z", "%Y/%m/%d %H:%M:%S")]
        return pl.select(pl.coalesce(_from_micros(micros), *others)).to_series()
    if form == ISO:
        # `2026-03-04T10:00:00.5+01:00`, `… 10:00:00Z`; the sign between date and clock may be a blank.
        plain = text.str.replace(" ", "T", literal=True).str.replace(r",(\d)", ".$1")
        with_zone = plain.str.strptime(pl.Datetime("us", "UTC"), "%Y-%m-%dT%H:%M:%S%.f%#z", strict=False)
        utc = with_zone.dt.replace_time_zone(None)
        if utc.null_count() == text.null_count():
            return utc
        local = plain.str.strptime(pl.Datetime("us"), "%Y-%m-%dT%H:%M:%S%.f", strict=False)
        return pl.select(pl.coalesce(utc, to_utc(local, zone))).to_series()
    if "%z" in form:
        return text.str.strptime(pl.Datetime("us", "UTC"), form, strict=False).dt.replace_time_zone(None)
    if "%s" in form:
        return moment(text, EPOCH, zone)
    # The zone's abbreviation says too little to be believed.
    bare = form.replace(" %Z", "")
    text = text.str.replace(r" [A-Z]+$", "") if bare != form else text
    return to_utc(text.str.strptime(pl.Datetime("us"), bare, strict=False), zone)


def _from_micros(micros: pl.Series) -> pl.Series:
    """Microseconds since 1970 as times."""
    frame = pl.DataFrame({"t": micros})
    inside = pl.col("t").is_between(0, 5e15)
    return frame.select(pl.when(inside).then(pl.col("t")).cast(pl.Int64).cast(pl.Datetime("us"))).to_series()


def to_utc(local: pl.Series, zone: str) -> pl.Series:
    """Local times of a zone as naive UTC."""
    if zone in ("UTC", "Etc/UTC"):
        return local
    utc = _zoned(local, zone)
    if utc.null_count() == local.null_count():
        return utc
    shift = pl.duration(hours=3)
    earlier = pl.DataFrame({"t": local}).select(pl.col("t") - shift).to_series()
    moved = pl.DataFrame({"t": _zoned(earlier, zone)}).select(pl.col("t") + shift).to_series()
    return pl.select(pl.coalesce(utc, moved)).to_series()


def _zoned(local: pl.Series, zone: str) -> pl.Series:
    zoned = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)

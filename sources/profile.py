"""What the columns of an unknown export hold, told from their values: types with format and style, keys, words.

Belongs here: pure functions from a table of texts to profiles. Does not belong here: what a column means for a customer
(`propose.py`), how the file is read (`dialect.py`).

A type is proposed only with the pattern that the typed SELECT will use, so that nothing is guessed when a file is loaded:
the profile counts how many values fit the pattern and shows one that does not.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

import polars as pl
import pyarrow as pa

from models.normalise import EMAIL_SHAPE
from sources.spec import STYLES
from sources.typed import FALSE_WORDS, TRUE_WORDS

# Distinct values of a column that are looked at, the most frequent first.
MAX_DISTINCT = 5_000
# Values in file order, to see whether times ascend.
MAX_IN_ORDER = 400
# From this share of the values on, a type is proposed although some values do not fit it.
MOSTLY = 0.95

# Words that tools write for nothing; the first ones also where a column holds words.
_NOTHING = frozenset({"null", "\\n", "(null)", "#n/a", "n/a", "nan", "<null>", "(not set)", "undefined", "none"})
_NOTHING_IN_DATA = _NOTHING | {
    "-",
    "--",
    "—",
    "?",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "00000000",
    "na",
    "nvt",
    "n.v.t.",
    "inf",
}
_CURRENCY_SIGNS = ("€", "$", "£", "¥", "kr.", "kr", "EUR", "USD", "GBP", "DKK", "SEK", "NOK", "CHF", "%")
_ISO_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?")
_ISO_OFFSET = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)? ?(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)")
_DATE_TIME = re.compile(
    r"(?P<weekday>[^\W\d]{2,10}\.?,? )?"
    r"(?P<date>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{8}"
    r"|\d{1,2}\.?[ /-][^\W\d]{3,10}\.?,?[ /-](?:\d{4}|\d{2})|[^\W\d]{3,10}\.? \d{1,2},? \d{4})"
    r"(?:(?P<gap>T|,? (?:at |om |kl\.? |um |à )?|:)"
    r"(?P<clock>\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d{1,9})?)?|\d{6}|\d{4})(?P<half> ?[AaPp]\.?[Mm]\.?)?)?"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)
_CLOCK = re.compile(r"-?(\d{1,4}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?")
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,22}\d")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PATH = re.compile(r"/[^\s]*")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:]+:[0-9a-fA-F:]*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_AGENT = re.compile(r".*(Mozilla/|AppleWebKit|okhttp/|curl/).*")
_CURRENCIES = frozenset(
    [
        "AED",
        "ARS",
        "AUD",
        "BGN",
        "BRL",
        "CAD",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CZK",
        "DKK",
        "EGP",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "ISK",
        "JPY",
        "KES",
        "KRW",
        "MAD",
        "MXN",
        "MYR",
        "NGN",
        "NOK",
        "NZD",
        "PEN",
        "PHP",
        "PLN",
        "RON",
        "RSD",
        "RUB",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "TWD",
        "UAH",
        "USD",
        "UYU",
        "VND",
        "ZAR",
    ]
)


@dataclass(frozen=True)
class ColumnProfile:
    """One column. Counts are rows, shares 0 to 1.

    `type` is a type of the spec. `shape` says more of a text: email, phone, uuid, md5, url, path, ip, user_agent, clock,
    currency, country, code, word (few distinct short values), free (sentences), text. `nothing` are words in it that mean
    no value. `misfit_count` values are not of the type. `formats`: strptime patterns for a time, empty for ISO 8601. `order`:
    `day`, `month` or `unknown` where a date has both as numbers; `order_evidence` says why. `zone`: `in the value`, `mixed`
    or empty. `words`: the most frequent values.
    """

    name: str
    row_count: int
    filled_count: int
    distinct_count: int
    type: str
    shape: str = "text"
    formats: tuple[str, ...] = ()
    order: str = ""
    order_evidence: str = ""
    zone: str = ""
    style: str = ""
    precision: str = "second"
    decimal: str = ""
    thousands: str = ""
    strip: tuple[str, ...] = ()
    trailing_minus: bool = False
    minimum: float | None = None
    maximum: float | None = None
    misfit_count: int = 0
    misfit_example: str = ""
    mean_length: float = 0.0
    is_sampled: bool = False
    nothing: tuple[str, ...] = ()
    words: tuple[tuple[str, int], ...] = ()

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.filled_count == self.row_count == self.distinct_count and self.row_count > 0

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return self.filled_count == 0

    @property
    def fill_share(self) -> float:
        """Share of rows with a value."""
        return self.filled_count / self.row_count if self.row_count else 0.0


def profile_table(table: pa.Table) -> list[ColumnProfile]:
    """Profiles of all text columns of a table (parsed rows without `_row`, `_line`, `_raw`, `_problem`), in order."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    profiles = [_profile(name, frame.get_column(name)) for name in frame.columns]
    return _agree_on_order(_agree_on_numbers(profiles))


def _profile(name: str, series: pl.Series) -> ColumnProfile:
    values = series.cast(pl.String).str.strip_chars()
    values = values.set(values == "", None).drop_nulls()
    nothing = _nothing(values)
    if nothing:
        values = values.filter(~values.is_in(list(nothing)))
    counts = values.value_counts(sort=True)
    distinct = len(counts)
    looked = counts.head(MAX_DISTINCT)
    found = dict(zip(looked.get_column(values.name).to_list(), looked.get_column("count").to_list(), strict=True))
    base = ColumnProfile(
        name=name,
        row_count=len(series),
        filled_count=len(values),
        distinct_count=distinct,
        type="text",
        mean_length=sum(len(value) * count for value, count in found.items()) / max(1, sum(found.values())),
        is_sampled=distinct > MAX_DISTINCT,
        nothing=nothing,
        words=tuple(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:200]),
    )
    if not found:
        return replace(base, shape="empty")
    ordered = values.head(MAX_IN_ORDER).to_list()
    for kind in (_boolean, _time, _number, _json):
        result = kind(base, found, ordered)
        if result is not None:
            return result
    return replace(base, shape=_shape(base, found))


def _nothing(values: pl.Series) -> tuple[str, ...]:
    """The values that are words for nothing: where all others are data, also a dash."""
    distinct = values.unique().to_list()
    sure = {value for value in distinct if value.lower() in _NOTHING}
    maybe = {value for value in distinct if value.lower() in _NOTHING_IN_DATA} - sure
    others = [value for value in distinct[:MAX_DISTINCT] if value not in sure | maybe]
    if (
        maybe
        and others
        and all(_number_shape(value) or time_shape(value) or _ISO_LOCAL.fullmatch(value) for value in others)
    ):
        sure |= maybe
    return tuple(sorted(sure)) if others else ()


def _share(found: dict[str, int], fits: Iterable[str]) -> float:
    return sum(found[value] for value in fits) / sum(found.values())


def _misfits(base: ColumnProfile, found: dict[str, int], fits: set[str]) -> ColumnProfile:
    bad = [value for value in found if value not in fits]
    return replace(base, misfit_count=sum(found[value] for value in bad), misfit_example=bad[0] if bad else "")


# --- booleans, numbers, JSON --------------------------------------------------------------------------------------------


def _boolean(base: ColumnProfile, found: dict[str, int], _: Sequence[str]) -> ColumnProfile | None:
    words = {value.lower() for value in found}
    # 0 and 1 alone may be a count: a name decides (propose.py); here only words.
    if words <= set(TRUE_WORDS) | set(FALSE_WORDS) and not words <= {"0", "1"}:
        return replace(base, type="boolean", shape="boolean")
    return None


@lru_cache(1 << 16)
def _number_shape(value: str) -> tuple[str, str, tuple[str, ...], bool] | None:
    """(number without signs, kind, signs stripped, trailing minus); kind: int, dot, comma, dots, commas, blanks."""
    text = value
    strip: list[str] = []
    for sign in _CURRENCY_SIGNS:
        if text.startswith(sign) or text.endswith(sign) or text.startswith(("-" + sign, "+" + sign)):
            text = text.replace(sign, "", 1).strip()
            strip.append(sign)
    trailing = bool(re.fullmatch(r"[\d.,]+-", text))
    if trailing:
        text = "-" + text[:-1]
    body = text[1:] if text[:1] in "+-" else text
    body = body.replace("\xa0", " ").replace("\u202f", " ")
    for kind, pattern in (
        ("int", r"\d+"),
        ("dot", r"\d*\.\d+(?:[eE][+-]?\d+)?|\d+\.|\d+[eE][+-]?\d+"),
        ("comma", r"\d*,\d+"),
        ("commas", r"\d{1,3}(?:,\d{3})+\.\d*|\d{1,3}(?:,\d{3}){2,}"),
        ("dots", r"\d{1,3}(?:\.\d{3})+,\d*|\d{1,3}(?:\.\d{3}){2,}"),
        ("blanks", r"\d{1,3}(?: \d{3})+(?:,\d*)?"),
    ):
        if re.fullmatch(pattern, body):
            return body, kind, tuple(strip), trailing
    return None


def _number(base: ColumnProfile, found: dict[str, int], _: Sequence[str]) -> ColumnProfile | None:
    shapes = {value: _number_shape(value) for value in found}
    numbers = {value: shape for value, shape in shapes.items() if shape is not None}
    if not numbers or _share(found, numbers) < MOSTLY:
        return None
    # Zeros in front are part of a number that counts nothing: a customer number, a postal code.
    if any(shape[1] == "int" and len(shape[0]) > 1 and shape[0][0] == "0" for shape in numbers.values()):
        return None
    if any(value.startswith("+") for value in numbers) or any(len(shape[0]) > 18 for shape in numbers.values()):
        return None
    kinds = Counter(shape[1] for shape in numbers.values())
    decimal, thousands, unsure = ".", "", ""
    if kinds["dots"] or kinds["blanks"]:
        decimal, thousands = ",", " " if kinds["blanks"] else "."
    elif kinds["commas"]:
        thousands = ","
    elif kinds["comma"] and not kinds["dot"]:
        decimal = ","
        if all(re.fullmatch(r"[1-9]\d{0,2},\d{3}", shape[0]) for shape in numbers.values() if shape[1] == "comma"):
            decimal, thousands = ".", ","
            unsure = "the commas are taken for thousands: each has three digits behind it"
    elif kinds["comma"] and kinds["dot"]:
        return None
    if decimal == "," and kinds["dot"]:
        # 1.234 beside 1.234,50 is a thousand.
        if any(not re.fullmatch(r"\d{1,3}(\.\d{3})+", shape[0]) for shape in numbers.values() if shape[1] == "dot"):
            return None
        thousands = "."
    grouped = re.compile(r"\d{1,3}(,\d{3})+")
    mixed = decimal == "." and kinds["comma"] and kinds["commas"]
    if mixed and not all(grouped.fullmatch(shape[0]) for shape in numbers.values() if shape[1] == "comma"):
        return None
    plain = []
    for body, _kind, _signs, _minus in numbers.values():
        text = body.replace(" ", "").replace(thousands or "\0", "").replace(decimal, ".")
        plain.append(float(text))
    signs = sorted({sign for shape in numbers.values() for sign in shape[2]}, key=len, reverse=True)
    integers = ("int", "comma") if thousands == "," and decimal == "." and not kinds["commas"] else ("int",)
    whole = all(shape[1] in integers for shape in numbers.values()) and not signs
    kind = "integer" if whole else "decimal"
    negative = [value for value in numbers if "-" in value]
    low = min(plain) if not negative else -max(plain)
    return replace(
        _misfits(base, found, set(numbers)),
        type=kind,
        shape="number",
        decimal=decimal if not whole else "",
        thousands=thousands,
        strip=tuple(signs),
        trailing_minus=any(shape[3] for shape in numbers.values()),
        minimum=low,
        maximum=max(plain),
        order_evidence=unsure,
    )


def _json(base: ColumnProfile, found: dict[str, int], _: Sequence[str]) -> ColumnProfile | None:
    fits = {value for value in found if value[:1] in "{[" and _is_json(value)}
    if not fits or _share(found, fits) < MOSTLY:
        return None
    return replace(_misfits(base, found, fits), type="json", shape="json")


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


# --- times ---------------------------------------------------------------------------------------------------------------


def _time(base: ColumnProfile, found: dict[str, int], ordered: Sequence[str]) -> ColumnProfile | None:
    iso = {value for value in found if _ISO_LOCAL.fullmatch(value) or _ISO_OFFSET.fullmatch(value)}
    if iso and _share(found, iso) >= MOSTLY and all(value >= "0001" for value in iso):
        with_clock = any(len(value) > 10 for value in iso)
        midnight = all(re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?Z?)?", value) for value in iso)
        offsets = {value for value in iso if _ISO_OFFSET.fullmatch(value)}
        return replace(
            _misfits(base, found, iso),
            type="timestamp" if with_clock else "date",
            shape="time",
            zone="in the value" if len(offsets) == len(iso) else "mixed" if offsets else "",
            precision="day" if midnight else "second",
        )
    epoch = _epoch(base, found)
    if epoch is not None:
        return epoch
    shapes = {value: shape for value in found if (shape := time_shape(value)) is not None}
    if not shapes or _share(found, shapes) < MOSTLY:
        return None
    # Eight digits are a date only where all of them are one.
    if all(value.isdigit() for value in shapes) and not all(_is_day(value) for value in shapes):
        return None
    style = _style(shapes.values())
    if style is None:
        return None
    numeric = [shape for shape in shapes.values() if shape.numbers]
    order, evidence = _order(numeric, [time_shape(value) for value in ordered])
    formats: Counter[str] = Counter()
    for value, shape in shapes.items():
        formats[shape.pattern("month" if order == "month" else "day")] += found[value]
    chosen = tuple(pattern for pattern, _ in formats.most_common(6))
    zoned = sum(bool(shape.zone) for shape in shapes.values())
    return replace(
        _misfits(base, found, set(shapes)),
        type="timestamp" if any(shape.clock for shape in shapes.values()) else "date",
        shape="time",
        formats=chosen,
        order=order,
        order_evidence=evidence,
        zone="in the value" if zoned == len(shapes) else "mixed" if zoned else "",
        style=style,
        precision="day" if not any(shape.clock for shape in shapes.values()) else "second",
    )


def _is_day(value: str) -> bool:
    try:
        datetime.strptime(value, "%Y%m%d")
    except ValueError:
        return False
    return 1950 <= int(value[:4]) <= 2100


_EPOCHS = {10: ("epoch", 1), 13: ("epoch_ms", 1_000), 16: ("epoch_us", 1_000_000)}


def _epoch(base: ColumnProfile, found: dict[str, int]) -> ColumnProfile | None:
    """Counted seconds, milli- or microseconds between 2001 and 2035 in a column whose name speaks of time."""
    if not re.search(r"(?i)time|date|stamp|[_ ]at$|created|updated|epoch|\bts\b|tijd|datum|tid|zeit|heure", base.name):
        return None
    whole = {value: value.split(".")[0] for value in found}
    lengths = {len(value) for value in whole.values()}
    if len(lengths) != 1 or not all(value.isdigit() for value in whole.values()):
        return None
    name, scale = _EPOCHS.get(next(iter(lengths)), ("", 0))
    if not name or not all(978_307_200 <= int(value) / scale <= 2_051_222_400 for value in whole.values()):
        return None
    return replace(base, type="timestamp", shape="time", formats=(name,), zone="in the value")


@dataclass(frozen=True)
class TimeShape:
    """How one value writes a time: the parts of its pattern, and the two numbers that may be day or month."""

    weekday: str
    date: str
    numbers: tuple[int, int] | None
    month_word: str
    gap: str
    clock: str
    zone: str
    sort_key: tuple[int, ...] = ()

    def pattern(self, order: str) -> str:
        """The strptime pattern, `order` (`day` or `month`) first where both are numbers."""
        date = self.date.replace("{1}", "%d" if order == "day" else "%m").replace(
            "{2}", "%m" if order == "day" else "%d"
        )
        return f"{self.weekday}{date}{self.gap}{self.clock}{self.zone}"


@lru_cache(1 << 16)
def time_shape(value: str) -> TimeShape | None:
    """The parts of a written time, None for what is none."""
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return None
    date, clock, zone = match["date"], match["clock"] or "", match["zone"] or ""
    word = ""
    numbers: tuple[int, int] | None = None
    key: tuple[int, ...] = ()
    if re.fullmatch(r"\d{8}", date):
        if clock and not match["gap"]:
            return None
        pattern = "%Y%m%d"
    elif re.fullmatch(r"\d{4}\D.*", date):
        pattern = re.sub(r"^\d{4}(\D)\d+(\D)\d+$", r"%Y\1%m\2%d", date)
        if not (1 <= int(re.split(r"\D", date)[1]) <= 12):
            return None
    elif found := re.fullmatch(r"(\d{1,2})([-/.])(\d{1,2})([-/.])(\d{4}|\d{2})", date):
        if found[2] != found[4]:
            return None
        numbers = (int(found[1]), int(found[3]))
        if not (min(numbers) >= 1 and min(numbers) <= 12 and max(numbers) <= 31):
            return None
        pattern = f"{{1}}{found[2]}{{2}}{found[2]}{'%Y' if len(found[5]) == 4 else '%y'}"
        key = (int(found[5]), *numbers)
    else:
        words = re.findall(r"[^\W\d]+", date)
        word = words[0].casefold()
        year = "%Y" if re.search(r"\d{4}$", date) else "%y"
        pattern = re.sub(r"(\d{4}|\d{2})$", "\0", date)
        # The full stop of a month's name goes with the name when it is read.
        pattern = re.sub(r"[^\W\d]+\.?", "\1", pattern, count=1)
        pattern = re.sub(r"\d{1,2}", "%d", pattern).replace("\0", year).replace("\1", "%b")
    if clock:
        if re.fullmatch(r"\d{6}", clock):
            clock_pattern = "%H%M%S"
        elif re.fullmatch(r"\d{4}", clock):
            clock_pattern = "%H%M"
        else:
            sign = ":" if ":" in clock else "."
            pieces = re.split(r"[:.,]", clock)
            if int(pieces[0]) > 24 or int(pieces[1]) > 59:
                return None
            clock_pattern = f"%H{sign}%M"
            if len(pieces) > 2:
                clock_pattern += f"{sign}%S"
            if len(pieces) > 3:
                clock_pattern += "." + "%f" if "." in clock.rpartition(sign)[2] else ",%f"
        if match["half"]:
            clock_pattern = clock_pattern.replace("%H", "%I") + (" %p" if match["half"].startswith(" ") else "%p")
    else:
        clock_pattern = ""
    zone_pattern = ""
    if zone:
        zone_pattern = (" " if zone.startswith(" ") else "") + ("%Z" if zone.strip() in ("UTC", "GMT") else "%z")
    weekday = "%a, " if match["weekday"] and "," in match["weekday"] else "%a " if match["weekday"] else ""
    return TimeShape(weekday, pattern, numbers, word, match["gap"] or "", clock_pattern, zone_pattern, key)


def _style(shapes: Iterable[TimeShape]) -> str | None:
    """The language of the month names: '' where there are none, None where no language knows them all."""
    words = {shape.month_word for shape in shapes if shape.month_word}
    if not words:
        return ""
    for name in ("en", "nl", "da", "de", "fr"):
        known = {spelling for month in STYLES[name].months for spelling in month}
        if words <= known:
            return name
    return None


def _order(shapes: Sequence[TimeShape], ordered: Sequence[TimeShape | None]) -> tuple[str, str]:
    """(`day`, `month`, `unknown` or '' where it does not matter, why)."""
    pairs = [shape.numbers for shape in shapes if shape.numbers]
    if not pairs:
        return "", ""
    day = sum(first > 12 for first, _ in pairs)
    month = sum(second > 12 for _, second in pairs)
    if day and not month:
        return "day", f"in {day:,} of {len(pairs):,} different values the first number is above 12"
    if month and not day:
        return "month", f"in {month:,} of {len(pairs):,} different values the second number is above 12"
    if day and month:
        return "unknown", f"{day:,} values begin with a day and {month:,} with a month"
    keys = [shape.sort_key for shape in ordered if shape is not None and shape.sort_key]
    by_day = [(year, second, first) for year, first, second in keys]
    by_month = [(year, first, second) for year, first, second in keys]
    if len(set(keys)) >= 5 and _ascends(by_day) != _ascends(by_month):
        which = "day" if _ascends(by_day) else "month"
        return which, f"the rows are in order of time if the {which} stands first"
    return "unknown", f"all {len(pairs):,} different values can be read both ways"


def _ascends(keys: Sequence[tuple[int, ...]]) -> bool:
    pairs = list(pairwise(keys))
    return all(a <= b for a, b in pairs) or all(a >= b for a, b in pairs)


def _agree_on_numbers(profiles: list[ColumnProfile]) -> list[ColumnProfile]:
    """Points and commas before three digits mean what they mean in the other columns of the file."""
    sure = [profile for profile in profiles if profile.shape == "number" and not profile.order_evidence]
    commas = [p.name for p in sure if p.decimal == ","]
    points = [p.name for p in sure if p.type == "decimal" and p.decimal == "." and not _all_threes(p)]
    result = []
    for profile in profiles:
        if profile.shape == "number" and profile.order_evidence and points and not commas:
            profile = replace(profile, order_evidence="")
        elif profile.shape == "number" and profile.decimal == "." and commas and not points and _all_threes(profile):
            whole = all(not value.count(",") for value, _ in profile.words)
            profile = replace(
                profile, decimal="" if whole else ",", thousands=".", type="integer" if whole else "decimal", order_evidence="",
                minimum=(profile.minimum or 0) * 1000, maximum=(profile.maximum or 0) * 1000,
            )  # fmt: skip
        result.append(profile)
    return result


def _all_threes(profile: ColumnProfile) -> bool:
    """Whether each point in a column's numbers has three digits behind it: 1.234 may be a thousand."""
    return profile.type == "decimal" and all(
        re.fullmatch(r"\D*([1-9]\d{0,2}(\.\d{3})+|\d{1,3})\D*", value) for value, _ in profile.words
    )


def _agree_on_order(profiles: list[ColumnProfile]) -> list[ColumnProfile]:
    """Columns that leave open whether day or month stands first follow one of the same file that does not."""
    known = {profile.order for profile in profiles if profile.order in ("day", "month")}
    result = []
    for profile in profiles:
        if profile.order == "unknown" and "begin with" not in profile.order_evidence:
            if len(known) == 1:
                order = next(iter(known))
                sure = next(other.name for other in profiles if other.order == order)
                profile = _with_order(profile, order, f"as in {sure}; {profile.order_evidence}")
            else:
                half_day = any("%p" in pattern for pattern in profile.formats)
                order = "month" if half_day else "day"
                why = "month first, as a clock with AM and PM suggests" if half_day else "day first is assumed"
                profile = replace(_with_order(profile, order, f"{profile.order_evidence}; {why}"), order="unknown")
        result.append(profile)
    return result


def _with_order(profile: ColumnProfile, order: str, evidence: str) -> ColumnProfile:
    shapes = [shape for value, _ in profile.words if (shape := time_shape(value)) is not None]
    patterns = tuple(dict.fromkeys(shape.pattern(order) for shape in shapes))
    return replace(profile, order=order, order_evidence=evidence, formats=patterns or profile.formats)


# --- texts ---------------------------------------------------------------------------------------------------------------


def _shape(base: ColumnProfile, found: dict[str, int]) -> str:
    """What kind of text a column holds; see `ColumnProfile`."""
    for shape, pattern in (
        ("email", re.compile(EMAIL_SHAPE)),
        ("uuid", _UUID),
        ("md5", _MD5),
        ("url", _URL),
        ("user_agent", _AGENT),
        ("ip", _ADDRESS),
        ("path", _PATH),
    ):
        fits = {value for value in found if pattern.fullmatch(value)}
        if fits and _share(found, fits) >= 0.8:
            return shape
    clocks = {value for value in found if _CLOCK.fullmatch(value)}
    if clocks and _share(found, clocks) >= MOSTLY:
        return "clock"
    if set(found) <= _CURRENCIES:
        return "currency"
    if all(_COUNTRY.fullmatch(value) for value in found):
        return "country"
    phones = {value for value in found if _PHONE.fullmatch(value) and 7 <= sum(c.isdigit() for c in value) <= 15}
    # Ten digits with a zero in front may as well be a document number: only signs and blanks make them a telephone's.
    marked = {value for value in phones if value[0] == "+" or re.search(r"[ ()/-]", value)}
    if phones and _share(found, phones) >= 0.8 and _share(found, marked) >= 0.5:
        return "phone"
    few = base.distinct_count <= 60 and base.distinct_count <= max(3, base.filled_count / 3)
    spaces = sum(value.count(" ") * count for value, count in found.items()) / sum(found.values())
    if few and base.mean_length <= 60:
        return "word"
    if spaces >= 5 or base.mean_length > 80:
        return "free"
    if spaces < 0.05 and _share(found, [v for v in found if re.search(r"\d", v)]) > 0.8:
        return "code"
    return "word" if few else "text"


def clock_seconds(value: str) -> int | None:
    """Seconds of `1:02:03` or `02:03` (minutes and seconds)."""
    match = _CLOCK.fullmatch(value)
    if match is None:
        return None
    first, second, third = int(match[1]), int(match[2]), match[3]
    return first * 60 + second if third is None else first * 3600 + second * 60 + int(third)

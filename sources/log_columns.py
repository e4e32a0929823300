"""Records of a log as the columns that are stored: the request taken apart, the person behind it masked.

Columns and types stand in `COLUMNS`. Values of which a log has few (addresses, agents, referrers) are coded first: what is
done to them is done once for each, and the parsed file takes the codes as they are.

Does not belong here: cutting lines (`log_parse.py`), the rules of masking (`log_privacy.py`), files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from sources.log_privacy import (
    clean_paths,
    clean_referrers,
    clean_text,
    distinct_hashes,
    masked_addresses,
    minimal_query,
    names_in,
)
from sources.log_settings import LogSettings

_CODED = pa.dictionary(pa.int32(), pa.string())
COLUMNS: dict[str, pa.DataType] = {
    "time": pa.timestamp("us"), "method": _CODED, "path": _CODED, "query": _CODED, "protocol": _CODED,
    "status": pa.int32(), "bytes": pa.int64(), "referrer": _CODED, "user_agent": _CODED, "host": _CODED, "visitor": _CODED,
    "ip_masked": _CODED, "remote_user": _CODED, "cookie": _CODED, "identified": _CODED, "response_seconds": pa.float64(),
    "upstream_seconds": pa.float64(), "log_format": _CODED,
}  # fmt: skip
_REQUEST_FIELDS = {"request", "method", "target", "path", "query", "protocol"}
_REQUEST = r"^([A-Za-z_-]+) (.*?)(?: (HTTP/[0-9.]+))?$"


@dataclass(frozen=True)
class Coded:
    """A column as its distinct values and, for each row, which of them it has."""

    codes: pa.Array
    values: pl.Series

    @classmethod
    def of(cls, column: pl.Series) -> Coded:
        """Code a text column."""
        if column.null_count() == len(column):
            return cls(pa.nulls(len(column), pa.int32()), pl.Series([], dtype=pl.String))
        encoded = _arrow(column).dictionary_encode()
        return cls(encoded.indices, pl.Series(pl.from_arrow(encoded.dictionary), dtype=pl.String))

    def map(self, change: Callable[[pl.Series], pl.Series]) -> Coded:
        """The column with its distinct values changed; several may become one, or null."""
        return Coded(self.codes, change(self.values))

    def column(self) -> pl.Series:
        """The column as the texts that it is."""
        codes = pl.Series(pl.from_arrow(self.codes), dtype=pl.UInt32)
        return self.values.gather(codes) if len(self.values) else _nothing(len(codes))

    def arrow(self) -> pa.Array:
        """The column as an Arrow dictionary array."""
        values = self.values.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()).dictionary_encode()
        indices = values.indices.take(self.codes) if len(values) else pa.nulls(len(self.codes), pa.int32())
        return pa.DictionaryArray.from_arrays(indices, values.dictionary)


def request_table(records: pl.DataFrame, settings: LogSettings, salt: bytes) -> pa.Table:
    """The parsed file's rows (`_row`, `_line`, `_raw`, `_problem` and `COLUMNS`) of a block of records."""
    have = set(records.columns)
    count = records.height

    def given(name: str, dtype: pl.DataType | type[pl.DataType] = pl.String) -> pl.Series:
        return records[name] if name in have else _nothing(count, dtype)

    request = _requests(records)
    address = Coded.of(_address(records)).map(_plain_address)
    agent = Coded.of(given("user_agent")).map(_full)
    referrer = Coded.of(given("referrer")).map(lambda values: clean_referrers(_full(values), settings))
    host = _host(request["host"], given("host"))
    cookie, identified = _identity(records, settings)
    time = given("time", pl.Datetime("us"))
    masked = address.map(lambda values: masked_addresses(values, settings))
    columns: dict[str, pa.Array] = {
        "_row": _arrow(records["_row"]),
        "_line": _arrow(records["_line"]),
        "_raw": _arrow(_raw(given("_raw"), settings)).cast(pa.string()),
        "_problem": _arrow(given("_problem")).cast(pa.string()),
        "time": _arrow(time),
        "method": request["method"].arrow(),
        "path": request["path"].map(clean_paths).arrow(),
        "query": request["query"].map(lambda values: minimal_query(values, settings)).arrow(),
        "protocol": request["protocol"].arrow(),
        "status": _arrow(given("status", pl.Int32)),
        "bytes": _arrow(given("bytes", pl.Int64)),
        "referrer": referrer.arrow(),
        "user_agent": agent.arrow(),
        "host": host.arrow(),
        "visitor": _visitor(address if settings.visitor_of == "address" else masked, agent, time, salt).arrow(),
        "ip_masked": masked.arrow(),
        "remote_user": Coded.of(given("user")).map(_full).arrow(),
        "cookie": cookie.arrow(),
        "identified": identified.arrow(),
        "response_seconds": _arrow(given("response_seconds", pl.Float64)),
        "upstream_seconds": _arrow(given("upstream_seconds", pl.Float64)),
        "log_format": Coded.of(given("log_format")).arrow(),
    }
    return pa.table(columns)


def _nothing(count: int, dtype: pl.DataType | type[pl.DataType] = pl.String) -> pl.Series:
    return pl.repeat(None, count, dtype=dtype, eager=True)


def _arrow(column: pl.Series) -> pa.Array:
    return column.to_arrow(compat_level=pl.CompatLevel.newest())


def _full(values: pl.Series) -> pl.Series:
    """Texts without the marks of an empty value."""
    frame = pl.DataFrame({"v": values})
    text = pl.col("v").str.strip_chars(" ")
    return frame.select(pl.when(~text.is_in(["", "-"])).then(text)).to_series()


def _raw(raw: pl.Series, settings: LogSettings) -> pl.Series:
    if raw.null_count() == len(raw):
        return raw
    at = raw.is_not_null().arg_true()
    return raw.scatter(at, pl.Series([clean_text(text, settings) for text in raw.gather(at)], dtype=pl.String))


# --- the request -----------------------------------------------------------------------------------------------------


def _requests(records: pl.DataFrame) -> dict[str, Coded]:
    """`_request` of each record; where the whole request is one field, each distinct one is taken apart once."""
    if _REQUEST_FIELDS & set(records.columns) == {"request"}:
        whole = Coded.of(records["request"])
        parts = _request(pl.DataFrame({"request": whole.values}))
        return {name: Coded(whole.codes, parts[name]) for name in parts.columns}
    parts = _request(records)
    return {name: Coded.of(parts[name]) for name in parts.columns}


def _request(records: pl.DataFrame) -> pl.DataFrame:
    """`method`, `path`, `query`, `protocol` and the `host` that an absolute address names."""
    have = set(records.columns)
    nothing = _nothing(records.height)
    method, target, protocol = (records[n] if n in have else nothing for n in ("method", "target", "protocol"))
    whole: pl.Series | None = None
    if "request" in have:
        method2, target2, protocol2, whole = _request_line(records["request"])
        if "method" in have or "target" in have:
            pairs = ((method, method2), (target, target2), (protocol, protocol2))
            method, target, protocol = (pl.select(pl.coalesce(_full(a), b)).to_series() for a, b in pairs)
        else:
            method, target, protocol = method2, target2, protocol2
    path, query = target.str.splitn("?", 2).struct.unnest().get_columns()
    host = nothing
    absolute = ~(target.str.starts_with("/")).fill_null(True)
    if absolute.any():
        parts = target.str.extract_groups(r"^(?:[A-Za-z][\w+.-]*:)?//(?:[^/?#@]*@)?([^/?#]*)([^?#]*)").struct.unnest()
        found_host, found_path = parts.get_columns()
        is_absolute = absolute & found_host.is_not_null()
        rest = pl.when(found_path == "").then(pl.lit("/")).otherwise(found_path)
        frame = pl.DataFrame({"p": path, "h": found_host, "a": is_absolute, "r": pl.select(rest).to_series()})
        path = frame.select(pl.when("a").then(pl.col("r")).otherwise(pl.col("p"))).to_series()
        host = frame.select(pl.when("a").then(pl.col("h"))).to_series()
    if "path" in have:
        path = pl.select(pl.coalesce(_full(records["path"]), path)).to_series()
    if "query" in have:
        query = pl.select(pl.coalesce(_full(records["query"]).str.strip_prefix("?"), query)).to_series()
    if whole is not None and whole.null_count() < len(whole):
        # What is no request at all is kept as the path, so that nobody has to guess.
        path = pl.select(pl.coalesce(path, whole)).to_series()
    if "method" in have or "protocol" in have:
        method, protocol = _full(method), _full(protocol)
    frame = pl.DataFrame({"method": method, "path": path, "query": query, "protocol": protocol, "host": host})
    return frame.with_columns(pl.when(pl.col("path") != "").then(pl.col("path")).alias("path"))


def _request_line(request: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    """(method, target, protocol, the whole where it is no request) of `GET /a?b=1 HTTP/1.1`."""
    method, target, protocol = request.str.splitn(" ", 3).struct.unnest().get_columns()
    whole = _nothing(len(request))
    # Few methods and versions are in use: each is looked at once.
    versions = protocol.unique()
    good = versions.filter(versions.str.contains(r"^HTTP/[0-9.]+$").fill_null(False))
    regular = protocol.is_in(good.implode()) if len(good) else pl.repeat(False, len(request), eager=True)
    regular = regular.fill_null(False)
    words = method.unique()
    odd = words.filter(~words.str.contains(r"^[A-Za-z_-]+$").fill_null(False))
    if len(odd):
        regular = regular & ~method.is_in(odd.drop_nulls().implode())
    if not regular.all():
        at = (~regular).arg_true()
        rest = request.gather(at)
        groups = rest.str.extract_groups(_REQUEST).struct.unnest().get_columns()
        method, target, protocol = (
            column.scatter(at, group) for column, group in zip((method, target, protocol), groups, strict=True)
        )
        none = pl.DataFrame({"m": groups[0], "r": _full(rest)}).select(pl.when(pl.col("m").is_null()).then(pl.col("r")))
        whole = whole.scatter(at, none.to_series())
    return method, target, protocol, whole


def _host(absolute: Coded, logged: pl.Series) -> Coded:
    """The host asked for, in small letters and without its port; an absolute address goes before the field."""
    named = absolute.values.null_count() < len(absolute.values)
    both = pl.select(pl.coalesce(absolute.column(), logged)).to_series() if named else logged
    return Coded.of(both).map(lambda values: _full(values.str.to_lowercase().str.replace(r":\d+$", "")))


# --- the person ------------------------------------------------------------------------------------------------------


def _address(records: pl.DataFrame) -> pl.Series:
    """The client's address: that which the proxies passed on, else the one that connected."""
    have = [name for name in ("address", "address_port") if name in records.columns]
    address = records[have[0]] if have else _nothing(records.height)
    if len(have) > 1:
        given = [pl.when(~pl.col(name).is_in(["", "-"])).then(pl.col(name)) for name in have]
        address = records.select(pl.coalesce(given)).to_series()
    if "forwarded" not in records.columns:
        return address
    first = records["forwarded"].drop_nulls().str.splitn(",", 2).struct.field("field_0")
    known = ~first.is_in(["", "-", "unknown"])
    return address.scatter(records["forwarded"].is_not_null().arg_true().filter(known), first.filter(known))


def _plain_address(values: pl.Series) -> pl.Series:
    """Addresses without port, brackets and zone."""
    plain = _full(values).str.replace(r"^\[([^\]]*)\](?::\d+)?$", "$1")
    return plain.str.replace(r"^(\d+\.\d+\.\d+\.\d+):\d+$", "$1")


def _visitor(address: Coded, agent: Coded, time: pl.Series, salt: bytes) -> Coded:
    """The visitor of each row: hashed once for each distinct (address, agent, UTC day)."""
    first = time.min()
    if first is None:
        return Coded(pa.nulls(len(time), pa.int32()), pl.Series([], dtype=pl.String))
    missing = time.is_null()
    day = time.fill_null(first).to_physical().to_numpy() // 86_400_000_000
    start = int(day.min())
    offset = day - start
    span = int(offset.max()) + 1
    size = len(agent.values) + 1
    address_code = pc.fill_null(address.codes, len(address.values)).to_numpy().astype(np.int64)
    agent_code = pc.fill_null(agent.codes, len(agent.values)).to_numpy().astype(np.int64)
    key = pa.array((address_code * size + agent_code) * span + offset).dictionary_encode()
    distinct = key.dictionary.to_numpy()
    both, day_of = np.divmod(distinct, span)
    address_of, agent_of = np.divmod(both, size)
    addresses, agents = [*address.values.to_list(), None], [*agent.values.to_list(), None]
    names = {int(n): str(np.datetime64(start + int(n), "D")) for n in np.unique(day_of)}
    hashes = distinct_hashes(
        [addresses[n] for n in address_of],
        [agents[n] for n in agent_of],
        [names[n] for n in day_of.tolist()],
        salt,
    )
    codes = pc.if_else(missing.to_arrow(), pa.scalar(None, pa.int32()), key.indices) if missing.any() else key.indices
    return Coded(codes, hashes)


def _identity(records: pl.DataFrame, settings: LogSettings) -> tuple[Coded, Coded]:
    """(the cookie of type `cookie`, all that cookies and headers say about the person as JSON)."""
    sources: list[tuple[str, pl.Series]] = []
    for name, kind in settings.cookies.items():
        if f"cookie:{name}" in records.columns:
            sources.append((kind, records[f"cookie:{name}"]))
        elif "cookies" in records.columns:
            sources.append((kind, names_in(records["cookies"], name)))
    for name, kind in settings.headers.items():
        if f"header:{name.casefold()}" in records.columns:
            sources.append((kind, records[f"header:{name.casefold()}"]))
    nothing = Coded(pa.nulls(records.height, pa.int32()), pl.Series([], dtype=pl.String))
    if not sources:
        return nothing, nothing
    coded = [(kind, Coded.of(values).map(_decoded)) for kind, values in sources]
    frame = pl.DataFrame(
        [pl.Series(f"{n}", pl.from_arrow(c.arrow()), dtype=pl.String) for n, (_, c) in enumerate(coded)]
    )
    cookies = [pl.col(f"{n}") for n, (kind, _) in enumerate(coded) if kind == "cookie"]
    cookie = Coded.of(frame.select(pl.coalesce(cookies)).to_series()) if cookies else nothing
    distinct = frame.unique(maintain_order=True).filter(pl.any_horizontal(pl.all().is_not_null()))
    texts = [
        json.dumps(
            [{"type": coded[n][0], "value": value} for n, value in enumerate(row) if value is not None],
            ensure_ascii=False,
        )
        for row in distinct.iter_rows()
    ]
    named = distinct.with_columns(pl.Series("_json", texts, dtype=pl.String))
    joined = frame.join(named, on=frame.columns, how="left", nulls_equal=True, maintain_order="left")
    return cookie, Coded.of(joined["_json"])


def _decoded(values: pl.Series) -> pl.Series:
    """Values of cookies and headers, percent-decoded."""
    return _full(
        pl.Series([None if v is None else unquote_plus(v) if "%" in v else v for v in values], dtype=pl.String)
    )

"""Properties of the log parser: parsing a formatted record gives the record, and both tiers read a line alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sources.log_formats import (
    CADDY,
    CLOUDFRONT,
    EPOCH,
    ISO,
    LINE_FORMATS,
    TRAEFIK_JSON,
    LineFormat,
    json_format,
    w3c_format,
)
from sources.log_parse import NO_LINE, Source, parse_lines, patient_records, regular_records
from sources.log_strings import apache_format, nginx_format
from sources.read_log import parse_log
from sources.writing import ParsedWriter
from tests.sources.core.helpers import make_spec

OWN = (
    apache_format("own_times", '%{%Y-%m-%d}t %{%T}t.%{usec_frac}t %{%z}t|%a|"%r"|%>s|%B|%D|"%{User-Agent}i"|%v'),
    apache_format("own_parts", r'%v %h %u %t \"%m %U%q %H\" %s %O %{ms}T \"%{Referer}i\" \"%{User-Agent}i\" \"%{Cookie}i\"'),
    nginx_format(
        "own_key_value",
        'at=$time_iso8601 from=$remote_addr did="$request" got=$status len=$body_bytes_sent ua="$http_user_agent"',
    ),
    nginx_format(
        "own_epoch",
        '$msec "$request" $status $request_time "$http_referer" "$http_x_forwarded_for" $remote_user $host',
    ),
    w3c_format(
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status "
        "sc-substatus sc-win32-status time-taken"
    ),
    CLOUDFRONT,
)  # fmt: skip
FORMATS = [*LINE_FORMATS, *OWN]
# What may stand behind the fields of formats whose end is read over.
TAILS = {"aws_alb": ['"forward" "-" "-" "10.0.0.1:80" "200" "-" "-"', "a"], "common_extra": ["17", "a=b c", '0.1 "x"']}
ANY_TAIL = ['0.003 "x" [y]', "17", '- "-"', '"a" "b" "c" 0.1 .']

word = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=12).filter(lambda text: text != "-")
plain = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters='"\\'), max_size=30)
# What a server writes between quotation marks: anything, with the marks themselves escaped.
quoted = st.lists(
    st.one_of(plain, st.sampled_from([r"\"", r"\\", r"\x16\x03", "[", "] ", " - ", "%20", "+"])), max_size=5
).map(lambda parts: "".join(parts).strip())
path = st.lists(word, max_size=4).map(lambda parts: "/" + "/".join(parts))
address = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    word.map(lambda text: "h" + text.replace(".", "x") + ".example.org"),
)
moment = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2039, 1, 1))


def value_of(draw, form: LineFormat, index: int, at: datetime, offset: timedelta) -> str:
    """The text of one field, as a server writes it."""
    item = form.fields[index]
    inside = sum(literal.count('"') for literal in form.literals[: index + 1]) % 2 == 1
    local = (at + offset).replace(tzinfo=timezone(offset))
    if item.kind == "time":
        if item.form == ISO:
            return local.isoformat(timespec="seconds")
        if item.form == EPOCH:
            return f"{at.replace(tzinfo=UTC).timestamp():.3f}"
        if "%z" not in item.form:
            local = at
        text = item.form.replace("%3f", f"{at.microsecond // 1000:03d}").replace("%6f", f"{at.microsecond:06d}")
        return local.strftime(text)
    if item.kind in ("date", "clock"):
        return at.strftime("%Y-%m-%d" if item.kind == "date" else "%H:%M:%S")
    if item.kind == "request":
        return f"{draw(st.sampled_from(['GET', 'POST']))} {draw(path)}{draw(st.sampled_from(['', '?a=1', '?b=é']))} HTTP/1.1"
    if inside:
        return draw(word) if item.kind in ("method", "path", "query", "protocol") else draw(quoted)
    if item.kind == "status":
        return str(draw(st.integers(100, 599)))
    if item.kind == "bytes":
        return draw(st.one_of(st.just("-"), st.integers(0, 10**12).map(str)))
    if item.kind in ("address", "forwarded"):
        return draw(address)
    if item.kind == "address_port":
        return f"{draw(st.ip_addresses(v=4))}:{draw(st.integers(1, 65535))}"
    if item.kind.startswith(("response", "upstream")):
        return str(draw(st.integers(0, 10**6)))
    if item.kind == "timers":
        return "/".join(str(draw(st.integers(0, 10**5))) for _ in range(5))
    if item.kind == "path":
        return draw(path)
    if item.kind == "host":
        return draw(word) + draw(st.sampled_from(["", ":443"])) if item.kind == "host" else draw(word)
    if item.kind in ("ident", "user"):
        return draw(st.one_of(st.just("-"), st.text("abcxyz", min_size=1, max_size=6)))
    if item.kind == "prefix":
        return (
            draw(st.sampled_from(["", "Feb  6 12:14:14 localhost ", "{a.example|x} {} "])) if index == 0 else "0/0 {} "
        )
    return draw(word)


@st.composite
def records(draw, form: LineFormat):
    """(moment in UTC, values, line) of a record."""
    at = draw(moment).replace(microsecond=0)
    zones = st.sampled_from([timedelta(), timedelta(hours=2), timedelta(hours=-3, minutes=-30)])
    forms = "".join(item.form for item in form.fields)
    if "%6f" in forms:
        at = at.replace(microsecond=draw(st.integers(0, 999_999)))
    elif "%3f" in forms or EPOCH in forms:
        at = at.replace(microsecond=draw(st.integers(0, 999)) * 1000)
    if EPOCH in forms:
        at = max(at, datetime(2002, 1, 1))
    offset = draw(zones)
    values = [value_of(draw, form, index, at, offset) for index in range(len(form.fields))]
    line = joined(tuple(values), form)
    if form.tail:
        line += draw(st.sampled_from(TAILS.get(form.name, ANY_TAIL)))
    return at, values, line


def frame(lines: list[str]) -> pl.DataFrame:
    numbers = pl.Series(range(1, len(lines) + 1), dtype=pl.Int32)
    return pl.DataFrame({"_row": numbers, "_line": numbers, "text": pl.Series(lines, dtype=pl.String)})


def expected(form: LineFormat, values: list[str]) -> dict[str, object]:
    """What the record must say, by kind; fields that are read over and those that are made of several are left out."""
    result: dict[str, object] = {}
    for item, value in zip(form.fields, values, strict=True):
        if item.kind in (
            "address",
            "user",
            "request",
            "referrer",
            "user_agent",
            "host",
            "path",
            "query",
            "method",
            "forwarded",
        ):
            result[item.kind] = value
        elif item.kind == "status":
            result["status"] = int(value)
        elif item.kind == "bytes":
            result["bytes"] = None if value == "-" else int(value)
        elif item.kind == "address_port":
            result["address_port"] = value.rsplit(":", 1)[0]
    if form.plus and "user_agent" in result:
        result["user_agent"] = str(result["user_agent"]).replace("+", " ")
    return result


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_parsing_a_formatted_record_gives_the_record(form: LineFormat, data: st.DataObject) -> None:
    made = data.draw(st.lists(records(form), min_size=1, max_size=4))
    got = parse_lines(
        duckdb.connect(":memory:"), frame([line for _, _, line in made]), Source(form, (), "UTC")
    ).to_dicts()
    assert len(got) == len(made)
    for (at, values, line), record in zip(made, got, strict=True):
        assert record.get("_problem") is None, line
        assert record["time"] == at, line
        wanted = expected(form, values)
        assert {kind: record[kind] for kind in wanted} == wanted, line


MARKS = st.sampled_from(
    ['"', '\\"', "\\", "[", "]", " ", "-", "/", ":", "192.0.2.1", "\t", "é", "x", "7", "HTTP/1.1", '" ', ' "']
)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_what_is_regular_is_read_alike_by_both_tiers(form: LineFormat, data: st.DataObject) -> None:
    """A record damaged at random: where tier one takes it, the escape-aware expression gives the same values."""
    _, _, line = data.draw(records(form))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(line)))
        line = line[:at] + data.draw(MARKS) + line[at + data.draw(st.integers(0, 2)) :]
    lines = frame([line.rstrip()])
    regular, _ = regular_records(lines, form, "UTC")
    slow = pl.concat(patient_records(lines, Source(form, (), "UTC")), how="diagonal_relaxed").to_dicts()
    if regular.height and slow[0].get("log_format") == form.name:
        (fast,) = regular.to_dicts()
        assert {key: slow[0].get(key) for key in fast} == fast, line


def joined(values: tuple[str, ...], form: LineFormat) -> str:
    """The line that says these values."""
    return "".join(f"{a}{b}" for a, b in zip(form.literals, [*values, ""], strict=True))


@settings(max_examples=30, deadline=None)
@given(
    lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=60), max_size=6),
    data=st.data(),
)
def test_every_line_is_a_record_or_a_reject_and_harms_no_other(lines: list[str], data: st.DataObject) -> None:
    form = next(item for item in LINE_FORMATS if item.name == "combined")
    at, values, line = data.draw(records(form))
    mixed = [text for odd in lines for text in (odd or "x", line)] or [line]
    got = parse_lines(duckdb.connect(":memory:"), frame(mixed), Source(form, (), "UTC"))
    assert got["_row"].to_list() == list(range(1, len(mixed) + 1))
    good = [row for text, row in zip(mixed, got.to_dicts(), strict=True) if text == line]
    wanted = expected(form, values)
    assert all(row["time"] == at and {k: row[k] for k in wanted} == wanted for row in good)


def json_line(shape: str, at: datetime, values: dict[str, str], status: int, size: int) -> str:
    iso = at.replace(tzinfo=UTC).isoformat()
    if shape == "caddy":
        headers = {"User-Agent": [values["agent"]], "Referer": [values["referrer"]]}
        request = {"client_ip": values["address"], "method": "GET", "uri": values["path"], "proto": "HTTP/2.0",
                   "host": "a.example.org", "headers": headers}  # fmt: skip
        return json.dumps(
            {"ts": at.replace(tzinfo=UTC).timestamp(), "request": request, "status": status, "size": size}
        )
    if shape == "traefik_json":
        return json.dumps(
            {"StartUTC": iso.replace("+00:00", "Z"), "ClientHost": values["address"], "RequestMethod": "GET",
             "RequestPath": values["path"], "RequestProtocol": "HTTP/2.0", "DownstreamStatus": status,
             "DownstreamContentSize": size, "request_User-Agent": values["agent"], "request_Referer": values["referrer"]}
        )  # fmt: skip
    return json.dumps(
        {"time_iso8601": iso, "remote_addr": values["address"], "request_method": "GET", "request_uri": values["path"],
         "status": status, "body_bytes_sent": size, "http_user_agent": values["agent"], "http_referer": values["referrer"],
         "server_protocol": "HTTP/2.0"},
        ensure_ascii=False,
    )  # fmt: skip


@pytest.mark.parametrize("shape", ["caddy", "traefik_json", "nginx_json"])
@settings(max_examples=8, deadline=None)
@given(
    at=moment.map(lambda t: t.replace(microsecond=0)),
    values=st.fixed_dictionaries({"agent": plain, "referrer": quoted, "path": path, "address": address}),
    status=st.integers(100, 599),
    size=st.integers(0, 10**12),
)
def test_parsing_a_json_record_gives_the_record(
    shape: str, at: datetime, values: dict[str, str], status: int, size: int
) -> None:
    line = json_line(shape, at, values, status, size)
    form = {"caddy": CADDY, "traefik_json": TRAEFIK_JSON}.get(shape) or json_format(json.loads(line))
    got = parse_lines(duckdb.connect(":memory:"), frame([line, "{broken", line]), Source(form, (), "UTC")).to_dicts()
    assert [row["_problem"] for row in got] == [None, NO_LINE, None]
    for record in (got[0], got[2]):
        assert record["time"] == at
        assert (record["status"], record["bytes"], record["method"]) == (status, size, "GET")
        assert (record["address"], record["target"]) == (values["address"], values["path"])
        assert (record["user_agent"], record["referrer"]) == (values["agent"], values["referrer"])


FIRST_REQUEST = (datetime(2000, 1, 1), "GET", "/", None, "HTTP/1.1", 100, None, "0", None)


@settings(max_examples=25, deadline=None)
@given(
    requests=st.lists(
        st.tuples(
            moment.map(lambda at: at.replace(microsecond=0)), st.sampled_from(["GET", "POST", "PROPFIND"]),
            path.filter(lambda text: "@" not in text), st.sampled_from([None, "a=1", "b=%20", "utm_source=x&y", "=?="]),
            st.sampled_from(["HTTP/1.1", "HTTP/2.0"]), st.integers(100, 599), st.one_of(st.none(), st.integers(0, 10**12)),
            word, st.sampled_from([None, "ann"]),
        ),
        min_size=1, max_size=8,
    ),
    odd=st.lists(st.sampled_from([b"", b"\x00", b"\xff\xfe", b'"', b" \t", b"caf\xe9 \\x41"]), max_size=4),
    block=st.integers(64, 2000),
)  # fmt: skip
@example(requests=[FIRST_REQUEST], odd=[b"\xff\xfe"], block=64)
def test_a_file_of_formatted_records_gives_the_rows(tmp_path_factory, requests, odd, block) -> None:
    """From the bytes of a file, cut into blocks anywhere, with odd lines between: each request is the row that it says."""
    folder = tmp_path_factory.mktemp("rows")
    wanted, lines = [], []
    for number, (at, method, where, query, protocol, status, size, agent, user) in enumerate(requests):
        target = where if query is None else f"{where}?{query}"
        text = f'192.0.2.7 - {user or "-"} [{at:%d/%b/%Y:%H:%M:%S} +0000] "{method} {target} {protocol}" {status} '
        lines += [*odd[number : number + 1], f'{text}{"-" if size is None else size} "-" "{agent}"'.encode()]
        wanted.append((len(lines), at, method, where, query, protocol, status, size, agent, user))
    (folder / "a.log").write_bytes(b"\n".join(lines))
    spec = make_spec(folder, {"format": "log", "log": {"query": "all"}})
    with ParsedWriter(folder / "out.parquet") as writer:
        books = parse_log(folder / "a.log", spec, writer, b"salt", block)
    names = ("_line", "time", "method", "path", "query", "protocol", "status", "bytes", "user_agent", "remote_user")
    rows = [row for row in pq.read_table(folder / "out.parquet").to_pylist() if row["_problem"] is None]
    assert [tuple(row[name] for name in names) for row in rows] == wanted
    assert (books.lines, books.rows) == (len(lines), len(requests))

"""Access logs: every line is a row, a reject or blank, and nothing that names a person is in what is written."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import re
from datetime import datetime

import polars as pl
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.inspect import inspect_file
from sources.log_lines import kept_raw, raw_bytes, text_lines
from sources.log_privacy import clean_text, mask_address, masked_addresses, minimal_query, visitor_hashes
from sources.log_settings import LogSettings
from sources.read_log import Accounting, parse_log
from sources.spec import load_catalog
from sources.writing import ParsedWriter
from tests.sources.core.helpers import SHARED, make_spec, read_rows, type_rows

LOG = {"format": "log"}
LOGS = SHARED / "weblogs" / "logs"
needs_shared = pytest.mark.skipif(not LOGS.is_dir(), reason="the shared data folder is not beside the checkout")


def line(ip="192.0.2.7", user="-", time="17/May/2026:23:30:00 -0100", request="GET /a HTTP/1.1", rest='200 5 "-" "UA"'):
    return f'{ip} - {user} [{time}] "{request}" {rest}\n'


def read(tmp_path, text, salt=b"salt", block=None, log=None):
    """(accounting, rows) of a log."""
    path = tmp_path / "a.log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    spec = make_spec(tmp_path, {**LOG, "log": log or {}})
    with ParsedWriter(tmp_path / "o.parquet") as writer:
        books = parse_log(path, spec, writer, salt, *([block] if block else []))
    return books, pq.read_table(tmp_path / "o.parquet").to_pylist()


def rows_of(tmp_path, text, **options):
    return read(tmp_path, text, **options)[1]


# --- rows ------------------------------------------------------------------------------------------------------------


def test_the_fields_of_a_line(tmp_path):
    text = line(user="ann", request="GET /a?utm_source=x HTTP/1.1", rest='404 - "https://example.org/x" "UA \\"1\\""')
    row = rows_of(tmp_path, text)[0]
    want = {
        "remote_user": "ann", "time": datetime(2026, 5, 18, 0, 30), "method": "GET", "path": "/a", "query": "utm_source=x",
        "protocol": "HTTP/1.1", "status": 404, "bytes": None, "referrer": "https://example.org/x",
        "user_agent": 'UA \\"1\\"', "ip_masked": "192.0.0.0/16", "log_format": "combined", "_problem": None, "_raw": None,
    }  # fmt: skip
    assert {name: row[name] for name in want} == want


def test_the_parsed_file_is_typed_and_typing_it_again_changes_nothing(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(line() + "nonsense\n")
    columns = {
        "time": {"type": "timestamp", "required": True},
        "status": {"type": "integer"},
        "response_seconds": {"type": "decimal"},
    }
    spec = make_spec(tmp_path, LOG, columns=columns, repeats=True)
    good, bad = type_rows(path, spec)
    assert (good["time"], good["status"], good["path"], good["problem"]) == (
        datetime(2026, 5, 18, 0, 30),
        200,
        "/a",
        None,
    )
    assert (bad["problem"]["reason"], bad["raw"]) == ("not a line of an access log", "nonsense")
    schema = pq.read_schema(tmp_path / "a.log.parsed.parquet")
    assert [str(schema.field(name).type) for name in ("time", "status", "bytes", "user_agent")] == [
        "timestamp[us]", "int32", "int64", "string",
    ]  # fmt: skip


def test_both_ways_of_reading_give_the_same_row(tmp_path):
    """A line with a virtual host goes the patient way; without it, the fast way."""
    plain, patient = rows_of(tmp_path, line() + "www.example.org:443 " + line())
    differing = {"_row": 0, "_line": 0, "log_format": "", "host": ""}
    assert {**plain, **differing} == {**patient, **differing}
    assert (patient["host"], patient["log_format"]) == ("www.example.org", "vhost_combined")


@pytest.mark.parametrize(
    ("request_line", "got"),
    [
        ("GET /a b c HTTP/1.1", ("GET", "/a b c", "HTTP/1.1", None)),
        ("GET /", ("GET", "/", None, None)),
        ("GET https://shop.example.org:8443/a?gclid=1 HTTP/1.1", ("GET", "/a", "HTTP/1.1", "shop.example.org")),
        ("CONNECT shop.example.org:443 HTTP/1.1", ("CONNECT", "shop.example.org:443", "HTTP/1.1", None)),
        ("OPTIONS * HTTP/1.0", ("OPTIONS", "*", "HTTP/1.0", None)),
        (r"\x16\x03\x01", (None, r"\x16\x03\x01", None, None)),
        ("-", (None, None, None, None)),
        ("", (None, None, None, None)),
        ("GET /a;jsessionid=0815?x=1 HTTP/1.1", ("GET", "/a", "HTTP/1.1", None)),
        ("GET //a HTTP/1.1", ("GET", "//a", "HTTP/1.1", None)),
    ],
)
def test_requests(tmp_path, request_line, got):
    row = rows_of(tmp_path, line(request=request_line))[0]
    assert row["_problem"] is None
    assert (row["method"], row["path"], row["protocol"], row["host"]) == got


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (line(user="ann berg"), "remote_user", "ann berg"),
        (line().replace(" - - [", " - ["), "remote_user", None),
        (line(rest='200 5 "-" "says "hello" to you"'), "user_agent", 'says "hello" to you'),
        (line(rest='200 5 "-" "Mozilla/5.0 (cut'), "user_agent", "Mozilla/5.0 (cut"),
        (line(rest='200 5 "-" "x\\\\"'), "user_agent", r"x\\"),
        (line(ip="2001:db8:aaaa:bbbb::1"), "ip_masked", "2001:db8:aaaa::/48"),
        (line(ip="client.example.org"), "ip_masked", None),
    ],
)
def test_odd_lines_are_read_right(tmp_path, text, name, value):
    rows = rows_of(tmp_path, line() + text + line())
    assert [row["_problem"] for row in rows] == [None] * 3
    assert rows[1][name] == value
    assert rows[2]["path"] == "/a"


# --- every line is accounted for -------------------------------------------------------------------------------------


def test_every_line_is_a_row_a_reject_or_blank(tmp_path):
    text = line() + "\n  \nbad\n" + line(time="32/May/2026:23:30:00 +0000") + "\t\n" + line().rstrip("\n")
    books, rows = read(tmp_path, text)
    assert books == Accounting(lines=7, rows=2, rejects=2, blanks=3)
    assert [(row["_row"], row["_line"], row["_problem"]) for row in rows] == [
        (1, 1, None), (2, 4, "not a line of an access log"), (3, 5, "the time is not of the form %d/%b/%Y:%H:%M:%S %z"),
        (4, 7, None),
    ]  # fmt: skip


def test_blocks_may_cut_anywhere(tmp_path):
    text = (
        line() + "bad line\n\n" + line(ip="2001:db8::1") + line(request="GET /caf\xe9 HTTP/1.1").replace("UA", "x\0y")
    )
    text = text.rstrip("\n").encode("latin-1")
    books, whole = read(tmp_path, text)
    assert [row["path"] for row in whole] == ["/a", None, "/a", "/caf\\xe9"]
    assert whole[3]["user_agent"] == "x\\x00y"
    for block in (10, 100, 173, 400):
        assert read(tmp_path, text, block=block) == (books, whole)


def test_bytes_that_are_no_text_are_kept_visible_in_rejects(tmp_path):
    (row,) = rows_of(tmp_path, b"\x16\x03\x01 caf\xe9 \x1b[31m\r\n")
    assert (row["_problem"], row["_raw"]) == ("not a line of an access log", r"\x16\x03\x01 caf\xe9 \x1b[31m")


def test_the_bytes_of_a_reject_can_be_had_again(tmp_path):
    lines = [
        b"\x16\x03\x01 caf\xe9 \x1b[31m \t ",
        rb"as servers write \x16\x03, \xZZ and \\",
        b"a\rb \xc3\xa9 \xff",
        b"\0",
    ]
    text = line().encode() + b"".join(item + b"\n\n" + line().encode() for item in lines)
    rejects = [row for row in rows_of(tmp_path, text) if row["_problem"]]
    assert [raw_bytes(row["_raw"]) for row in rejects] == lines
    assert [row["_line"] for row in rejects] == [2, 5, 8, 11]


@given(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")))
def test_any_bytes_are_kept(raw):
    text = kept_raw(raw)
    assert raw_bytes(text) == raw
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text)


def test_a_carriage_return_ends_a_line_only_before_its_end(tmp_path):
    rows = rows_of(tmp_path, line().replace("\n", "\r\n") + line(rest='200 5 "-" "a\rb"'))
    assert [row["user_agent"] for row in rows] == ["UA", "a\\x0db"]


def test_a_line_of_a_megabyte_is_read_and_one_of_twenty_is_rejected_alone(tmp_path):
    long = line(request="GET /" + "a" * 1_000_000 + " HTTP/1.1")
    endless = line(request="GET /" + "b" * 20_000_000 + " HTTP/1.1")
    books, rows = read(tmp_path, line() + long + endless + line(), block=1 << 20)
    assert books == Accounting(lines=4, rows=3, rejects=1)
    assert len(rows[1]["path"]) == 1_000_001
    assert rows[2]["_problem"].startswith("a line of more than 16,777,216 bytes")
    assert rows[2]["_raw"].startswith('192.0.0.0/16 - - [17/May/2026:23:30:00 -0100] "GET /bbb')
    assert (rows[3]["_line"], rows[3]["path"]) == (4, "/a")


@pytest.mark.parametrize(
    ("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.compress)]
)
def test_compressed_logs(tmp_path, ending, pack):
    path = tmp_path / f"access.log{ending}"
    path.write_bytes(pack((line() * 3).encode()))
    result, rows = read_rows(path, make_spec(tmp_path, LOG))
    assert (result.row_count, result.problem_count) == (3, 0)
    assert {row["path"] for row in rows} == {"/a"}


def test_a_log_that_breaks_off_says_so(tmp_path):
    packed = gzip.compress("".join(line(request=f"GET /{n} HTTP/1.1") for n in range(20_000)).encode())
    path = tmp_path / "a.log.gz"
    path.write_bytes(packed[: len(packed) // 2])
    result, rows = read_rows(path, make_spec(tmp_path, LOG))
    assert 5_000 < result.row_count < 20_000
    assert "breaks off" in rows[-1]["_problem"]


def test_a_file_without_any_request_is_all_rejects(tmp_path):
    books, rows = read(tmp_path, "one\ntwo\n")
    assert (books.rejects, len(rows)) == (2, 2)


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "form", "rejects"),
    [
        ("advertools_combined_no_errors.log", "combined", 0),
        ("advertools_combined_with_errors.log", "combined", 4),
        ("advertools_nginx_access.log", "combined", 0),
        ("advertools_dreamhost_apache_access.log", "combined", 0),
        ("advertools_nginx_custom_date.log", "common", 20),  # a time of no known form
        ("advertools_combined_latin1_enc.log", "combined", 30),  # its last 30 lines are compressed bytes
        ("apachelogs_vhost_combined.log", "vhost_combined", 1),
        ("elastic_apache_logs.combined.log", "combined", 0),
        ("crowdsec/nginx_http-logs.log", "combined", 1),  # a line of an error log
        ("crowdsec/apache2-logs.log", "combined", 2),  # two of them
        ("crowdsec/aws-alb-logs.log", "aws_alb", 0),
        ("crowdsec/aws-cloudfront-logs.log", "cloudfront", 0),
        ("crowdsec/caddy-logs.log", "caddy", 1),  # a line of another logger
    ],
)
def test_every_line_of_real_logs_is_accounted_for(tmp_path, name, form, rejects):
    content = (LOGS / name).read_bytes()
    books, rows = read(tmp_path, content)
    lines = content.split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines
    assert books.lines == len(lines)
    assert books.blanks == sum(not item.strip() for item in lines)
    assert books.rejects == rejects
    assert books.lines == books.rows + books.rejects + books.blanks + books.directives
    assert sorted(row["_line"] for row in rows) == [n for n, item in enumerate(lines, 1) if item.strip()]
    assert all(row["time"] and row["visitor"] for row in rows if not row["_problem"])
    assert form in {row["log_format"] for row in rows} or rejects == len(rows)


@needs_shared
@pytest.mark.shared
def test_a_real_log_with_times_of_its_own_is_read_by_the_format_string_that_is_declared(tmp_path):
    own = '%h %l %u [%{%B %d, %YT%H:%M:%S %z}t] "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
    content = (LOGS / "advertools_nginx_custom_date.log").read_bytes()
    books, rows = read(tmp_path, content, log={"formats": [{"name": "own_date", "apache": own}]})
    assert books == Accounting(lines=20, rows=20)
    assert (rows[0]["time"], rows[0]["log_format"]) == (datetime(2021, 11, 23, 0, 18, 22), "own_date")


@needs_shared
@pytest.mark.shared
def test_the_report_names_the_format():
    report = inspect_file(LOGS / "crowdsec" / "aws-alb-logs.log", load_catalog(), b"salt")
    assert report.recognition.exports == ("access_log.request",)
    assert report.to_json()["log_format"] == "aws_alb"
    assert "requests in the format aws_alb" in report.to_text()


def test_lines_as_slices_of_a_block():
    block = b"short\n" + "ä".encode() * 20 + b"\n\n  \nexactly12byt\nend\n"
    frame, ends = text_lines(block, 1, 10)
    assert len(ends) == 6
    assert frame.rows() == [(1, 10, "short"), (2, 11, "ä" * 20), (3, 14, "exactly12byt"), (4, 15, "end")]


PIECES = [
    b"a",
    b" ",
    b"\t",
    b"\r",
    b"\0",
    b"\x1b",
    b"\xc3\xa9",
    b"\xe9",
    b"\xff",
    b"\\x41",
    b"\n",
    b"\n",
    b"word word ",
    b"x" * 40,
]


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=60), window=st.integers(1, 200), sampled=st.integers(1, 50))
def test_lines_of_a_block_one_by_one(pieces, window, sampled):
    """However bytes above ASCII are looked for: each line is what it is alone."""
    block = b"".join(pieces) + b"\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sources.log_lines._WINDOW", window)
        patch.setattr("sources.log_lines._SAMPLED", sampled)
        frame, ends = text_lines(block, 1, 1)
    alone = [(n, item.rstrip(b" \r\t")) for n, item in enumerate(block.split(b"\n")[:-1], 1)]
    assert frame["_line"].to_list() == [n for n, item in alone if item]
    assert len(ends) == len(alone)
    for text, (_, item) in zip(frame["text"], [pair for pair in alone if pair[1]], strict=True):
        visible = item.decode("utf-8", "backslashreplace")
        assert text == re.sub(r"[\x00-\x08\x0b-\x1f]", lambda sign: f"\\x{ord(sign[0]):02x}", visible)


# --- the person ------------------------------------------------------------------------------------------------------


def test_a_visitor_is_one_address_and_agent_on_one_utc_day_under_one_salt(tmp_path):
    text = (
        line(time="17/May/2026:23:59:00 +0000")
        + line(time="18/May/2026:01:30:00 +0200", request="POST /b HTTP/1.1")  # still the 17th in UTC
        + line(time="18/May/2026:00:00:01 +0000")
        + line(ip="192.0.2.8", time="17/May/2026:23:59:00 +0000")
        + line(time="17/May/2026:23:59:00 +0000", rest='200 5 "-" "Other"')
    )
    visitors = [row["visitor"] for row in rows_of(tmp_path, text)]
    assert visitors[0] == visitors[1]
    assert len(set(visitors)) == 4
    assert not set(visitors) & {row["visitor"] for row in rows_of(tmp_path, text, salt=b"other")}
    # The hash by hand: SHA-256 over the salt in hex, address, agent and UTC day.
    text = "\x1f".join([b"salt".hex(), "192.0.2.7", "UA", "2026-05-17"])
    assert visitors[0] == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_visitors_of_the_masked_address_are_fewer(tmp_path):
    text = line() + line(ip="192.0.99.1") + line(ip="198.51.100.1")
    by_address = [row["visitor"] for row in rows_of(tmp_path, text)]
    by_network = [row["visitor"] for row in rows_of(tmp_path, text, log={"visitor_of": "masked_address"})]
    assert (len(set(by_address)), len(set(by_network))) == (3, 2)
    assert by_network[0] == visitor_hashes([("192.0.0.0/16", "UA", "2026-05-18")], b"salt")[0]


@pytest.mark.parametrize(
    ("address", "bits", "masked"),
    [
        ("192.0.2.200", (16, 48), "192.0.0.0/16"),
        ("192.0.2.200", (24, 48), "192.0.2.0/24"),
        ("192.0.2.200", (20, 48), "192.0.0.0/20"),
        ("192.0.2.200", (0, 48), "0.0.0.0/0"),
        ("192.0.2.200", (32, 48), "192.0.2.200/32"),
        ("2001:db8:aaaa:bbbb::1", (16, 48), "2001:db8:aaaa::/48"),
        ("2001:db8:aaaa:bbbb::1", (16, 64), "2001:db8:aaaa:bbbb::/64"),
        ("::ffff:192.0.2.1", (16, 48), "192.0.0.0/16"),
        ("fe80::1%eth0", (16, 48), "fe80::/48"),
        ("host.example.org", (16, 48), None),
        ("192.0.2.256", (16, 48), None),
        ("1.2.3.4.5", (16, 48), None),
    ],
)
def test_addresses_are_masked(address, bits, masked):
    assert mask_address(address, *bits) == masked
    settings = LogSettings(ipv4_bits=bits[0], ipv6_bits=bits[1])
    assert masked_addresses(pl.Series([address, None, address]), settings).to_list() == [masked, None, masked]


def test_no_address_is_in_what_is_written(tmp_path):
    secret = ["203.0.113.77", "2001:db8:7:7::77", "10.9.8.7"]
    text = (
        line(ip=secret[0]) + line(ip=secret[1]) + f"{secret[0]} broken {secret[1]}\n"
        + line(rest=f'200 5 "-" "UA" "{secret[2]}, {secret[0]}"') + line(ip=secret[2])
    )  # fmt: skip
    rows_of(tmp_path, text)
    written = (tmp_path / "o.parquet").read_bytes()
    values = repr(pq.read_table(tmp_path / "o.parquet").to_pylist())
    for address in secret:
        assert address not in values
        assert address.encode() not in written


def test_only_campaigns_and_click_ids_are_kept_of_a_query(tmp_path):
    request = (
        "GET /a?email=ann@example.org&utm_source=news&gclid=Cj0&page=2&utm_campaign=spring+tea&token=s3cret HTTP/1.1"
    )
    referrer = "https://ann:pw@example.net/p?session=1&utm_source=x#frag"
    row = rows_of(tmp_path, line(request=request, rest=f'200 5 "{referrer}" "UA"'))[0]
    assert row["query"] == "utm_source=news&gclid=Cj0&utm_campaign=spring+tea"
    assert row["referrer"] == "https://example.net/p?utm_source=x"
    values = repr(pq.read_table(tmp_path / "o.parquet").to_pylist())
    assert not [secret for secret in ("ann", "s3cret", "session", "page") if secret in values]


@pytest.mark.parametrize(
    ("query", "settings", "kept"),
    [
        ("a=1&utm_medium=email&amp;utm_source=x", {}, "utm_medium=email&utm_source=x"),
        ("UTM_Source=x&GCLID=1", {}, "UTM_Source=x&GCLID=1"),
        ("xgclid=1&utmsource=2", {}, None),
        ("order=W1&a=2", {"keep_parameters": ("order",)}, "order=W1"),
        ("utm_source=ann%40example.org&utm_medium=x", {}, "utm_source=…&utm_medium=x"),
        ("q=green+tea&page=2", {"search_parameters": ("q",)}, "q=green+tea"),
        ("q=ann@example.org", {"search_parameters": ("q",)}, "q=…"),
        ("q=order+0612+345+678&utm_source=x", {"search_parameters": ("q",)}, "q=…&utm_source=x"),
        ("a=1&gclid=2", {"query": "none"}, None),
        ("a=1&b=2", {"query": "all"}, "a=1&b=2"),
        ("", {}, None),
    ],
)
def test_what_is_kept_of_a_query(query, settings, kept):
    found = minimal_query(pl.Series([None, query, "b=2"], dtype=pl.String), LogSettings(**settings))
    assert found.to_list()[:2] == [None, kept]


def test_an_e_mail_address_in_a_path_is_withheld(tmp_path):
    rows = rows_of(
        tmp_path,
        "".join(line(request=f"GET {p} HTTP/1.1") for p in ("/u/ann@example.org/x", "/u/ann.b%40example.org", "/@ann")),
    )
    assert [row["path"] for row in rows] == ["/u/…/x", "/u/…", "/@ann"]


def test_a_rejected_line_is_kept_without_what_names_a_person():
    raw = (
        '192.0.2.7 - - [bad] "GET /a?email=ann@example.org&utm_source=x HTTP/1.1" 2001:db8:1:2::7 12:30:15 v1.2.3 '
        "from bob@example.net"
    )
    assert clean_text(raw, LogSettings()) == (
        '192.0.0.0/16 - - [bad] "GET /a?email=…&utm_source=x HTTP/1.1" 2001:db8:1::/48 12:30:15 v1.2.3 from …'
    )
    text = clean_text('{"Cookie":["sid=1"],"x-api-token":"abc","ok":"1"}', LogSettings())
    assert json.loads(text) == {"Cookie": "…", "x-api-token": "…", "ok": "1"}

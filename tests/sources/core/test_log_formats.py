"""Formats of access logs: told by the first lines, and read from the format strings of Apache and nginx."""

from __future__ import annotations

import json
from datetime import datetime

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from sources.log_formats import detect
from sources.log_settings import LogSettings
from sources.log_strings import LogFormatError, apache_format, nginx_format
from sources.read_log import parse_log
from sources.writing import ParsedWriter
from tests.sources.core.helpers import make_spec

COMBINED = '192.0.2.7 - ann [17/May/2026:23:30:00 -0100] "GET /a?b=1 HTTP/1.1" 200 5 "https://example.net/x" "UA (1)"'
IIS = (
    "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2026-05-18 00:30:00\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status "
    "sc-substatus sc-win32-status time-taken\n"
    "2026-05-18 00:30:00 198.51.100.1 GET /a b=1 443 ann 192.0.2.7 UA+(1) https://example.net/x 200 0 0 1250\n"
)
# One request of the same person as each server writes it: name of the format, lines, what differs from the others.
REQUEST = {
    "time": datetime(2026, 5, 18, 0, 30), "method": "GET", "path": "/a", "query": "b=1", "protocol": "HTTP/1.1", "status": 200,
    "bytes": 5, "referrer": "https://example.net/x", "user_agent": "UA (1)", "remote_user": "ann", "ip_masked": "192.0.0.0/16",
    "host": None, "response_seconds": None, "upstream_seconds": None,
}  # fmt: skip
SERVERS = [
    ("combined", COMBINED, {}),
    ("common", COMBINED.split(' "https')[0], {"referrer": None, "user_agent": None}),
    ("combinedio", COMBINED + " 312 512", {}),
    ("combined_forwarded", COMBINED.replace("192.0.2.7", "10.1.1.1") + ' "192.0.2.7, 10.1.1.1"', {}),
    ("combined_extra", COMBINED + ' 0.003 "x" [y]', {}),
    ("vhost_combined", "Shop.example.org:443 " + COMBINED, {"host": "shop.example.org"}),
    ("vhost_combined_extra", "shop.example.org " + COMBINED + " 17", {"host": "shop.example.org"}),
    ("traefik", COMBINED + ' 42 "shop@docker" "http://10.0.0.5:80" 120ms', {"response_seconds": 0.12}),
    (
        "nginx_ingress", COMBINED + " 444 0.250 [shop-80] [] 10.0.0.5:80 5 0.200 200 0a1b",
        {"response_seconds": 0.25, "upstream_seconds": 0.2},
    ),
    ("iis", IIS, {"response_seconds": 1.25, "bytes": None, "protocol": None}),
    (
        "cloudfront",
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
        "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes "
        "time-taken x-forwarded-for\n"
        "2026-05-18\t00:30:00\tAMS1\t5\t192.0.2.7\tGET\td1.cloudfront.example.org\t/a\t200\thttps://example.net/x\tUA%2520(1)\t"
        "b=1\t-\tHit\tabc\tshop.example.org\thttps\t62\t0.113\t-\n",
        {"host": "shop.example.org", "response_seconds": 0.113, "protocol": None, "remote_user": None},
    ),
    (
        "aws_alb",
        "https 2026-05-18T00:30:00.500000Z app/shop/1 192.0.2.7:4711 10.0.0.1:80 0.010 0.200 0.001 200 200 34 5 "
        '"GET https://shop.example.org:443/a?b=1 HTTP/1.1" "UA (1)" ECDHE TLSv1.2 arn:x "Root=1" "shop.example.org" "arn:y" 1 '
        '2026-05-18T00:30:00.000000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"',
        {"host": "shop.example.org", "response_seconds": 0.211, "upstream_seconds": 0.2, "referrer": None, "remote_user": None},
    ),
    (
        "haproxy",
        "May 18 00:30:00 lb haproxy[14389]: 192.0.2.7:33317 [18/May/2026:00:30:00.000] http-in static/srv1 10/0/30/69/109 200 5 "
        '- - ---- 1/1/1/1/0 0/0 {shop.example.org} {} "GET /a?b=1 HTTP/1.1"',
        {"response_seconds": 0.109, "upstream_seconds": 0.069, "referrer": None, "user_agent": None, "remote_user": None},
    ),
    (
        "caddy",
        json.dumps(
            {"level": "info", "ts": 1779064200.0, "logger": "http.log.access", "request": {"remote_ip": "10.1.1.1",
             "client_ip": "192.0.2.7", "proto": "HTTP/1.1", "method": "GET", "host": "shop.example.org", "uri": "/a?b=1",
             "headers": {"User-Agent": ["UA (1)"], "Referer": ["https://example.net/x"]}}, "user_id": "ann", "duration": 0.5,
             "size": 5, "status": 200}
        ),
        {"host": "shop.example.org", "response_seconds": 0.5},
    ),
    (
        "traefik_json",
        json.dumps(
            {"ClientHost": "192.0.2.7", "ClientUsername": "ann", "DownstreamContentSize": 5, "DownstreamStatus": 200,
             "Duration": 250000000, "OriginDuration": 200000000, "RequestHost": "shop.example.org", "RequestMethod": "GET",
             "RequestPath": "/a?b=1", "RequestProtocol": "HTTP/1.1", "StartUTC": "2026-05-18T00:30:00.000000001Z",
             "request_User-Agent": "UA (1)", "request_Referer": "https://example.net/x"}
        ),
        {"host": "shop.example.org", "response_seconds": 0.25, "upstream_seconds": 0.2},
    ),
    (
        "nginx_json",
        json.dumps(
            {"time_local": "17/May/2026:23:30:00 -0100", "remote_addr": "192.0.2.7", "remote_user": "ann", "status": "200",
             "request": "GET /a?b=1 HTTP/1.1", "body_bytes_sent": "5", "http_referer": "https://example.net/x",
             "http_user_agent": "UA (1)", "request_time": "0.250", "upstream_response_time": "0.100, 0.100 : 0.050"}
        ),
        {"response_seconds": 0.25, "upstream_seconds": 0.25},
    ),
]  # fmt: skip


def rows_of(tmp_path, text, log=None, **keys):
    path = tmp_path / "a.log"
    path.write_text(text, encoding="utf-8")
    spec = make_spec(tmp_path, {"format": "log", "log": {"query": "all", **(log or {})}, **keys})
    with ParsedWriter(tmp_path / "out.parquet") as writer:
        parse_log(path, spec, writer, b"salt")
    return pq.read_table(tmp_path / "out.parquet").to_pylist()


@pytest.mark.parametrize(("name", "text", "differing"), SERVERS, ids=[name for name, _, _ in SERVERS])
def test_one_request_as_each_server_writes_it(tmp_path, name, text, differing):
    found = detect(text.splitlines())
    assert found is not None
    assert found.name == name
    (row,) = rows_of(tmp_path, text + "\n")
    assert row["_problem"] is None
    assert row["log_format"] == name
    want = {**REQUEST, **differing}
    got = {key: round(row[key], 6) if isinstance(row[key], float) else row[key] for key in want}
    assert got == want


def test_fields_of_a_w3c_log_change_in_the_middle(tmp_path):
    fields = "#Fields: time date c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n"
    rest = fields + "00:30:07 2026-05-18 192.0.2.9 POST /b 404 X+Y\n"
    rows = rows_of(tmp_path, IIS + rest + "\n" + IIS + "broken\n")
    assert [(row["_line"], row["method"], row["path"], row["status"]) for row in rows] == [
        (5, "GET", "/a", 200), (7, "POST", "/b", 404), (13, "GET", "/a", 200), (14, None, None, None),
    ]  # fmt: skip
    assert (rows[1]["time"], rows[1]["user_agent"]) == (datetime(2026, 5, 18, 0, 30, 7), "X Y")
    assert rows[3]["_problem"] == "not a line of an access log"


def test_a_log_changes_its_format_in_the_middle(tmp_path):
    """The change is found by itself, and the second half is read as fast as the first."""
    vhost = "shop.example.org " + COMBINED
    rows = rows_of(tmp_path, (COMBINED + "\n") * 300 + (vhost + "\n") * 400)
    assert [row["log_format"] for row in rows] == ["combined"] * 300 + ["vhost_combined"] * 400
    assert [row["host"] for row in rows] == [None] * 300 + ["shop.example.org"] * 400
    assert {row["user_agent"] for row in rows} == {"UA (1)"}


@pytest.mark.parametrize(
    "lines",
    [
        ["order_id,status,time", "1,paid,2026-05-18T00:30:00Z"],
        ['{"id": 1, "status": "open", "url": "https://example.org", "time": "2026-05-18T00:30:00Z"}'],
        ["Dear Ann,", "your visit of 17 May", 'says "GET well soon" 200 times'],
        ["#Fields: nonsense"],
        [],
    ],
)
def test_other_files_are_no_access_logs(lines):
    assert detect(lines) is None


APACHE = 'LogFormat "%h %l %u %t \\"%r\\" %>s %b %D %I %{X-User}i %{SID}C \\"%{User-agent}i\\" %p %A" shop'
LINE = '192.0.2.7 - - [18/May/2026:00:30:00 +0000] "GET /a HTTP/1.1" 200 5 250000 17 u-1 s%2F1 "UA (1)" 443 10.0.0.1'


def test_an_apache_directive_with_cookie_header_and_microseconds(tmp_path):
    log = {
        "formats": [{"name": "shop", "apache": APACHE}],
        "cookies": {"SID": "cookie"},
        "headers": {"X-User": "login"},
    }
    (row,) = rows_of(tmp_path, LINE + "\n", log)
    assert (row["log_format"], row["response_seconds"], row["cookie"]) == ("shop", 0.25, "s/1")
    assert json.loads(row["identified"]) == [{"type": "cookie", "value": "s/1"}, {"type": "login", "value": "u-1"}]


@pytest.mark.parametrize(
    ("text", "line", "time"),
    [
        (
            '%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t %h "%r" %s',
            '17/May/2026 23:30:00.125 -0100 192.0.2.7 "GET /a HTTP/1.1" 200',
            125000,
        ),
        ('%{begin:%F}t %{%H:%M:%S}t %a "%r" %s', '2026-05-18 00:30:00 192.0.2.7 "GET /a HTTP/1.1" 200', 0),
        ('%{sec}t %a "%r" %s', '1779064200 192.0.2.7 "GET /a HTTP/1.1" 200', 0),
        ('%{msec}t %a "%r" %s', '1779064200125 192.0.2.7 "GET /a HTTP/1.1" 200', 125000),
        ('%{usec}t %a "%r" %s', '1779064200125001 192.0.2.7 "GET /a HTTP/1.1" 200', 125001),
    ],
)
def test_times_of_apache(tmp_path, text, line, time):
    (row,) = rows_of(tmp_path, line + "\n", {"formats": [{"name": "own", "apache": text}]})
    assert (row["_problem"], row["log_format"]) == (None, "own")
    assert row["time"] == datetime(2026, 5, 18, 0, 30, 0, time)


def test_times_without_a_zone_are_local_and_summer_time_is_seen(tmp_path):
    text = '%{%Y-%m-%d %H:%M:%S}t %a "%r" %s'
    lines = [
        f'2026-{day} 192.0.2.7 "GET /a HTTP/1.1" 200'
        for day in ("01-10 12:00:00", "07-10 12:00:00", "10-25 02:30:00", "03-29 02:30:00")
    ]
    rows = rows_of(
        tmp_path, "\n".join(lines) + "\n", {"formats": [{"name": "own", "apache": text}]}, time_zone="Europe/Amsterdam"
    )
    # What occurs twice is its first occurrence, what does not exist is moved forward.
    assert [row["time"].strftime("%m-%d %H:%M") for row in rows] == [
        "01-10 11:00",
        "07-10 10:00",
        "10-25 00:30",
        "03-29 01:30",
    ]


NGINX = """log_format shop '$remote_addr - $remote_user [$time_local] "$request" '
    '$status $body_bytes_sent "$http_referer" '
    'rt=$request_time urt="$upstream_response_time" sid=${cookie_sid} "$http_user_agent"';"""


def test_an_nginx_directive_over_several_lines(tmp_path):
    line = '192.0.2.7 - - [18/May/2026:00:30:00 +0000] "GET /a HTTP/1.1" 200 5 "-" rt=0.250 urt="0.1, 0.05" sid=s1 "UA"'
    log = {"formats": [{"name": "shop", "nginx": NGINX}], "cookies": {"sid": "shop.session"}}
    (row,) = rows_of(tmp_path, line + "\n", log)
    assert row["log_format"] == "shop"
    assert (row["response_seconds"], round(row["upstream_seconds"], 6)) == (0.25, 0.15)
    assert (row["cookie"], json.loads(row["identified"])) == (None, [{"type": "shop.session", "value": "s1"}])


def test_nginx_json_with_keys_of_ones_own(tmp_path):
    text = (
        'escape=json \'{"wann":"$time_iso8601","wer":"$remote_addr","was":"$request","st":$status,"k":"$http_cookie"}\''
    )
    line = r'{"wann":"2026-05-18T02:30:00+02:00","wer":"192.0.2.7","was":"GET /\"a\" HTTP/1.1","st":404,"k":"a=1; sid=s%201"}'
    log = {"formats": [{"name": "own", "nginx": text}], "cookies": {"sid": "cookie"}}
    row, other = rows_of(tmp_path, line + '\n{"wann": 1}\n', log)
    assert (row["log_format"], row["time"], row["path"]) == ("own", datetime(2026, 5, 18, 0, 30), '/"a"')
    assert (row["status"], row["cookie"]) == (404, "s 1")
    assert other["_problem"] == "JSON, but not a request"


def test_an_address_in_parts_is_one():
    for form in (
        apache_format("a", '%h %t "%m %U%q %H" %>s'),
        nginx_format("b", "$remote_addr $msec $scheme://$host$request_uri $status"),
    ):
        assert "target" in [item.kind for item in form.fields]


@pytest.mark.parametrize(
    ("read", "text", "what"),
    [
        (apache_format, '%h "%r" %>s', "without a time"),
        (apache_format, "%h %t %>s", "without the request"),
        (apache_format, '%t "%r"', "without the status"),
        (apache_format, "%h%u %t %r %>s", "nothing stands between field 1 and 2"),
        (apache_format, "%t %r %>s %{min}T", "s, ms and us"),
        (apache_format, "%t %r %>s %j", "%j is no directive"),
        (apache_format, "%t %r %>s 100%", "at character 14 is no directive"),
        (nginx_format, "$remote_addr$status", "nothing stands between"),
        (nginx_format, '{"a": "$msec", "b": $status', "begins like JSON but is none"),
    ],
)
def test_a_format_string_that_cannot_be_read_says_why(read, text, what):
    with pytest.raises(LogFormatError, match=what.replace("%", "%")):
        read("own", text)


def test_settings_name_the_format_that_is_wrong():
    with pytest.raises(ValidationError, match="shop: without a time"):
        LogSettings.model_validate({"formats": [{"name": "shop", "apache": "%h"}]})
    with pytest.raises(ValidationError, match="either apache or nginx"):
        LogSettings.model_validate({"formats": [{"name": "shop"}]})
    with pytest.raises(ValidationError, match="same name"):
        LogSettings.model_validate({"formats": [{"name": "shop", "apache": APACHE}] * 2})


def test_the_configuration_adds_to_the_spec():
    mine = LogSettings.model_validate({"keep_parameters": ["a"], "cookies": {"x": "cookie"}})
    both = mine.with_settings({"keep_parameters": ["a", "b"], "cookies": {"y": "login"}, "ipv4_bits": 24})
    assert (both.keep_parameters, both.cookies, both.ipv4_bits) == (("a", "b"), {"x": "cookie", "y": "login"}, 24)

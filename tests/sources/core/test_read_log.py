"""Access logs: every line is a row or a problem, and no address is in what is written."""

from __future__ import annotations

import base64
import json

import pyarrow.parquet as pq
import pytest

from sources.read_log import mask_address, mask_text, parse_log, split_line
from sources.writing import ParsedWriter
from tests.sources.core.helpers import SHARED, make_spec, read_rows

LOG = {"format": "log"}
LOGS = SHARED / "weblogs" / "logs"
needs_shared = pytest.mark.skipif(not LOGS.is_dir(), reason="the shared data folder is not beside the checkout")


def line(
    ip="192.0.2.7", user="-", time="17/May/2026:23:30:00 -0100", request="GET /a?b=1 HTTP/1.1", rest='200 5 "-" "UA"'
):
    return f'{ip} - {user} [{time}] "{request}" {rest}\n'


def rows_of(tmp_path, text, salt=b"salt", block=None):
    path = tmp_path / "a.log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    spec = make_spec(tmp_path, LOG)
    if block is None:
        return read_rows(path, spec, salt)[1]
    with ParsedWriter(tmp_path / "o.parquet") as writer:
        parse_log(path, spec, writer, salt, block)
    return pq.read_table(tmp_path / "o.parquet").to_pylist()


def test_the_fields_of_a_line(tmp_path):
    row = rows_of(tmp_path, line(user="ann", rest='404 - "https://example.org/x" "UA \\"1\\""'))[0]
    want = {
        "remote_user": "ann", "time": "2026-05-18T00:30:00Z", "method": "GET", "path": "/a", "query": "b=1",
        "protocol": "HTTP/1.1", "status": "404", "bytes": None, "referrer": "https://example.org/x",
        "user_agent": 'UA \\"1\\"', "ip_masked": "192.0.0.0/16", "_problem": None,
    }  # fmt: skip
    assert {name: row[name] for name in want} == want
    assert len(row["visitor"]) == 16


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


def test_both_ways_of_reading_give_the_same_row(tmp_path):
    """A line with a virtual host goes the patient way; without it, the fast way."""
    plain, patient = rows_of(tmp_path, line() + "www.example.org:443 " + line())
    assert {**plain, "_row": 0, "_line": 0} == {**patient, "_row": 0, "_line": 0}


def test_lines_that_are_none_are_problems_without_addresses(tmp_path):
    bad = [
        '192.0.2.7 - - [17/May/2026:23:30:00 +0000] "GET /a HT',
        line(time="32/May/2026:23:30:00 +0000"),
        "2001:db8:1:2::7 tried something at 12:30:15",
        "nonsense",
    ]
    rows = rows_of(tmp_path, line() + "\n  \n" + "\n".join(item.strip() for item in bad) + "\n" + line())
    assert [row["_problem"] is None for row in rows] == [True, False, False, False, False, True]
    assert [row["_line"] for row in rows] == [1, 4, 5, 6, 7, 8]
    raws = [row["_raw"] for row in rows if row["_problem"]]
    assert raws[0].startswith("192.0.x.x - - [17/May/2026:23:30:00")
    assert raws[2] == "[IPv6] tried something at 12:30:15"
    assert "the time" in rows[2]["_problem"]


def test_blocks_may_cut_anywhere(tmp_path):
    text = line() + "bad line\n" + line(ip="2001:db8::1") + line(request="GET /caf\xe9 HTTP/1.1").replace("UA", "x\0y")
    text = text.rstrip("\n").encode("latin-1")
    whole = rows_of(tmp_path, text)
    assert [row["path"] for row in whole] == ["/a", None, "/a", "/caf\\xe9"]
    for block in (10, 100, 173, 400):
        assert rows_of(tmp_path, text, block=block) == whole


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("192.0.2.200", "192.0.0.0/16"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ("::ffff:192.0.2.1", "192.0.0.0/16"),
        ("fe80::1%eth0", "fe80::/48"),
        ("host.example.org", None),
    ],
)
def test_addresses_are_masked(address, masked):
    assert mask_address(address) == masked
    assert address not in mask_text(f"{address} - -") or masked is None


def test_a_user_with_blanks_and_a_missing_user():
    assert split_line(line(user="ann berg"))["user"] == "ann berg"
    assert split_line(line().replace(" - - [", " - ["))["ip"] == "192.0.2.7"


@needs_shared
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "problems"),
    [
        ("advertools_combined_no_errors.log", 0),
        ("advertools_combined_with_errors.log", 4),
        ("advertools_nginx_access.log", 0),
        ("advertools_dreamhost_apache_access.log", 0),
        ("advertools_combined_latin1_enc.log", 30),  # its last 30 lines are compressed bytes
        ("apachelogs_vhost_combined.log", 1),
        ("elastic_apache_logs.combined.log", 0),
        ("crowdsec/nginx_http-logs.log", 1),  # a line of an error log
        ("crowdsec/apache2-logs.log", 2),  # two of them
    ],
)
def test_every_line_of_real_logs_is_a_row_or_a_problem(tmp_path, name, problems):
    source = LOGS / name
    content = source.read_bytes()
    path = tmp_path / "a.log"
    path.write_bytes(content)
    result, rows = read_rows(path, make_spec(tmp_path, LOG))
    assert result.row_count == sum(bool(item.strip()) for item in content.split(b"\n"))
    assert result.problem_count == problems
    assert all(row["time"] and row["visitor"] for row in rows if not row["_problem"])


@needs_shared
@pytest.mark.shared
def test_nasty_lines(tmp_path):
    cases = [json.loads(text) for text in (LOGS / "nasty_lines.jsonl").read_text().splitlines()]
    cases = [case for case in cases if not case["name"].startswith("XFF")]
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(base64.b64decode(case["raw_b64"]) + b"\n" for case in cases))
    _, rows = read_rows(path, make_spec(tmp_path, LOG))
    assert len(rows) == len(cases)
    for case, row in zip(cases, rows, strict=True):
        want = case["expected"]
        assert (row["_problem"] is None) == (want is not None), case["name"]
        for field, column in (("status", "status"), ("bytes", "bytes"), ("ref", "referrer"), ("ua", "user_agent")):
            if want and want[field] != "ANY":
                assert (row[column] or "") == want[field].removeprefix("-"), (case["name"], column)
        if want and want["req"] not in ("ANY", "-"):
            query = "?" + row["query"] if row["query"] else ""
            request = " ".join(part for part in (row["method"], (row["path"] or "") + query, row["protocol"]) if part)
            assert request == want["req"], case["name"]

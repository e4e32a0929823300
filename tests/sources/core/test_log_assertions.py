"""What others assert about real log lines: every assertion about a field that is stored, and lines made to break parsers."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.sources.core.helpers import SHARED, make_spec, read_rows

LOGS = SHARED / "weblogs" / "logs"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not LOGS.is_dir(), reason="the shared data folder is not beside the checkout"),
]
# Everything is kept, so that it can be compared.
LOG = {"format": "log", "log": {"query": "all", "ipv4_bits": 32}}
EVENT = re.compile(
    r'results\["s0[12]-(?:parse|enrich)"\]\["crowdsecurity/([\w-]+)"\]\[(\d+)\]\.Evt\.(\w+)((?:\["\w+"\])+)'
)


def address(row):
    return row["ip_masked"].removesuffix("/32")


def target(row):
    return row["path"] + (f"?{row['query']}" if row["query"] else "")


def version(row):
    return row["protocol"].removeprefix("HTTP/")


def clock(form):
    return lambda row: row["time"].strftime(form)


def or_dash(name):
    return lambda row: "-" if row[name] is None else str(row[name])


# Their name of a field → what we store of it.
FIELDS = {
    "clientip": address, "remote_addr": address, "remote_ip": address, "source_ip": address, "c_ip": address,
    "client_ip": address, "verb": or_dash("method"), "http_verb": or_dash("method"), "http_method": or_dash("method"),
    "cs_method": or_dash("method"), "method": or_dash("method"), "request": target, "http_path": target, "uri": target,
    "cs_uri_stem": or_dash("path"), "cs_uri_query": or_dash("query"), "httpversion": version, "http_version": version,
    "proto": or_dash("protocol"), "cs_protocol_version": or_dash("protocol"), "response": or_dash("status"),
    "status": or_dash("status"), "http_status": or_dash("status"), "elb_status_code": or_dash("status"),
    "sc_status": or_dash("status"), "bytes": or_dash("bytes"), "body_bytes_sent": or_dash("bytes"),
    "sent_bytes": or_dash("bytes"), "sc_bytes": or_dash("bytes"), "size": or_dash("bytes"), "referrer": or_dash("referrer"),
    "http_referer": or_dash("referrer"), "cs_referer": or_dash("referrer"), "http_user_agent": or_dash("user_agent"),
    "cs_user_agent": or_dash("user_agent"), "auth": or_dash("remote_user"), "remote_user": or_dash("remote_user"),
    "user_id": lambda row: row["remote_user"] or "", "http_args": or_dash("query"),
    "request_creation_time": clock("%Y-%m-%dT%H:%M:%S.%fZ"),
    "year": clock("%Y"), "month": clock("%m"), "day": clock("%d"), "x_host_header": or_dash("host"), "host": or_dash("host"),
    "http_host": or_dash("host"), "target_fqdn": or_dash("host"),
    "time_taken": lambda row: f"{row['response_seconds']:.3f}",
    "target_processing_time": lambda row: "-1" if row["upstream_seconds"] is None else f"{row['upstream_seconds']:.3f}",
}  # fmt: skip


def assertions(path: Path) -> dict[str, dict[tuple[str, str], str]]:
    """Line of the log → (part of the event, field) → value that others found in it."""
    events: dict[tuple[str, str], dict[tuple[str, str], str]] = defaultdict(dict)
    for text in path.read_text(encoding="utf-8").splitlines():
        found = EVENT.search(text)
        if found is None or (" == " not in text and "FloatApproxEqual" not in text):
            continue
        value = text.split(" == ", 1)[1] if " == " in text else text.rsplit(", ", 1)[1].rstrip(")")
        keys = re.findall(r'"(\w+)"', found[4])
        stage = found[1] if found[1] in ("http-logs", "dateparse-enrich") else "parse"
        events[stage, found[2]][found[3], keys[-1]] = (
            json.loads(value, strict=False) if value.startswith('"') else value
        )
    by_line: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for (stage, _), fields in events.items():
        line = fields.get(("Parsed", "message")) or fields.get(("Line", "Raw"))
        if line:
            by_line[line].update({(f"{stage} {part}", key): value for (part, key), value in fields.items()})
    return by_line


@pytest.mark.parametrize(
    ("name", "compared"),
    [("apache2", 108), ("nginx_http", 410), ("aws-alb", 730), ("aws-cloudfront", 80), ("caddy", 667)],
)
def test_assertions_about_real_lines(tmp_path, name, compared):
    lines = (LOGS / "crowdsec" / f"{name}-logs.log").read_text(encoding="utf-8").split("\n")
    path = tmp_path / "a.log"
    path.write_text("\n".join(lines), encoding="utf-8")
    _, rows = read_rows(path, make_spec(tmp_path, LOG))
    by_line = {lines[row["_line"] - 1].strip(): row for row in rows}
    checked = 0
    for line, wanted in assertions(LOGS / "crowdsec" / f"{name}-logs.assert.txt").items():
        # Of a line of an error log they keep the message only.
        row = by_line.get(line.strip()) or next(row for text, row in by_line.items() if line in text)
        is_request = any(key in ("response", "status", "elb_status_code", "sc_status") for _, key in wanted)
        if not is_request:
            # A line of an error log or of another logger: no request, and not taken for one.
            assert row["_problem"] is not None, line
            checked += 1
            continue
        assert row["_problem"] is None, line
        for (part, key), value in wanted.items():
            if key in FIELDS and not skipped(name, key, value):
                if key in ("target_fqdn", "host"):
                    value = re.sub(r":\d+$", "", value)
                if part == "http-logs Parsed" and key == "request":
                    # Their next step takes the query away from it.
                    assert row["path"] == value, (line, part, key)
                elif key == "time_taken":
                    assert float(FIELDS[key](row)) == pytest.approx(float(value)), (line, key)
                else:
                    assert FIELDS[key](row) == value, (line, part, key)
                checked += 1
            elif key in ("timestamp", "time_local"):
                form = "%d/%b/%Y:%H:%M:%S %z" if value[2] == "/" else "%Y-%m-%dT%H:%M:%S%z"
                whole = re.sub(r"\.\d+Z$", "Z", value)
                assert row["time"].replace(microsecond=0, tzinfo=UTC) == datetime.strptime(whole, form), (
                    line,
                    part,
                    key,
                )
                checked += 1
            elif key == "MarshaledTime":
                # Their time in UTC, with a fraction where the log has one that they look at.
                got = row["time"] if "." in value else row["time"].replace(microsecond=0)
                assert got == datetime.fromisoformat(value.removesuffix("Z")), (line, key)
                checked += 1
            elif key in ("duration", "ts"):
                found = row["response_seconds"] if key == "duration" else row["time"].replace(tzinfo=UTC).timestamp()
                assert found == pytest.approx(float(value), abs=2e-6), (line, key)
                checked += 1
    assert checked == compared


def skipped(name: str, key: str, value: str) -> bool:
    """Assertions about something else than their name says."""
    # The address that connected; the client's own is another key, and that is the one stored.
    return name == "caddy" and key == "remote_ip" and value == "172.17.0.1"


def test_nasty_lines(tmp_path):
    """Lines made to break parsers, one after the other in one file: each is right or rejected, and harms no other."""
    cases = [json.loads(text) for text in (LOGS / "nasty_lines.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(cases) >= 18
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(base64.b64decode(case["raw_b64"]) + b"\n" for case in cases))
    result, rows = read_rows(path, make_spec(tmp_path, LOG))
    assert result.row_count == len(cases)
    for case, row in zip(cases, rows, strict=True):
        want = case["expected"]
        assert (row["_problem"] is None) == (want is not None), case["name"]
        if want is None:
            continue
        assert row["time"] == datetime(2025, 10, 10, 17, 25, 36), case["name"]
        for field, column in (("status", "status"), ("bytes", "bytes"), ("ref", "referrer"), ("ua", "user_agent")):
            if want[field] != "ANY":
                got = "" if row[column] is None else str(row[column])
                assert got == ("" if want[field] == "-" else want[field]), (case["name"], column)
        if want["req"] not in ("ANY", "-"):
            request = " ".join(
                part for part in (row["method"], target(row) if row["path"] else "", row["protocol"]) if part
            )
            assert request == want["req"], case["name"]
        is_address = re.fullmatch(r"[\d.]+|[\da-f:]+", want["ip"]) is not None
        assert (row["ip_masked"] is not None) == is_address, case["name"]

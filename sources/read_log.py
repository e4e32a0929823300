r"""Web server access logs (common, combined, with a virtual host in front) to parsed rows, without visitors' addresses.

Two ways: one regular expression over blocks of lines in DuckDB; what it does not match goes, line by line, through
more patient expressions in Python (virtual host, no user, stray quotes, cut-off agent); what they do not match is a
problem row. Bytes that are not valid text are written as `\xNN`, as the servers themselves do.

Columns: `remote_user`, `time` (ISO 8601, UTC), `method`, `path` (the whole request where it is none), `query`,
`protocol`, `status`, `bytes`, `referrer`, `user_agent`, `visitor`, `ip_masked`. A dash is empty.

`visitor` is a keyed hash (SHA-256 over salt, address, agent and UTC day, first 16 hex digits): one visitor within a
day, and nobody without the salt. `ip_masked` keeps /16 of IPv4 and /48 of IPv6. The address itself is written nowhere:
in `_raw` of a problem row addresses are masked too.

Does not belong here: bots, sessions, channels.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa

from sources.archive import ReadError
from sources.lines import cut, is_valid, line_table
from sources.opening import BLOCK_BYTES, text_blocks
from sources.spec import ExportSpec
from sources.writing import MAX_RAW_CHARACTERS, ParsedWriter

MAX_LINE_BYTES = 64 << 20
# The most patient expression may look at a line many times over; longer lines are left to the others.
_MAX_STRAY_QUOTES_LINE = 16_384

FIELDS = ("ip", "ident", "user", "time", "request", "status", "bytes", "referrer", "agent")
COLUMNS = (
    "remote_user", "time", "method", "path", "query", "protocol",
    "status", "bytes", "referrer", "user_agent", "visitor", "ip_masked",
)  # fmt: skip

_REGULAR = (
    r'^([^ ]+) ([^ ]+) ([^ \[]+) \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)'
    r'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?\s*$'
)
_HOST = r"(?:[\w.-]+(?::\d+)? (?=(?:\d{1,3}\.){3}\d{1,3} |[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+ ))?"
_START = rf"^{_HOST}(?P<ip>\S+) (?P<ident>\S+) (?P<user>[^\[]*?) ?\[(?P<time>[^\]]+)\] "
_QUOTED = r'"(?P<{}>(?:[^"\\]|\\.)*+)"'
_COUNTS = r" (?P<status>\d{3}) (?P<bytes>\d+|-)"
_REQUEST, _REFERRER, _AGENT = (_QUOTED.format(name) for name in ("request", "referrer", "agent"))
_PATIENT = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        # an agent that is cut off
        rf'{_START}{_REQUEST}{_COUNTS} {_REFERRER} "(?P<agent>[^"]*)$',
        # with a virtual host, without a user, with more fields behind (they are not read)
        rf"{_START}{_REQUEST}{_COUNTS}(?: {_REFERRER} {_AGENT})?(?: .*)?$",
    )
)
# quotes that should have been escaped
_STRAY_QUOTES = re.compile(rf'{_START}"(?P<request>.*?)"{_COUNTS} "(?P<referrer>[^"]*)" "(?P<agent>.*)"\s*$', re.DOTALL)
_TIME = "%d/%b/%Y:%H:%M:%S %z"

_IPV4 = re.compile(r"\b(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}\b")
_IPV6 = re.compile(r"(?<![\w:])(?=[0-9A-Fa-f:]*::|(?:[0-9A-Fa-f]+:){7})[0-9A-Fa-f:.]+")

_DERIVED = """
select
  _row, _line,
  case when problem is not null then rtrim(text, chr(10) || chr(13)) end as _raw,
  problem as _problem,
  cell("user") as remote_user,
  strftime(received_at, '%Y-%m-%dT%H:%M:%SZ') as time,
  nullif(parts.method, '') as method,
  case when parts.method = '' then cell(request) else split_part(parts.target, '?', 1) end as path,
  nullif(substr(parts.target, length(split_part(parts.target, '?', 1)) + 2), '') as query,
  nullif(parts.protocol, '') as protocol,
  cell(status) as status,
  cell(bytes) as bytes,
  cell(referrer) as referrer,
  cell(agent) as user_agent,
  left(sha256($salt || chr(31) || ip || chr(31) || agent || chr(31) || strftime(received_at, '%Y-%m-%d')), 16)
    as visitor,
  case when regexp_full_match(ip, '(\\d{1,3}\\.){3}\\d{1,3}')
    then regexp_replace(ip, '\\.\\d+\\.\\d+$', '.0.0/16') else mask.masked end as ip_masked
from (
  select *, timezone('UTC', try_strptime(time, $time)) as received_at,
    case when ip is null then 'not a line of an access log'
      when try_strptime(time, $time) is null then 'the time is not of the form 17/May/2015:10:05:03 +0000'
    end as problem,
    regexp_extract(request, '^([A-Za-z_-]+) (.*?)(?: (HTTP/[0-9.]+))?$', ['method', 'target', 'protocol']) as parts
  from field
) left join mask using (ip)
order by _row
"""


def parse_log(
    path: Path, spec: ExportSpec, writer: ParsedWriter, salt: bytes, block_bytes: int = 2 * BLOCK_BYTES
) -> None:
    """Read the file into the writer; `salt` is the secret key of `visitor`."""
    con = duckdb.connect(":memory:")
    con.execute("create macro cell(text) as case when text not in ('', '-') then text end")
    writer.columns = list(COLUMNS)
    carry, row, line = b"", 1, 1
    for block, last, broken in text_blocks(path, spec.read.encoding, block_bytes):
        whole, carry = cut(carry + block, last)
        if len(carry) > MAX_LINE_BYTES:
            raise ReadError(f"{path}, line {line}: a line of more than {MAX_LINE_BYTES:,} bytes; no access log")
        count = whole.count(b"\n")
        if not is_valid(whole):
            whole = whole.decode("utf-8", "backslashreplace").encode()
        lines = line_table(whole, row, line)
        if lines.num_rows:
            writer.write(_block(con, lines, salt))
        row += lines.num_rows
        line += count
        if broken:
            writer.problem(row, line, None, broken)


def _block(con: duckdb.DuckDBPyConnection, lines: pa.Table, salt: bytes) -> pa.Table:
    names = ", ".join(f"'{name}'" for name in FIELDS)
    con.register("line_block", lines)
    con.execute(
        f"create or replace temp table matched as select _row, _line, regexp_extract(text, $regular, [{names}]) as f, "
        "text from line_block",
        {"regular": _REGULAR},
    )
    con.unregister("line_block")
    rest = con.execute("select _row, _line, text from matched where f.ip = '' order by _row").fetchall()
    con.register("patient", _patient_table(rest))
    fields = ", ".join(f"f.{name}" for name in FIELDS)
    con.execute(
        f"create or replace temp table field as select _row, _line, text, {fields} from matched where f.ip <> '' "
        "union all by name from patient"
    )
    con.unregister("patient")
    addresses = con.execute("select distinct ip from field where contains(ip, ':')").fetchall()
    masks = [(ip, mask_address(ip)) for (ip,) in addresses]
    con.register(
        "mask",
        pa.table(
            {"ip": pa.array([a for a, _ in masks], pa.string()), "masked": pa.array([m for _, m in masks], pa.string())}
        ),
    )
    result = con.sql(_DERIVED, params={"salt": salt.hex(), "time": _TIME}).to_arrow_table()
    if result["_raw"].null_count < result.num_rows:
        raws = [raw if raw is None else mask_text(raw)[:MAX_RAW_CHARACTERS] for raw in result["_raw"].to_pylist()]
        result = result.set_column(2, "_raw", pa.array(raws, pa.string()))
    con.unregister("mask")
    return result


def _patient_table(rest: list[tuple[int, int, str]]) -> pa.Table:
    """The fields of lines that the regular way left over; all NULL for a line that has none."""
    rows = []
    for row, line, text in rest:
        fields = split_line(text) or {}
        rows.append((row, line, text, *(fields.get(name) for name in FIELDS)))
    names = ["_row", "_line", "text", *FIELDS]
    types = [pa.int32(), pa.int32(), *([pa.string()] * (len(names) - 2))]
    values = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table([pa.array(v, t) for v, t in zip(values, types, strict=True)], names=names)


def split_line(text: str) -> dict[str, str] | None:
    """The fields of one log line, patiently; None when it is none."""
    patterns = (*_PATIENT, _STRAY_QUOTES) if len(text) <= _MAX_STRAY_QUOTES_LINE else _PATIENT
    text = text.rstrip("\r\n ")
    for pattern in patterns:
        match = pattern.match(text)
        if match:
            return {name: value or "" for name, value in match.groupdict().items()}
    return None


@lru_cache(100_000)
def mask_address(address: str) -> str | None:
    """/16 of an IPv4 address, /48 of an IPv6 one; None for anything else (a host name may name a person)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network(f"{ip}/{16 if ip.version == 4 else 48}", strict=False))


def mask_text(text: str) -> str:
    """A line with the addresses in it masked, for a person to look at."""
    return _IPV6.sub("[IPv6]", _IPV4.sub(r"\1.x.x", text))

r"""What a line of an access log looks like, as data: fields, what stands between them, and the formats known by name.

A text format is a list of fields and the literal texts before, between and after them; a JSON format says under which
key a field stands. Both name their fields in the same words (`KINDS`), so that all that follows is the same for every
server. Which format a file has is told by its first lines.

Does not belong here: format strings of Apache and nginx (`log_strings.py`), cutting lines (`log_parse.py`), what is kept
of a field (`log_columns.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

# What a field is. `cookie:<name>` and `header:<name>` are one cookie and one header; `skip`, `ident` (a word without
# full stops) and `prefix` (anything) are read over. `target_s` is the part of the response time that the server behind took.
KINDS = frozenset(
    {
        "address", "address_port", "forwarded", "user", "time", "date", "clock", "request", "method", "target", "path",
        "query", "protocol", "version", "status", "bytes", "referrer", "user_agent", "host", "cookies",
        "response_s", "response_ms", "response_us", "response_ns", "upstream_s", "upstream_ms", "upstream_ns", "timers",
        "target_s",
        "ident", "prefix", "skip",
    }
)  # fmt: skip

CLF_TIME = "%d/%b/%Y:%H:%M:%S %z"
# Forms of a time that are no strptime pattern.
ISO, EPOCH, EPOCH_MS, EPOCH_US = "iso", "epoch", "epoch_ms", "epoch_us"

_QUOTED = r'(?:[^"\\]|\\.)*+'
_PATTERNS = {
    "address": r"[^\s\"\[\]]+", "address_port": r"\S+:\d+", "status": r"\d{3}", "bytes": r"\d+|-",
    "ident": r"[^\s\".:]+", "prefix": r"[^\"]*?", "upstream_s": r"[^\"]+?",
    "host": r"[\w.-]+(?::\d+)?", "timers": r"[+-]?\d+(?:/[+-]?\d+)+", "date": r"\d{4}-\d\d-\d\d", "clock": r"\d\d:\d\d:\d\d",
}  # fmt: skip
_CODES = {
    "Y": r"\d{4}", "m": r"\d\d", "d": r"\d\d", "e": r"[ \d]\d", "H": r"\d\d", "M": r"\d\d", "S": r"\d\d", "I": r"\d\d",
    "y": r"\d\d", "j": r"\d{3}", "b": r"[A-Za-z]{3}", "h": r"[A-Za-z]{3}", "B": r"[A-Za-z]+", "a": r"[A-Za-z]{3}",
    "A": r"[A-Za-z]+", "p": r"[AaPp][Mm]", "T": r"\d\d:\d\d:\d\d", "R": r"\d\d:\d\d", "F": r"\d{4}-\d\d-\d\d",
    "D": r"\d\d/\d\d/\d\d", "s": r"\d+", "z": r"(?:[+-]\d\d:?\d\d|Z)", "Z": r"[A-Z]+", "3f": r"\d{3}", "6f": r"\d{6}",
    "f": r"\d+", "%": "%",
}  # fmt: skip
_FORMS = {
    ISO: r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*",
    EPOCH: r"\d{9,10}(?:\.\d+)?",
    EPOCH_MS: r"\d{12,13}",
    EPOCH_US: r"\d{15,16}",
}


@dataclass(frozen=True)
class Field:
    """One value of a line; `form` says how a time is written (a strptime pattern, or one of the words above)."""

    kind: str
    form: str = ""


@dataclass(frozen=True)
class LineFormat:
    """A text format: `literals` stand before, between and after the `fields`, so there is one more of them.

    `tail`: an expression of what may follow the last literal; it is read over. `plus`: the agent has `+` for blanks.
    `percent`: agent, referrer and cookies are percent-encoded.
    """

    name: str
    fields: tuple[Field, ...]
    literals: tuple[str, ...]
    tail: str = ""
    plus: bool = False
    percent: bool = False

    @cached_property
    def time_form(self) -> str:
        """How this format writes times; its pieces joined as they stand in the line."""
        forms = [item.form for item in self.fields if item.kind == "time"]
        return " ".join(forms) if forms else "%Y-%m-%d %H:%M:%S"

    @cached_property
    def segments(self) -> tuple[tuple[tuple[Field, ...], tuple[str, ...]], ...]:
        """The format cut at its quotation marks: (fields, literals) outside, inside, outside, … the first and last outside."""
        result: list[tuple[tuple[Field, ...], tuple[str, ...]]] = []
        fields: list[Field] = []
        literals: list[str] = []
        for index, literal in enumerate(self.literals):
            first, *others = literal.split('"')
            literals.append(first)
            for other in others:
                result.append((tuple(fields), tuple(literals)))
                fields, literals = [], [other]
            if index < len(self.fields):
                fields.append(self.fields[index])
        result.append((tuple(fields), tuple(literals)))
        return tuple(result)

    def pattern(
        self, strict_time: bool = False, blanks: bool = False, cut_off: bool = False, stray: bool = False
    ) -> re.Pattern[str]:
        """The escape-aware expression of a whole line; one group a field, `g0`, `g1`, …

        `strict_time`: a time must look like one. `blanks`: the user's name may have some. `cut_off`: the last quotation
        mark is missing. `stray`: quotation marks within a value are not escaped.
        """
        return _pattern(self, strict_time, blanks, cut_off, stray)


@dataclass(frozen=True)
class JsonFormat:
    """A JSON format: `paths` are (kind, form, DuckDB JSON path) in order of preference for the same kind."""

    name: str
    paths: tuple[tuple[Field, str], ...]
    required: tuple[str, ...] = field(default=())

    @cached_property
    def time_form(self) -> str:
        """How this format writes times."""
        return next((item.form for item, _ in self.paths if item.kind == "time"), ISO)


LogFormat = LineFormat | JsonFormat


@lru_cache(256)
def _pattern(form: LineFormat, strict_time: bool, blanks: bool, cut_off: bool, stray: bool) -> re.Pattern[str]:
    text = ""
    last = len(form.fields) - 1
    inside = False
    for index, literal in enumerate(form.literals):
        inside ^= literal.count('"') % 2 == 1
        if index and _is_loose_user(form, index - 1):
            # A server that knows no user may leave the dash out as well.
            text += " ?" + re.escape(literal[1:])
        elif not (cut_off and index == last + 1):
            text += re.escape(literal)
        if index > last:
            break
        item = form.fields[index]
        alone = literal.endswith('"') and form.literals[index + 1].startswith('"')
        if item.kind == "time":
            value = _time_pattern(item.form) if strict_time else r'[^\]"]*?' if " " in item.form else r'[^\]"\s]+'
        elif inside and alone:
            value = r'[^"]*' if cut_off and index == last else ".*?" if stray else _QUOTED
        elif _is_loose_user(form, index):
            value = r'[^"\[]*?' if blanks else r'[^\s"\[]*'
        elif item.kind == "address" and form.fields[0].kind == "host":
            value = "(?!- )" + _PATTERNS["address"]
        elif inside and item.kind in ("target", "path"):
            value = r'(?:[^"\\]|\\.)*?'
        elif (
            not inside
            and item.kind not in _PATTERNS
            and form.literals[index + 1].lstrip()
            and not literal.endswith("[")
        ):
            # Not blanks but other signs stand between the fields: a value may have blanks.
            value = r'[^"]+?' if form.literals[index + 1][0] not in ' "' else r'[^\s"]+'
        elif literal.endswith("["):
            value = r'[^\s"\]]*'
        else:
            value = _PATTERNS.get(item.kind, r'(?:[^\s"\\]|\\.)*' if inside else r'[^\s"]+')
        text += f"(?P<g{index}>{value})"
    return re.compile(f"{text}{form.tail}$", re.DOTALL)


def _is_loose_user(form: LineFormat, index: int) -> bool:
    """Whether a field is the user in front of the time in brackets: it may be missing, or have blanks."""
    return form.fields[index].kind == "user" and form.literals[index + 1].startswith(" [")


def _time_pattern(form: str) -> str:
    if form in _FORMS:
        return _FORMS[form]
    pieces = re.split(r"%(3f|6f|[A-Za-z%])", form)
    return "".join(_CODES.get(piece, r"\S+") if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))


# --- the formats known by name ---------------------------------------------------------------------------------------


def line_format(name: str, template: str, tail: str = "") -> LineFormat:
    """A format from a readable template: `{kind}` or `{time:pattern}` where a field stands.

    >>> line_format("tiny", "{address} [{time:%H:%M}]").literals
    ('', ' [', ']')
    """
    fields: list[Field] = []
    literals: list[str] = [""]
    for piece in re.split(r"(\{[^{}]+\})", template):
        if piece.startswith("{") and piece.endswith("}"):
            kind, _, form = piece[1:-1].partition(":")
            fields.append(Field(kind, form))
            literals.append("")
        else:
            literals[-1] += piece
    return LineFormat(name, tuple(fields), tuple(literals), tail)


_COMMON = '{address} {ident} {user} [{time:%d/%b/%Y:%H:%M:%S %z}] "{request}" {status} {bytes}'
_COMBINED = _COMMON + ' "{referrer}" "{user_agent}"'
_HAPROXY = (
    "{prefix}haproxy[{skip}]: {address_port} [{time:%d/%b/%Y:%H:%M:%S.%3f}] {skip} {skip} {timers} {status} {bytes} "
    '{skip} {skip} {skip} {skip} {prefix}"{request}"'
)
# More telling formats first: of two that fit equally well the first is taken.
LINE_FORMATS: tuple[LineFormat, ...] = (
    line_format("traefik", _COMBINED + ' {skip} "{skip}" "{skip}" {response_ms}ms'),
    line_format(
        "nginx_ingress",
        _COMBINED + " {skip} {response_s} [{skip}] [{skip}] {skip} {skip} {upstream_s} {skip} {skip}",
    ),
    line_format("combined_forwarded", _COMBINED + ' "{forwarded}"'),
    line_format("combinedio", _COMBINED + " {skip} {skip}"),
    line_format("combined", _COMBINED),
    line_format("common", _COMMON),
    line_format("vhost_combined", "{host} " + _COMBINED),
    line_format("vhost_common", "{host} " + _COMMON),
    line_format("combined_extra", _COMBINED + " ", tail=".+"),
    line_format("common_extra", _COMMON + " ", tail=r'[^"].*'),
    line_format("vhost_combined_extra", "{host} " + _COMBINED + " ", tail=".+"),
    line_format(
        "aws_alb",
        "{skip} {skip} {skip} {address_port} {skip} {response_s} {target_s} {response_s} {status} {skip} {skip} "
        # The time at the end is that of the request, the one in front that of the answer.
        '{bytes} "{request}" "{user_agent}" {skip} {skip} {skip} "{skip}" "{skip}" "{skip}" {skip} {time:iso} ',
        tail=".*",
    ),
    line_format("haproxy", _HAPROXY),
)
# The lines of one log may be of several of these: a virtual host that is not always logged, say.
FAMILY = tuple(item for item in LINE_FORMATS if item.name.startswith(("combined", "common", "vhost")))

_CLOUDFRONT_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
_W3C_KINDS = {
    "date": "date", "time": "clock", "c-ip": "address", "cs-username": "user", "cs-method": "method",
    "cs-uri-stem": "path", "cs-uri-query": "query", "cs-uri": "target", "sc-status": "status", "sc-bytes": "bytes",
    "cs(referer)": "referrer", "cs(user-agent)": "user_agent", "cs(host)": "host", "cs-host": "host",
    "x-host-header": "host", "cs(cookie)": "cookies", "cs-version": "protocol", "cs-protocol-version": "protocol",
    "time-taken": "response_ms", "x-forwarded-for": "forwarded", "cs(x-forwarded-for)": "forwarded",
}  # fmt: skip


def w3c_format(directive: str) -> LineFormat:
    """The format that a `#Fields:` line of a W3C extended log declares (IIS, CloudFront and others)."""
    names = directive.removeprefix("#Fields:").split()
    lower = [name.casefold() for name in names]
    cloudfront = "x-edge-location" in lower
    kinds = dict(_W3C_KINDS)
    if cloudfront:
        # CloudFront counts seconds, and `cs(Host)` is its own name of the distribution.
        kinds["time-taken"] = "response_s"
        if "x-host-header" in lower:
            kinds["cs(host)"] = "skip"
    fields: list[Field] = []
    for name in lower:
        header = re.fullmatch(r"cs\(([\w-]+)\)", name)
        kind = kinds.get(name) or (f"header:{header[1]}" if header else "skip")
        if kind != "skip" and kind in (item.kind for item in fields):
            kind = "skip"
        fields.append(Field(kind))
    separator = "\t" if cloudfront else " "
    literals = ("", *([separator] * (len(fields) - 1)), "")
    name = "cloudfront" if cloudfront else "iis" if "s-ip" in lower or "sc-win32-status" in lower else "w3c"
    return LineFormat(name, tuple(fields), literals, plus=not cloudfront, percent=cloudfront)


CLOUDFRONT = w3c_format("#Fields: " + _CLOUDFRONT_FIELDS)
_CLOUDFRONT_LINE = re.compile(r"\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[A-Z]{3}\S*\t(?:\d+|-)\t")


def _json(name: str, required: str, *paths: tuple[str, str]) -> JsonFormat:
    items = []
    for kind, path in paths:
        kind, _, form = kind.partition(":")
        items.append((Field(kind, form), path))
    return JsonFormat(name, tuple(items), tuple(required.split()))


CADDY = _json(
    "caddy", "request.method request.uri ts",
    ("time:auto", "$.ts"), ("address", "$.request.client_ip"), ("address", "$.request.remote_ip"),
    ("address_port", "$.request.remote_addr"),
    ("user", "$.user_id"), ("method", "$.request.method"), ("target", "$.request.uri"),
    ("protocol", "$.request.proto"), ("host", "$.request.host"), ("status", "$.status"), ("bytes", "$.size"),
    ("user_agent", '$.request.headers."User-Agent"[0]'), ("referrer", "$.request.headers.Referer[0]"),
    ("forwarded", '$.request.headers."X-Forwarded-For"[0]'), ("cookies", "$.request.headers.Cookie[0]"),
    ("response_s", "$.duration"),
)  # fmt: skip
TRAEFIK_JSON = _json(
    "traefik_json", "RequestMethod RequestPath DownstreamStatus",
    ("time:iso", "$.StartUTC"), ("time:iso", "$.StartLocal"), ("time:iso", "$.time"),
    ("address", "$.ClientHost"), ("address_port", "$.ClientAddr"), ("user", "$.ClientUsername"),
    ("method", "$.RequestMethod"), ("target", "$.RequestPath"), ("protocol", "$.RequestProtocol"),
    ("host", "$.RequestHost"), ("host", "$.RequestAddr"), ("status", "$.DownstreamStatus"),
    ("bytes", "$.DownstreamContentSize"), ("bytes", "$.OriginContentSize"),
    ("user_agent", '$."request_User-Agent"'), ("referrer", "$.request_Referer"),
    ("forwarded", '$."request_X-Forwarded-For"'), ("cookies", "$.request_Cookie"),
    ("response_ns", "$.Duration"), ("upstream_ns", "$.OriginDuration"),
)  # fmt: skip

# nginx and others let people choose the keys: the names that they commonly choose, per kind.
_JSON_NAMES: dict[str, tuple[str, ...]] = {
    "time:auto": ("time_iso8601", "@timestamp", "time_local", "msec", "timestamp", "time", "ts", "date", "datetime"),
    "address": (
        "remote_addr",
        "client_ip",
        "clientip",
        "remote_ip",
        "client",
        "ip",
        "remoteAddr",
        "clientIp",
        "remoteIP",
    ),
    "forwarded": ("http_x_forwarded_for", "x_forwarded_for", "xff", "forwarded_for"),
    "user": ("remote_user", "user", "auth", "remoteUser"),
    "request": ("request",),
    "method": ("request_method", "method", "verb", "http_method", "requestMethod"),
    "target": ("request_uri", "uri", "url", "target", "requestUri", "http_url"),
    "path": ("path", "request_path", "document_uri"),
    "query": ("args", "query_string", "query", "queryString"),
    "protocol": ("server_protocol", "protocol", "http_version", "httpversion", "proto"),
    "status": ("status", "status_code", "response", "code", "http_status"),
    "bytes": ("body_bytes_sent", "bytes_sent", "bytes", "size", "response_size", "bodyBytesSent"),
    "referrer": ("http_referer", "http_referrer", "referer", "referrer"),
    "user_agent": ("http_user_agent", "user_agent", "agent", "userAgent", "useragent"),
    "host": ("http_host", "host", "vhost", "server_name", "domain"),
    "cookies": ("http_cookie", "cookie"),
    "response_s": ("request_time", "response_time", "requestTime"),
    "upstream_s": ("upstream_response_time", "upstreamResponseTime"),
}


def json_format(keys: Iterable[str], name: str = "nginx_json", headers: Iterable[str] = ()) -> JsonFormat | None:
    """The format of JSON lines with these keys; None where they tell no status, time, request or client.

    `headers` are names of headers that the settings ask for; they are found as `http_<name>`.
    """
    present = list(dict.fromkeys(keys))
    known = {key.casefold().removeprefix("@"): key for key in present}
    paths = []
    for kind, names in _JSON_NAMES.items():
        for alias in names:
            key = known.get(alias.casefold().removeprefix("@"))
            if key is not None:
                base, _, form = kind.partition(":")
                paths.append((Field(base, form), f'$."{key}"'))
    for header in headers:
        key = known.get("http_" + header.casefold().replace("-", "_"))
        if key is not None:
            paths.append((Field(f"header:{header.casefold()}"), f'$."{key}"'))
    for key in present:
        if key.startswith("cookie_"):
            paths.append((Field("cookie:" + key.removeprefix("cookie_")), f'$."{key}"'))
    have = {item.kind for item, _ in paths}
    if (
        not {"status", "time"} <= have
        or not have & {"request", "target", "path"}
        or not have & {"address", "user_agent"}
    ):
        return None
    return JsonFormat(name, tuple(paths))


def json_keys(format_: Mapping[str, Field], name: str) -> JsonFormat:
    """The format of JSON lines whose keys are declared (nginx `escape=json`)."""
    return JsonFormat(name, tuple((item, f'$."{key}"') for key, item in format_.items() if item.kind != "skip"))


# --- which format a file has -----------------------------------------------------------------------------------------

SAMPLE_LINES = 200


def detect(lines: Sequence[str], configured: Sequence[LogFormat] = (), headers: Iterable[str] = ()) -> LogFormat | None:
    """The format of the first lines of a file; None when hardly any of them is a line of an access log.

    `configured` formats go before those known by name. Of several that fit, that of the most lines is taken.
    """
    sample = [line.rstrip("\r\n ") for line in lines if line.strip()][:SAMPLE_LINES]
    directive = next((line for line in sample if line.startswith("#Fields:")), None)
    if directive is not None and len(directive.split()) > 3:
        found = w3c_format(directive)
        return found if {"status", "path"} & {item.kind for item in found.fields} else None
    sample = [line for line in sample if not line.startswith("#")]
    if not sample:
        return None
    best: tuple[int, LogFormat] | None = None
    for candidate in (*configured, *_json_candidates(sample, headers), *LINE_FORMATS):
        count = _matches(candidate, sample)
        if count and (best is None or count > best[0]):
            best = count, candidate
    if sum(bool(_CLOUDFRONT_LINE.match(line)) for line in sample) > (best[0] if best else 0):
        return CLOUDFRONT
    if best is None:
        # A time that is written otherwise: the lines are rejects, but the file is known for what it is.
        best = max(((_matches(item, sample, False), item) for item in FAMILY[1:4]), key=lambda pair: pair[0])
    return best[1] if best[0] and best[0] * 10 >= len(sample) else None


def _json_candidates(sample: Sequence[str], headers: Iterable[str]) -> list[LogFormat]:
    keys: dict[str, None] = {}
    for line in sample:
        if line.startswith("{"):
            record = _record(line)
            keys.update(dict.fromkeys(record or ()))
    if not keys:
        return []
    generic = json_format(keys, headers=headers)
    return [CADDY, TRAEFIK_JSON, *([generic] if generic else [])]


def _record(line: str) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _matches(candidate: LogFormat, sample: Sequence[str], strict_time: bool = True) -> int:
    """How many of the lines are of the format."""
    if isinstance(candidate, LineFormat):
        pattern = candidate.pattern(strict_time=strict_time)
        return sum(pattern.match(line) is not None for line in sample)
    count = 0
    for line in sample:
        record = _record(line) if line.startswith("{") else None
        if record is None:
            continue
        if candidate.required:
            count += all(_has(record, path) for path in candidate.required)
        else:
            found = {item.kind for item, path in candidate.paths if path[3:-1] in record}
            count += {"status", "time"} <= found and bool(found & {"request", "target", "path"})
    return count


def _has(record: object, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(record, dict) or name not in record:
            return False
        record = record[name]
    return True
